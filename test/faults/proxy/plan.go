package main

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"
)

// rule says what is to be done to which request, event or watch. Empty fields match all.
type rule struct {
	ID string `json:"id"`
	// "request" (any but a watch), "event" (one line of a watch) or "watch" (its opening).
	On        string `json:"on"`
	Verb      string `json:"verb"`     // "write" stands for all that change something
	Resource  string `json:"resource"` // members, members/status, or with * in it
	Namespace string `json:"namespace"`
	Name      string `json:"name"`     // may hold *
	Type      string `json:"type"`     // of an event: ADDED, MODIFIED, DELETED, or several with | between
	Contains  string `json:"contains"` // in the body, or in the event's object
	Relist    bool   `json:"relist"`   // of a watch: only one that begins with a list
	Nth       int    `json:"nth"`      // the first match that counts, from 1
	Times     int    `json:"times"`    // how many from there on; 0: one, -1: all
	ForMs     int    `json:"for_ms"`   // and for how long after the first; 0: for ever
	After     string `json:"after"`    // nothing counts before the rule of this name has fired

	Do         string  `json:"do"` // elsewhere: sent to the other API server
	Ms         int     `json:"ms"`
	Status     int     `json:"status"`
	RetryAfter string  `json:"retry_after"`
	RelistMs   int     `json:"relist_ms"` // drop: so much later the watch ends with 410
	At         float64 `json:"at"`        // stale: which part of the events since the phase began is known

	matched, fired int
	since          time.Time // when it fired first
	over           bool // its relist has come: what it drops is told of again
}

var actions = map[string]string{
	"delay": "request", "late": "request", "status": "request watch", "status-after": "request", "cut-before": "request watch",
	"cut-after": "request", "go-away": "request", "hold-before": "request", "hold-after": "request", "trickle": "request",
	"garbage": "request event", "instead": "event", "drop": "event", "duplicate": "event", "pause": "event", "cut": "event",
	"gone": "event", "error": "event", "close": "watch", "lag": "watch", "unmarked": "watch", "stale": "watch",
	"elsewhere": "request watch",
}

type script struct {
	Phase string  `json:"phase"`
	Rules []*rule `json:"rules"`
	// What becomes of the watches that are open, for rules on their opening: "" nothing, "end" a proper end, "gone" 410.
	Watches string `json:"watches"`
}

func (s *script) hasFired(id string) bool {
	for _, r := range s.Rules {
		if r.ID == id && r.fired > 0 {
			return true
		}
	}
	return false
}

type plan struct {
	mutex sync.Mutex
	now   script
	turn  chan struct{} // closed when the next script is loaded
}

func (p *plan) load(text []byte) error {
	var next script
	if err := json.Unmarshal(text, &next); err != nil {
		return err
	}
	for _, r := range next.Rules {
		if on, known := actions[r.Do]; !known || !strings.Contains(on, r.On) || r.On == "" {
			return fmt.Errorf("rule %q: no such action as %q on %q", r.ID, r.Do, r.On)
		}
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.now = next
	if p.turn != nil {
		close(p.turn)
	}
	p.turn = make(chan struct{})
	return nil
}

// turned is closed when another script is loaded; see ending.
func (p *plan) turned() <-chan struct{} {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.turn == nil {
		p.turn = make(chan struct{})
	}
	return p.turn
}

// ending says what the script does to watches that were open before it.
func (p *plan) ending() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.now.Watches
}

func (p *plan) phase() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.now.Phase
}

func fits(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	matched, _ := path.Match(pattern, text)
	return matched
}

func (p *plan) end(r *rule) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	r.over = true
}

// find returns the first rule whose turn it is. All rules count what they match, whoever is first.
func (p *plan) find(on string, s subject, eventType string, relist bool, text []byte) *rule {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var found *rule
	for _, r := range p.now.Rules {
		if r.After != "" && !p.now.hasFired(r.After) {
			continue
		}
		if r.On != on || !(r.Verb == "" || r.Verb == s.Verb || r.Verb == "write" && s.isWrite()) ||
			!fits(r.Namespace, s.Namespace) || !fits(r.Name, s.Name) || r.Relist && !relist {
			continue
		}
		// "*" has no part in path.Match's slashes: a resource without subresource never means its status.
		if !fits(r.Resource, s.full()) && r.Resource != "*" {
			continue
		}
		if r.Type != "" && !strings.Contains("|"+r.Type+"|", "|"+eventType+"|") {
			continue
		}
		if r.Contains != "" && !strings.Contains(string(text), r.Contains) {
			continue
		}
		r.matched++
		if found != nil || r.matched < r.Nth || r.over {
			continue
		}
		if limit := max(r.Times, 1); r.Times >= 0 && r.fired >= limit {
			continue
		}
		if r.fired == 0 {
			r.since = time.Now()
		} else if r.ForMs > 0 && time.Since(r.since) > time.Duration(r.ForMs)*time.Millisecond {
			continue
		}
		r.fired++
		found = r
	}
	return found
}
