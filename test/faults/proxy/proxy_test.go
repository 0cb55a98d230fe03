package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// rig is an API server of a few lines, the proxy before it, and a client of the proxy.
type rig struct {
	t       *testing.T
	client  *http.Client
	url     string
	control io.Writer   // its standard input
	told    chan string // its standard output
	events  chan string // lines that its watches tell
	mutex   sync.Mutex
	writes  int    // that have reached it
	ca      string // file of the proxy's authority
	http2   bool
}

func newRig(t *testing.T, http2 bool) *rig {
	r := &rig{t: t, told: make(chan string, 100), events: make(chan string), http2: http2}
	api := httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	api.EnableHTTP2 = true
	api.StartTLS()
	t.Cleanup(api.Close)
	roots := x509.NewCertPool()
	roots.AddCert(api.Certificate())

	ca := filepath.Join(t.TempDir(), "ca.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// With the certificate of the first one.
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }))
	t.Cleanup(elsewhere.Close)
	kubeconfig, token := filepath.Join(t.TempDir(), "kubeconfig"), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("me\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, control := io.Pipe()
	told, out := io.Pipe()
	trace := filepath.Join(t.TempDir(), "trace")
	go serve(options{upstream: api.URL, elsewhere: elsewhere.URL, upstreamCA: ca, listen: "127.0.0.1:0", tokenFile: token,
		kubeconfig: kubeconfig, trace: trace}, in, out)
	t.Cleanup(func() { control.Close() })
	r.control = control
	go func() {
		for lines := bufio.NewScanner(told); lines.Scan(); {
			r.told <- lines.Text()
		}
	}()
	if line := <-r.told; !strings.Contains(line, "ready") {
		t.Fatal(line)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string
				CA     string `json:"certificate-authority"`
			}
		}
	}
	written, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written, &config); err != nil {
		t.Fatal(err)
	}
	r.url, r.ca = config.Clusters[0].Cluster.Server, config.Clusters[0].Cluster.CA
	r.connect()
	return r
}

// connect makes a client that knows the authority of now.
func (r *rig) connect() {
	own := x509.NewCertPool()
	text, err := os.ReadFile(r.ca)
	if err != nil {
		r.t.Fatal(err)
	}
	own.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: own}, ForceAttemptHTTP2: r.http2}
	if !r.http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	r.t.Cleanup(transport.CloseIdleConnections)
	r.client = &http.Client{Transport: transport, Timeout: 5 * time.Second}
}

func (r *rig) rules(text string) {
	r.t.Helper()
	r.command(fmt.Sprintf("{\"phase\":\"p\",\"rules\":[%s]}", strings.ReplaceAll(text, "\n", " ")))
}

func (r *rig) command(text string) {
	r.t.Helper()
	fmt.Fprintln(r.control, text)
	for {
		switch line := <-r.told; {
		case strings.Contains(line, `"loaded"`):
			return
		case strings.Contains(line, `"error"`):
			r.t.Fatal(line)
		}
	}
}

func (r *rig) serve(w http.ResponseWriter, request *http.Request) {
	if request.URL.Query().Get("watch") != "" {
		w.(http.Flusher).Flush()
		for {
			select {
			case <-request.Context().Done():
				return
			case text := <-r.events:
				io.WriteString(w, text+"\n")
				w.(http.Flusher).Flush()
			}
		}
	}
	io.Copy(io.Discard, request.Body)
	r.mutex.Lock()
	r.writes++
	r.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"as":%q,"metadata":{"name":"a","resourceVersion":"7"}}`, request.Header.Get("Authorization"))
}

func (r *rig) reached() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.writes
}

func (r *rig) post() (int, string, error) {
	request, _ := http.NewRequest("POST", r.url+"/api/v1/namespaces/n/pods", strings.NewReader(`{"metadata":{"name":"a"}}`))
	request.Header.Set("Authorization", "Bearer me")
	answer, err := r.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

func both(t *testing.T, run func(t *testing.T, r *rig)) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) { run(t, newRig(t, http2)) })
	}
}

func TestPassesOn(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		status, text, err := r.post()
		if err != nil || status != 200 || !strings.Contains(text, "Bearer me") {
			t.Fatal(status, text, err)
		}
	})
}

func TestCuts(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.rules(`{"id":"a","on":"request","verb":"create","do":"cut-before"}`)
		if _, _, err := r.post(); err == nil || r.reached() != 0 {
			t.Fatal("it was sent", err, r.reached())
		}
		r.rules(`{"id":"b","on":"request","verb":"write","resource":"pods","name":"a","do":"cut-after"}`)
		if _, _, err := r.post(); err == nil || r.reached() != 1 {
			t.Fatal("it was answered, or not sent", err, r.reached())
		}
		if status, _, err := r.post(); err != nil || status != 200 {
			t.Fatal("one fault is one", status, err)
		}
	})
}

func TestGoesAway(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.rules(`{"id":"a","on":"request","verb":"create","do":"go-away"}`)
		var reused []bool
		for range 3 {
			trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = append(reused, info.Reused) }}
			request, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "POST",
				r.url+"/api/v1/namespaces/n/pods", strings.NewReader(`{"metadata":{"name":"a"}}`))
			answer, err := r.client.Do(request)
			if err != nil || answer.StatusCode != 200 {
				t.Fatal("not answered", err)
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		if reused[1] || !reused[2] {
			t.Fatal("the connection went on, or the next one did not", reused)
		}
	})
}

func TestAnswersInItsPlace(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.rules(`{"id":"a","on":"request","nth":2,"do":"status","status":429,"retry_after":"1"}`)
		if status, _, _ := r.post(); status != 200 {
			t.Fatal("the first was meant to pass", status)
		}
		if status, text, _ := r.post(); status != 429 || !strings.Contains(text, "TooManyRequests") {
			t.Fatal(status, text)
		}
		r.rules(`{"id":"a","on":"request","do":"status-after","status":500}`)
		if status, _, _ := r.post(); status != 500 || r.reached() != 2 {
			t.Fatal(status, r.reached())
		}
	})
}

func TestSendsElsewhere(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.rules(`{"id":"a","on":"request","verb":"create","do":"elsewhere"}`)
		if status, _, err := r.post(); err != nil || status != 299 || r.reached() != 0 {
			t.Fatal(status, err, r.reached())
		}
	})
}

func TestRotates(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		if status, _, err := r.post(); err != nil || status != 200 {
			t.Fatal(status, err)
		}
		r.command(`{"rotate":{"token":"new"}}`)
		if _, _, err := r.post(); err == nil {
			t.Fatal("what was connected stays so")
		}
		if _, _, err := r.post(); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Fatal("who knows the old authority only was served", err)
		}
		r.connect()
		if status, _, err := r.post(); err != nil || status != 401 || r.reached() != 1 {
			t.Fatal("the old token was taken", status, err, r.reached())
		}
		if text, err := os.ReadFile(strings.TrimSuffix(r.ca, ".ca") + ".token"); err != nil || string(text) != "new" {
			t.Fatal(string(text), err)
		}
	})
}

func podEvent(kind, name string) string {
	return fmt.Sprintf(`{"type":%q,"object":{"kind":"Pod","metadata":{"name":%q,"resourceVersion":"5"}}}`, kind, name)
}

func TestStreamsAndTouchesEvents(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.rules(`{"id":"twice","on":"event","type":"ADDED","name":"b","do":"duplicate"},
			{"id":"never","on":"event","type":"DELETED","do":"drop","relist_ms":50}`)
		answer, err := r.client.Get(r.url + "/api/v1/pods?watch=1")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		reader := bufio.NewReader(answer.Body)
		expect := func(want string) {
			t.Helper()
			got, err := reader.ReadString('\n')
			if err != nil || !strings.Contains(got, want) {
				t.Fatalf("%q instead of %s: %v", got, want, err)
			}
		}
		r.events <- podEvent("ADDED", "a")
		expect(`"a"`) // while the watch goes on
		r.events <- podEvent("ADDED", "b")
		expect(`"b"`)
		expect(`"b"`)
		r.events <- podEvent("DELETED", "a")
		expect("410")
		if _, err := reader.ReadString('\n'); err == nil {
			t.Fatal("the watch went on after 410")
		}
	})
}

func TestARuleMayHoldForAWhile(t *testing.T) {
	var p plan
	if err := p.load([]byte(`{"rules":[{"id":"a","on":"watch","do":"stale","times":-1,"for_ms":60000}]}`)); err != nil {
		t.Fatal(err)
	}
	find := func() *rule { return p.find("watch", subject{Verb: "watch"}, "", true, nil) }
	r := find()
	if r == nil || find() != r {
		t.Fatal("it does not hold")
	}
	r.since = r.since.Add(-2 * time.Minute)
	if find() != nil {
		t.Fatal("it holds too long")
	}
}

func TestStaleServesThePast(t *testing.T) {
	c := newPast().chapter("k")
	add := func(kind, name, version string) {
		c.add(kind, meta{Name: name, ResourceVersion: version}, []byte("{}"))
	}
	add("ADDED", "a", "1")
	add("ADDED", "b", "2")
	add("ADDED", "b", "2") // told again by the next watch
	add("DELETED", "a", "10")
	there, version, since := c.at(0.67)
	if len(there) != 2 || version != "2" || len(since) != 1 {
		t.Fatal(there, version, since)
	}
	if there, version, _ := c.at(1); len(there) != 1 || there[0].key != "/b" || version != "10" {
		t.Fatal(there, version)
	}
}
