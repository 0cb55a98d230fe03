package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const mostBody = 64 << 20 // of a request, or of an answer that a rule wants to see whole

type proxy struct {
	plan
	upstream  *url.URL
	elsewhere *url.URL // another API server; nil: there is none
	client    *http.Transport
	trace     *teller
	out       *teller
	past      *past // nil: not recorded
	ordinal   atomic.Int64
	writes    atomic.Int64
	withdrawn sync.Map // Authorization headers that are worth nothing any more
	identity  *identity
}

func newProxy(upstream *url.URL, security *tls.Config, trace, out *teller, record bool) *proxy {
	p := &proxy{upstream: upstream, trace: trace, out: out, client: &http.Transport{
		TLSClientConfig: security, ForceAttemptHTTP2: true, DisableCompression: true, MaxIdleConnsPerHost: 64}}
	if record {
		p.past = newPast()
	}
	return p
}

func (p *proxy) command(text []byte) error {
	var turn struct{ Rotate *rotation }
	if json.Unmarshal(text, &turn) == nil && turn.Rotate != nil {
		return p.rotate(*turn.Rotate)
	}
	if err := p.load(text); err != nil {
		return err
	}
	if p.past != nil {
		p.past.mark()
	}
	return nil
}

// entry is a line of the trace: what was asked for and what came of it, or one event.
type entry struct {
	Ordinal int64   `json:"ordinal"`
	Kind    string  `json:"kind"` // request or event
	Began   float64 `json:"began"`
	Ended   float64 `json:"ended"`
	Phase   string  `json:"phase,omitempty"`
	subject
	Write   int64  `json:"write,omitempty"` // its ordinal among the writes
	Status  int    `json:"status,omitempty"`
	Type    string `json:"type,omitempty"`
	Version string `json:"version,omitempty"`
	UID     string `json:"uid,omitempty"`
	Holder  string `json:"holder,omitempty"` // in the Lease that was written
	Rule    string `json:"rule,omitempty"`
	Error   string `json:"error,omitempty"`
	Proto   string `json:"proto,omitempty"`
}

func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

func (p *proxy) begin(s subject) *entry {
	e := &entry{Ordinal: p.ordinal.Add(1), Kind: "request", Began: now(), Phase: p.phase(), subject: s}
	if s.isWrite() {
		e.Write = p.writes.Add(1)
	}
	return e
}

func (p *proxy) end(e *entry) {
	e.Ended = now()
	p.trace.tell(e)
}

func (p *proxy) fired(r *rule, e *entry) {
	e.Rule = r.ID
	p.out.tell(map[string]any{"fired": r.ID, "at": now(), "ordinal": e.Ordinal, "verb": e.Verb, "resource": e.full(), "name": e.Name,
		"type": e.Type})
}

// abort ends the exchange as a broken line does: the connection of HTTP/1.1, the stream of HTTP/2.
func abort() { panic(http.ErrAbortHandler) }

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody))
	if err != nil {
		abort()
	}
	s := subjectOf(r, body)
	e := p.begin(s)
	e.Proto = r.Proto
	if _, isOld := p.withdrawn.Load(r.Header.Get("Authorization")); isOld {
		e.Status = http.StatusUnauthorized
		p.end(e)
		refuse(w, &rule{Status: e.Status}, s)
		return
	}
	if s.Verb == "watch" {
		p.watch(w, r, e)
		return
	}
	defer func() { p.end(e) }()
	if s.Resource == "leases" {
		var lease struct {
			Spec struct{ HolderIdentity string }
		}
		if json.Unmarshal(body, &lease) == nil {
			e.Holder = lease.Spec.HolderIdentity
		}
	}
	p.exchange(w, r, body, e)
}

func (p *proxy) exchange(w http.ResponseWriter, r *http.Request, body []byte, e *entry) {
	rule := p.find("request", e.subject, "", false, body)
	do := ""
	if rule != nil {
		do = rule.Do
		p.fired(rule, e)
	}
	switch do {
	case "delay":
		if !sleep(r.Context(), rule.Ms) {
			abort()
		}
	case "hold-before":
		<-r.Context().Done()
		abort()
	case "cut-before":
		abort()
	case "status":
		e.Status = rule.Status
		refuse(w, rule, e.subject)
		return
	}
	ctx := r.Context()
	if do == "hold-after" || do == "cut-after" || do == "late" {
		ctx = context.WithoutCancel(ctx) // it is carried out, whatever becomes of the client
	}
	upstream := p.upstream
	if do == "elsewhere" {
		upstream = p.elsewhere
	}
	answer, err := p.forward(ctx, upstream, r, body)
	if err != nil {
		e.Error = err.Error()
		abort()
	}
	defer answer.Body.Close()
	e.Status = answer.StatusCode
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	if err != nil {
		e.Error = err.Error()
		abort()
	}
	if e.isWrite() {
		m := metaOf(text)
		e.Version, e.UID = m.ResourceVersion, m.UID
	}
	switch do {
	case "late":
		if !sleep(r.Context(), rule.Ms) {
			abort()
		}
	case "hold-after":
		p.out.tell(map[string]any{"done": rule.ID, "status": e.Status})
		<-r.Context().Done()
		abort()
	case "cut-after":
		abort()
	case "status-after":
		refuse(w, rule, e.subject)
		return
	case "garbage":
		text = []byte("\x00\xff{\"kind\":]]>\r\n\r\nnot a word of JSON")
	}
	copyHeaders(w.Header(), answer.Header)
	if do == "go-away" { // with HTTP/2 Go makes of it a GOAWAY: what is under way ends, nothing new begins
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(answer.StatusCode)
	if do == "trickle" {
		trickle(r.Context(), w, text, rule.Ms)
		return
	}
	w.Write(text)
}

func (p *proxy) forward(ctx context.Context, upstream *url.URL, r *http.Request, body []byte) (*http.Response, error) {
	if upstream == nil {
		return nil, errors.New("there is no API server elsewhere")
	}
	target := *upstream
	target.Path, target.RawPath, target.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	request, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	copyHeaders(request.Header, r.Header)
	request.Header.Del("Accept-Encoding")
	// What is to be understood here must be JSON; clients take what Content-Type says.
	if accept := r.Header.Get("Accept"); r.Method == http.MethodGet && (accept == "" || strings.Contains(accept, "protobuf") ||
		strings.Contains(accept, "cbor")) && !strings.Contains(accept, "as=") {
		request.Header.Set("Accept", "application/json")
	}
	return p.client.RoundTrip(request)
}

var hopByHop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Content-Length": true}

func copyHeaders(to, from http.Header) {
	for name, values := range from {
		if !hopByHop[name] {
			to[name] = values
		}
	}
}

var reasons = map[int]string{401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
	413: "RequestEntityTooLarge", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}

// refuse answers as the API server does when it says no.
func refuse(w http.ResponseWriter, r *rule, s subject) {
	w.Header().Set("Content-Type", "application/json")
	if r.RetryAfter != "" {
		w.Header().Set("Retry-After", r.RetryAfter)
	}
	w.WriteHeader(r.Status)
	message := "injected: " + s.Verb + " " + s.full()
	if r.Status == http.StatusForbidden { // as the API server's authorizer has it
		verb := s.Verb
		if verb == "apply" {
			verb = "patch"
		}
		message = fmt.Sprintf("%s %q is forbidden: User \"injected\" cannot %s resource %q in API group %q in the namespace %q",
			s.Resource, s.Name, verb, s.full(), s.Group, s.Namespace)
	}
	w.Write(failure(r.Status, message))
}

func failure(code int, message string) []byte {
	text, _ := json.Marshal(map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reasons[code], "code": code})
	return text
}

// sleep is false if the client has gone meanwhile.
func sleep(ctx context.Context, ms int) bool {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// trickle spreads the text over so many milliseconds.
func trickle(ctx context.Context, w http.ResponseWriter, text []byte, ms int) {
	const pieces = 40
	flusher, _ := w.(http.Flusher)
	for size := len(text)/pieces + 1; len(text) > 0; text = text[min(size, len(text)):] {
		if _, err := w.Write(text[:min(size, len(text))]); err != nil || !sleep(ctx, ms/pieces) {
			return
		}
		if flusher != nil {
			flusher.Flush()
		}
	}
}
