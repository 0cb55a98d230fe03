package main

import (
	"fmt"
	"sort"
	"sync"
	"time"
)

// event is what a watch tells of. `at` is when it was committed.
type event struct {
	kind    string
	version uint64
	text    []byte
}

// set is all objects of one kind, and all that happened to them.
type set struct {
	objects  map[string]*object
	events   []event
	watchers map[chan struct{}]bool
}

type store struct {
	lock    sync.Mutex
	sets    map[*kind]*set
	version uint64
	uids    uint64
	ready   int
	readyAt time.Time // when all primaries were first Ready
	counts  *counts
	pushes  pushes
}

func newStore(networkCount, pointCount int) *store {
	s := &store{sets: map[*kind]*set{}, counts: newCounts(), version: 1000}
	for _, k := range kinds {
		s.sets[k] = &set{objects: map[string]*object{}, watchers: map[chan struct{}]bool{}}
	}
	// As bench/rigs/job.py makes them for the real server.
	for i := range networkCount {
		s.make(networks, fmt.Sprintf("net%d", i), spec{CIDR: fmt.Sprintf("10.%d.%d.0/24", i/256%256, i%256), MTU: int32(1400 + i%100)},
			`{"f:spec":{".":{},"f:cidr":{},"f:mtu":{}}}`)
	}
	for i := range pointCount {
		s.make(points, fmt.Sprintf("cp%d", i),
			spec{Network: fmt.Sprintf("net%d", i%networkCount), Interface: fmt.Sprintf("eth%d", i/networkCount%1000)},
			`{"f:spec":{".":{},"f:interface":{},"f:network":{}}}`)
	}
	return s
}

func (s *store) make(k *kind, name string, what spec, fields string) {
	s.commit(&object{kind: k, name: name, uid: s.uid(), created: now(), generation: 1, spec: what,
		managed: []managed{{userManager, "Update", "", fields, now()}}}, true)
}

const userManager = "kubectl-create"

// uid looks like a random one, and is the same in each run. Called with the lock held, or before there is anybody.
func (s *store) uid() string {
	s.uids++
	a, b := mix(s.uids), mix(s.uids^0x5555555555555555)
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func isReady(o *object) bool {
	for _, each := range o.status.Conditions {
		if each.Type == "Ready" {
			return each.Status == "True" && o.status.ObservedGeneration == o.generation
		}
	}
	return false
}

// commit gives the object its version and tells the watchers. With the lock held.
func (s *store) commit(o *object, made bool) {
	s.version++
	o.version = s.version
	o.render()
	of := s.sets[o.kind]
	if o.kind.primary {
		if before := of.objects[o.name]; before != nil && isReady(before) {
			s.ready--
		}
		if isReady(o) {
			s.ready++
		}
		if started && s.readyAt.IsZero() && s.ready == len(s.sets[networks].objects)+len(s.sets[points].objects) {
			s.readyAt = time.Now()
		}
	}
	of.objects[o.name] = o
	what := "MODIFIED"
	if made {
		what = "ADDED"
	}
	if !started { // nobody can ask for what was before
		return
	}
	of.events = append(of.events, event{what, o.version, o.text})
	for watcher := range of.watchers {
		select {
		case watcher <- struct{}{}:
		default: // it knows already
		}
	}
}

// snapshot is all objects by name, as etcd has them, and where the events after them begin.
func (s *store) snapshot(k *kind) (texts [][]byte, version uint64, next int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	of := s.sets[k]
	names := make([]string, 0, len(of.objects))
	for name := range of.objects {
		names = append(names, name)
	}
	sort.Strings(names)
	texts = make([][]byte, len(names))
	for i, name := range names {
		texts[i] = of.objects[name].text
	}
	return texts, s.version, len(of.events)
}

// after says where the events after a version begin.
func (s *store) after(k *kind, version uint64) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	events := s.sets[k].events
	return sort.Search(len(events), func(i int) bool { return events[i].version > version })
}

// from is the events from a place on.
func (s *store) from(k *kind, next int) []event {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.sets[k].events[next:]
}

func (s *store) join(k *kind, watcher chan struct{}, joins bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if joins {
		s.sets[k].watchers[watcher] = true
	} else {
		delete(s.sets[k].watchers, watcher)
	}
}
