package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
)

// past keeps what each watch has told, so that a later one can be answered as a server would that has not heard of the rest yet.
type past struct {
	mutex    sync.Mutex
	chapters map[string]*chapter
}

// chapter is what watches of one path and selector have told, in order, each version of an object once.
type chapter struct {
	mutex    sync.Mutex
	events   []moment
	seen     map[string]bool
	marked   int    // how many events there were when the phase began
	bookmark string // the last version that was told without an object
}

type moment struct {
	kind, key, version string
	text               []byte
}

func newPast() *past { return &past{chapters: map[string]*chapter{}} }

func watchKey(path string, query url.Values) string {
	return path + "?" + query.Get("labelSelector") + "&" + query.Get("fieldSelector")
}

func (p *past) chapter(key string) *chapter {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.chapters[key] == nil {
		p.chapters[key] = &chapter{seen: map[string]bool{}}
	}
	return p.chapters[key]
}

func (p *past) mark() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, c := range p.chapters {
		c.mutex.Lock()
		c.marked = len(c.events)
		c.mutex.Unlock()
	}
}

func (c *chapter) add(kind string, m meta, text []byte) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if kind == "BOOKMARK" {
		c.bookmark = m.ResourceVersion
		return
	}
	key := m.Namespace + "/" + m.Name
	if kind == "ERROR" || c.seen[key+" "+m.ResourceVersion] {
		return
	}
	c.seen[key+" "+m.ResourceVersion] = true
	c.events = append(c.events, moment{kind, key, m.ResourceVersion, text})
}

// at gives what was there when that part of the events since the phase began had been told, the version of that time, and
// the events since.
func (c *chapter) at(part float64) (there []moment, version string, since []moment) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	end := c.marked + int(part*float64(len(c.events)-c.marked))
	last := map[string]int{}
	for i, m := range c.events[:end] {
		last[m.key] = i
		version = later(version, m.version)
	}
	for i, m := range c.events[:end] {
		if last[m.key] == i && m.kind != "DELETED" {
			there = append(there, m)
		}
	}
	if version == "" && end == len(c.events) {
		version = c.bookmark
	}
	return there, version, append([]moment(nil), c.events[end:]...)
}

func later(a, b string) string {
	if len(a) < len(b) || len(a) == len(b) && a < b {
		return b
	}
	return a
}

// serveStale begins a watch with the past and lets the rest follow after a while. It returns the version to go on from; none if
// nothing is known. False: the client has gone.
func (f *flow) serveStale(ctx context.Context, r *rule, relist bool) (string, bool) {
	if !relist || f.chapter == nil {
		return "", true
	}
	there, version, since := f.chapter.at(r.At)
	if version == "" {
		if len(since) == 0 {
			return "", true
		}
		version = "1" // before all that is known
	}
	f.begin(http.StatusOK, http.Header{})
	tell := func(kind string, m moment) {
		var told event
		if json.Unmarshal(m.text, &told) != nil {
			return
		}
		told.Type = kind
		text, _ := json.Marshal(told)
		e := &entry{Ordinal: f.proxy.ordinal.Add(1), Kind: "event", Began: now(), Phase: f.proxy.phase(), subject: f.opened.subject,
			Type: kind, Version: m.version, Rule: r.ID}
		e.Name = metaOf(told.Object).Name
		f.proxy.end(e)
		f.send(append(text, '\n'))
	}
	for _, m := range there {
		tell("ADDED", m)
	}
	var kind struct{ APIVersion, Kind string }
	if all := append(there, since...); len(all) > 0 {
		var told event
		if json.Unmarshal(all[0].text, &told) == nil {
			json.Unmarshal(told.Object, &kind)
		}
	}
	end, _ := json.Marshal(map[string]any{"type": "BOOKMARK", "object": map[string]any{"apiVersion": kind.APIVersion, "kind": kind.Kind,
		"metadata": map[string]any{"resourceVersion": version, "annotations": map[string]string{"k8s.io/initial-events-end": "true"}}}})
	f.send(append(end, '\n'))
	if !sleep(ctx, r.Ms) {
		return "", false
	}
	for _, m := range since {
		tell(m.kind, m)
		version = later(version, m.version)
	}
	return version, true
}
