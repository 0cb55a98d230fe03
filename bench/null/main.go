// null is an API server with nothing behind it: it serves the benchmark's three kinds from memory, commits a write at once and tells
// the watchers. What a contestant costs there is its own. See bench/README.md.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

var started bool

func main() {
	networkCount := flag.Int("networks", 50, "how many Networks")
	pointCount := flag.Int("points", 500, "how many ConnectionPoints")
	kubeconfig := flag.String("kubeconfig", "", "file to write, for contestants")
	flag.Parse()
	if err := run(*networkCount, *pointCount, *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(networkCount, pointCount int, kubeconfig string) error {
	s := newStore(networkCount, pointCount)
	started = true
	authority, certificate, err := certificates()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	front := &server{s, "bench-token"}
	if err := writeKubeconfig(kubeconfig, "https://"+listener.Addr().String(), front.token, authority); err != nil {
		return err
	}
	serving := &http.Server{Handler: front, ErrorLog: log.New(io.Discard, "", 0),
		// One suite for all: of those of TLS 1.3, Go takes AES-128-GCM where the processor has it and the client knows it.
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13,
			CurvePreferences: []tls.CurveID{tls.X25519}},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250},
		ConnContext: func(of context.Context, c net.Conn) context.Context {
			return context.WithValue(of, connKey{}, inner(c))
		}}
	go func() { _ = http.Serve(control, s.controls()) }()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"control": "http://" + control.Addr().String()})
	return serving.ServeTLS(timedListener{listener, s.counts, &s.pushes.noting}, "", "")
}

func inner(c net.Conn) *timed {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	found, _ := c.(*timed)
	return found
}

// controls is the runner's side, in plain HTTP.
func (s *store) controls() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, what any) { _ = json.NewEncoder(w).Encode(what) }
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		s.lock.Lock()
		ready, readyAt := s.ready, s.readyAt
		s.lock.Unlock()
		s.counts.lock.Lock()
		defer s.counts.lock.Unlock()
		at := 0.0
		if !readyAt.IsZero() {
			at = float64(readyAt.UnixNano()) / 1e9
		}
		answer(w, map[string]any{"requests": s.counts.requests, "bytes_in": s.counts.in.Load(), "bytes_out": s.counts.out.Load(),
			"connections": s.counts.connections.Load(), "ready": ready, "ready_at": at})
	})
	mux.HandleFunc("GET /objects/{plural}", func(w http.ResponseWriter, r *http.Request) {
		for _, k := range kinds {
			if k.plural == r.PathValue("plural") {
				(&server{s, ""}).list(w, k, "", "")
			}
		}
	})
	mux.HandleFunc("POST /push", func(w http.ResponseWriter, r *http.Request) {
		rate, _ := strconv.ParseFloat(r.URL.Query().Get("rate"), 64)
		count, _ := strconv.Atoi(r.URL.Query().Get("count"))
		answer(w, s.push(max(rate, 1), count, 60*time.Second))
	})
	return mux
}

func certificates() (authority []byte, leaf tls.Certificate, err error) {
	template := func(name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
	}
	root := template("bench")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, leaf, err
	}
	rootText, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, leaf, err
	}
	own := template("null")
	own.KeyUsage, own.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	own.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, leaf, err
	}
	text, err := x509.CreateCertificate(rand.Reader, own, root, &key.PublicKey, rootKey)
	if err != nil {
		return nil, leaf, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootText}),
		tls.Certificate{Certificate: [][]byte{text}, PrivateKey: key}, nil
}

func writeKubeconfig(file, address, token string, authority []byte) error {
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Config", "current-context": "bench",
		"clusters": []any{map[string]any{"name": "bench", "cluster": map[string]any{"server": address, "certificate-authority-data": authority}}},
		"users":    []any{map[string]any{"name": "bench", "user": map[string]any{"token": token}}},
		"contexts": []any{map[string]any{"name": "bench", "context": map[string]any{"cluster": "bench", "user": "bench"}}}})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
