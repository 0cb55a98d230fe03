package main

import (
	"context"
	"net"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// counts is what the server saw: "resource verb code" -> number.
type counts struct {
	lock        sync.Mutex
	requests    map[string]int
	in, out     atomic.Int64
	connections atomic.Int64
}

func newCounts() *counts { return &counts{requests: map[string]int{}} }

func (c *counts) note(resource, verb string, code int) {
	c.lock.Lock()
	c.requests[resource+" "+verb+" "+strconv.Itoa(code)]++
	c.lock.Unlock()
}

// timed is a connection that counts bytes and, while changes are pushed, notes when it was written to and read from.
type timed struct {
	net.Conn
	counts *counts
	noting *atomic.Bool
	lock   sync.Mutex
	writes []time.Time
	read   time.Time
}

func (t *timed) Read(into []byte) (int, error) {
	count, err := t.Conn.Read(into)
	t.counts.in.Add(int64(count))
	if t.noting.Load() {
		at := time.Now()
		t.lock.Lock()
		t.read = at
		t.lock.Unlock()
	}
	return count, err
}

func (t *timed) Write(what []byte) (int, error) {
	t.counts.out.Add(int64(len(what)))
	if t.noting.Load() {
		at := time.Now()
		t.lock.Lock()
		t.writes = append(t.writes, at)
		t.lock.Unlock()
	}
	return t.Conn.Write(what)
}

// since is the first write at or after a time.
func (t *timed) since(at time.Time) (time.Time, bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	i := sort.Search(len(t.writes), func(i int) bool { return !t.writes[i].Before(at) })
	if i == len(t.writes) {
		return time.Time{}, false
	}
	return t.writes[i], true
}

type timedListener struct {
	net.Listener
	counts *counts
	noting *atomic.Bool
}

func (l timedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.counts.connections.Add(1)
	return &timed{Conn: conn, counts: l.counts, noting: l.noting}, nil
}

type connKey struct{}

// push is a change of one ConnectionPoint, and what came of it.
type push struct {
	committed, sent, answered time.Time
}

// pushes are changes under way: of which child the write is awaited.
type pushes struct {
	lock    sync.Mutex
	noting  atomic.Bool
	watch   *timed
	waiting map[string]*push
	all     []*push
	left    sync.WaitGroup
}

// watches notes over which connection the ConnectionPoints are told of.
func (p *pushes) watches(k *kind, of context.Context) {
	if k == points {
		p.lock.Lock()
		p.watch, _ = of.Value(connKey{}).(*timed)
		p.lock.Unlock()
	}
}

// answered: a write has come.
func (p *pushes) answered(child string, entered time.Time, of context.Context) {
	if !p.noting.Load() {
		return
	}
	p.lock.Lock()
	one := p.waiting[child]
	delete(p.waiting, child)
	watch := p.watch
	p.lock.Unlock()
	if one == nil || watch == nil {
		return
	}
	one.answered = entered
	if conn, ok := of.Value(connKey{}).(*timed); ok {
		conn.lock.Lock()
		if conn.read.After(one.committed) && conn.read.Before(entered) {
			one.answered = conn.read
		}
		conn.lock.Unlock()
	}
	one.sent, _ = watch.since(one.committed)
	p.left.Done()
}

// push changes so many ConnectionPoints, one after the other at a rate, each once; it returns once every child has been written.
func (s *store) push(rate float64, count int, limit time.Duration) map[string]any {
	s.lock.Lock()
	names := make([]string, 0, count)
	for name := range s.sets[points].objects { // in no order: that is as good as random
		if len(names) == count {
			break
		}
		names = append(names, name)
	}
	s.lock.Unlock()
	p := &s.pushes
	p.lock.Lock()
	p.waiting, p.all = map[string]*push{}, nil
	p.lock.Unlock()
	p.noting.Store(true)
	defer p.noting.Store(false)
	start := time.Now()
	late := time.Duration(0)
	for i, name := range names {
		due := start.Add(time.Duration(float64(i) / rate * 1e9))
		time.Sleep(time.Until(due))
		late = max(late, time.Since(due))
		p.left.Add(1)
		s.lock.Lock()
		live := s.sets[points].objects[name]
		next := *live
		next.managed = append([]managed(nil), live.managed...)
		next.spec.Interface = "p" + strconv.Itoa(i%100000) + "x" + strconv.Itoa(int(live.generation)%1000)
		next.generation++
		one := &push{committed: time.Now()}
		p.lock.Lock()
		p.waiting["cp-"+live.uid] = one
		p.all = append(p.all, one)
		p.lock.Unlock()
		s.commit(&next, false)
		s.lock.Unlock()
	}
	done := make(chan struct{})
	go func() { p.left.Wait(); close(done) }()
	unanswered := 0
	select {
	case <-done:
	case <-time.After(limit):
	}
	seconds := time.Since(start).Seconds()
	p.lock.Lock()
	defer p.lock.Unlock()
	unanswered = len(p.waiting)
	var wire, whole []float64
	for _, one := range p.all {
		if one.answered.IsZero() {
			continue
		}
		whole = append(whole, one.answered.Sub(one.committed).Seconds())
		if !one.sent.IsZero() {
			wire = append(wire, one.answered.Sub(one.sent).Seconds())
		}
	}
	return map[string]any{"changes": len(names), "unanswered": unanswered, "seconds": seconds, "latest_push_s": late.Seconds(),
		"from_wire_s": quantiles(wire), "from_commit_s": quantiles(whole)}
}

func quantiles(values []float64) map[string]float64 {
	out := map[string]float64{}
	if len(values) == 0 {
		return out
	}
	sort.Float64s(values)
	for name, share := range map[string]float64{"p10": .1, "p25": .25, "p50": .5, "p75": .75, "p90": .9, "p95": .95, "p99": .99, "p999": .999, "max": 1} {
		out[name] = values[min(len(values)-1, int(share*float64(len(values))))]
	}
	return out
}
