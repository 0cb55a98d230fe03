// etcdgate stands between one API server and etcd (gRPC without TLS) and holds back what passes, so that this server lags behind.
//
// On standard input, one word a line, answered by the same word: "watches" holds what etcd tells its watches, "all" every other
// call, too; "open" lets all of it follow. On standard output "ready" and the address come first. It ends when standard input does.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

const watches = "/etcdserverpb.Watch/Watch"

// gate is passed when it is open, and waited at while it is closed.
type gate struct {
	mutex  sync.Mutex
	opened chan struct{} // closed while the gate is open
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

func (g *gate) set(open bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	isOpen := false
	select {
	case <-g.opened:
		isOpen = true
	default:
	}
	if open && !isOpen {
		close(g.opened)
	} else if !open && isOpen {
		g.opened = make(chan struct{})
	}
}

func (g *gate) pass(ctx context.Context) error {
	g.mutex.Lock()
	opened := g.opened
	g.mutex.Unlock()
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gated is a stream of etcd's that stands still while its gate is closed.
type gated struct {
	io.ReadCloser
	gate *gate
	ctx  context.Context
}

func (g *gated) Read(piece []byte) (int, error) {
	n, err := g.ReadCloser.Read(piece)
	if waited := g.gate.pass(g.ctx); waited != nil {
		return 0, waited
	}
	return n, err
}

func newHandler(etcd *url.URL, told, asked *gate) http.Handler {
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(etcd) },
		Transport:     &http.Transport{Protocols: plain},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		ModifyResponse: func(answer *http.Response) error {
			if answer.Request.URL.Path == watches {
				answer.Body = &gated{answer.Body, told, answer.Request.Context()}
			}
			return nil
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != watches && asked.pass(r.Context()) != nil {
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

func main() {
	target := flag.String("etcd", "http://127.0.0.1:2379", "`URL` of etcd")
	listen := flag.String("listen", "127.0.0.1:0", "`ADDRESS` to serve at")
	flag.Parse()
	etcd, err := url.Parse(*target)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	told, asked := newGate(), newGate()
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: newHandler(etcd, told, asked), Protocols: plain, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { log.Fatal(server.Serve(listener)) }()
	fmt.Println("ready", listener.Addr())
	words := bufio.NewScanner(os.Stdin)
	for words.Scan() {
		word := words.Text()
		told.set(word == "open")
		asked.set(word != "all")
		fmt.Println(word)
	}
}
