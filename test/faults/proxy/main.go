// faultproxy stands between one Kubernetes operator and the API server, tells of all that passes, and does to it what a plan says.
//
// It ends TLS on both sides, HTTP/1.1 and HTTP/2, with a certificate authority of its own, and writes the kubeconfig by which an
// operator finds it. Who a request is from is said by its Authorization header, which is passed on. It knows no kind of object.
//
// On standard output, JSON lines: {"ready":...} once it serves, {"fired":...} for each fault. On standard input, JSON lines:
// {"phase":"NAME","rules":[...]} replaces the rules and counts anew; {"rotate":{"token":"NEW"}} changes the certificate, its
// authority and the token. Both are answered by {"loaded":"NAME OF THE PHASE"}. It ends when standard input does.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
)

type options struct {
	upstream, elsewhere, upstreamCA, listen, tokenFile, kubeconfig, plan, trace string
	record                                                                      bool
}

func main() {
	var o options
	flag.StringVar(&o.upstream, "upstream", "", "`URL` of the API server")
	flag.StringVar(&o.elsewhere, "elsewhere", "", "`URL` of another one, for rules that send requests there")
	flag.StringVar(&o.upstreamCA, "upstream-ca", "", "`FILE` with the API servers' certificate authority")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "`ADDRESS` to serve at")
	flag.StringVar(&o.tokenFile, "token-file", "", "`FILE` with the token that the kubeconfig is to hold")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` to write: by which the operator finds this proxy")
	flag.StringVar(&o.plan, "plan", "", "`FILE` with the rules to begin with")
	flag.StringVar(&o.trace, "trace", "", "`FILE` for what passes, as JSON lines")
	flag.BoolVar(&o.record, "record", false, "keep all events, for rules that serve the past")
	flag.Parse()
	if flag.NArg() > 0 || o.upstream == "" || o.kubeconfig == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "faultproxy:", err)
		os.Exit(1)
	}
}

// teller writes whole lines, whoever calls.
type teller struct {
	mutex sync.Mutex
	out   io.Writer
}

func (t *teller) tell(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		return
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.out.Write(append(line, '\n'))
}

func serve(o options, in io.Reader, out io.Writer) error {
	server, err := url.Parse(o.upstream)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(o.upstreamCA); err != nil {
		return err
	} else if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", o.upstreamCA)
	}
	trace := io.Discard
	if o.trace != "" {
		file, err := os.OpenFile(o.trace, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer file.Close()
		trace = file
	}
	p := newProxy(server, &tls.Config{RootCAs: roots}, &teller{out: trace}, &teller{out: out}, o.record)
	if o.elsewhere != "" {
		if p.elsewhere, err = url.Parse(o.elsewhere); err != nil {
			return err
		}
	}
	if o.plan != "" {
		text, err := os.ReadFile(o.plan)
		if err != nil {
			return err
		}
		if err := p.command(text); err != nil {
			return fmt.Errorf("%s: %w", o.plan, err)
		}
	}

	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	token := ""
	if o.tokenFile != "" {
		text, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(text))
	}
	if p.identity, err = newIdentity(o.kubeconfig, "https://"+listener.Addr().String(), token); err != nil {
		return err
	}
	// What clients do to connections is no news here.
	s := &http.Server{Handler: p, TLSConfig: &tls.Config{GetConfigForClient: p.identity.get}, ConnState: p.identity.note,
		ErrorLog: log.New(io.Discard, "", 0)}
	failed := make(chan error, 1)
	go func() { failed <- s.ServeTLS(listener, "", "") }()
	p.out.tell(map[string]string{"ready": listener.Addr().String()})

	commands := bufio.NewScanner(in)
	commands.Buffer(nil, 1<<20)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for commands.Scan() {
			if err := p.command(commands.Bytes()); err != nil {
				p.out.tell(map[string]string{"error": err.Error()})
			} else {
				p.out.tell(map[string]string{"loaded": p.phase()})
			}
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
		return s.Close()
	}
}
