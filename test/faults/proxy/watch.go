package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// watch passes a watch on, one event in memory at a time.
func (p *proxy) watch(w http.ResponseWriter, r *http.Request, e *entry) {
	query := r.URL.Query()
	relist := query.Get("sendInitialEvents") == "true" || query.Get("resourceVersion") == "" || query.Get("resourceVersion") == "0"
	rule := p.find("watch", e.subject, "", relist, nil)
	flow := &flow{proxy: p, w: w, opened: e}
	upstream := p.upstream
	if rule != nil {
		p.fired(rule, e)
		switch rule.Do {
		case "cut-before":
			p.end(e)
			abort()
		case "status":
			e.Status = rule.Status
			p.end(e)
			refuse(w, rule, e.subject)
			return
		case "close":
			flow.until = time.After(time.Duration(rule.Ms) * time.Millisecond)
		case "unmarked":
			flow.unmarked = true
		case "elsewhere":
			upstream = p.elsewhere
		case "lag":
			flow.lag = time.Duration(rule.Ms) * time.Millisecond
		}
	}
	if p.past != nil {
		flow.chapter = p.past.chapter(watchKey(r.URL.Path, query))
		if rule != nil && rule.Do == "stale" {
			version, served := flow.serveStale(r.Context(), rule, relist)
			if !served {
				return
			}
			if version != "" { // on from there, as if nothing had been
				query.Set("resourceVersion", version)
				query.Del("sendInitialEvents")
				query.Del("resourceVersionMatch")
				r.URL.RawQuery = query.Encode()
			}
		}
	}
	answer, err := p.forward(r.Context(), upstream, r, nil)
	if err != nil {
		e.Error = err.Error()
		p.end(e)
		abort()
	}
	defer answer.Body.Close()
	e.Status = answer.StatusCode
	p.end(e)
	flow.begin(answer.StatusCode, answer.Header)
	if answer.StatusCode != http.StatusOK {
		io.Copy(w, answer.Body)
		return
	}
	flow.run(r.Context(), answer.Body)
}

// flow is one watch on its way to the operator.
type flow struct {
	proxy    *proxy
	w        http.ResponseWriter
	opened   *entry
	begun    bool
	until    <-chan time.Time // closed properly then
	relist   <-chan time.Time // ended with 410 then
	dropping *rule            // that asks for this
	lag      time.Duration
	unmarked bool // without the bookmarks that only tell how far it is
	chapter  *chapter
}

func (f *flow) begin(status int, headers http.Header) {
	if f.begun {
		return
	}
	f.begun = true
	copyHeaders(f.w.Header(), headers)
	f.w.Header().Set("Content-Type", "application/json")
	f.w.WriteHeader(status)
	f.flush()
}

func (f *flow) flush() {
	if flusher, can := f.w.(http.Flusher); can {
		flusher.Flush()
	}
}

func (f *flow) send(line []byte) {
	if _, err := f.w.Write(line); err != nil {
		abort()
	}
	f.flush()
}

type line struct {
	text []byte
	came time.Time
	err  error
}

func (f *flow) run(ctx context.Context, body io.Reader) {
	// With a lag many are under way at once: as many as that takes, and no more.
	waiting := 1
	if f.lag > 0 {
		waiting = 4096
	}
	lines := make(chan line, waiting)
	go func() {
		defer close(lines)
		reader := bufio.NewReaderSize(body, 64<<10)
		for {
			text, err := reader.ReadBytes('\n')
			select {
			case lines <- line{text, time.Now(), err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	turned := f.proxy.turned()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turned:
			turned = f.proxy.turned()
			switch f.proxy.ending() {
			case "end":
				return
			case "gone":
				f.send(gone())
				return
			}
		case <-f.until:
			return
		case <-f.relist:
			f.proxy.plan.end(f.dropping)
			f.send(gone())
			return
		case next := <-lines:
			if next.err != nil {
				if next.err != io.EOF {
					abort()
				}
				return
			}
			if left := f.lag - time.Since(next.came); left > 0 && !sleep(ctx, int(left.Milliseconds())) {
				return
			}
			if !f.pass(ctx, next.text) {
				return
			}
		}
	}
}

func gone() []byte {
	text, _ := json.Marshal(event{"ERROR", failure(410, "injected: too old resource version")})
	return append(text, '\n')
}

// pass tells the operator of one event; false ends the watch.
func (f *flow) pass(ctx context.Context, text []byte) bool {
	var told event
	if json.Unmarshal(text, &told) != nil {
		f.send(text)
		return true
	}
	m := metaOf(told.Object)
	s := f.opened.subject
	s.Name, s.Namespace = m.Name, m.Namespace
	if f.chapter != nil {
		f.chapter.add(told.Type, m, text)
	}
	var r *rule
	e := &entry{Ordinal: f.proxy.ordinal.Add(1), Kind: "event", Began: now(), Phase: f.proxy.phase(), subject: s, Type: told.Type,
		Version: m.ResourceVersion, UID: m.UID}
	if told.Type == "BOOKMARK" {
		if f.unmarked && !bytes.Contains(text, []byte(`"k8s.io/initial-events-end"`)) {
			return true
		}
	} else {
		r = f.proxy.find("event", s, told.Type, false, told.Object)
		defer func() { f.proxy.end(e) }()
	}
	if r == nil {
		f.send(text)
		return true
	}
	f.proxy.fired(r, e)
	switch r.Do {
	case "drop":
		if f.relist == nil {
			f.dropping = r
			f.relist = time.After(time.Duration(r.RelistMs) * time.Millisecond)
		}
		return true
	case "duplicate":
		f.send(text)
	case "pause":
		if !sleep(ctx, r.Ms) {
			return false
		}
	case "garbage":
		f.send([]byte("\x00\xfenot JSON, and a whole line\n"))
	case "instead":
		f.send([]byte("{\"type\":\"MODIFIED\",\"object\":{\"metadata\":\xff\n"))
		return true
	case "cut":
		f.send(text[:len(text)/2])
		abort()
	case "gone":
		f.send(gone())
		return false
	case "error":
		body, _ := json.Marshal(event{"ERROR", failure(500, "injected: the watch has failed")})
		f.send(append(body, '\n'))
		return false
	}
	f.send(text)
	return true
}
