package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// A stream stands still while it is held, loses nothing, and other calls pass unless they are held, too.
func TestHolds(t *testing.T) {
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	lines := make(chan string)
	etcd := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for r.URL.Path == watches {
			select {
			case <-r.Context().Done():
				return
			case line := <-lines:
				io.WriteString(w, line+"\n")
				w.(http.Flusher).Flush()
			}
		}
	}))
	etcd.Config.Protocols = plain
	etcd.Start()
	defer etcd.Close()
	target, _ := url.Parse(etcd.URL)
	told, asked := newGate(), newGate()
	between := httptest.NewUnstartedServer(newHandler(target, told, asked))
	between.Config.Protocols = plain
	between.Start()
	defer between.Close()
	client := &http.Client{Transport: &http.Transport{Protocols: plain}}
	call := func(within time.Duration) error {
		client := &http.Client{Transport: client.Transport, Timeout: within}
		answer, err := client.Get(between.URL + "/etcdserverpb.KV/Range")
		if err == nil {
			answer.Body.Close()
		}
		return err
	}

	answer, err := client.Get(between.URL + watches)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	heard := make(chan string, 10)
	go func() {
		for reader := bufio.NewScanner(answer.Body); reader.Scan(); {
			heard <- reader.Text()
		}
	}()
	lines <- "one"
	if line := <-heard; line != "one" {
		t.Fatal(line)
	}
	told.set(false)
	lines <- "two"
	lines <- "three"
	if err := call(5 * time.Second); err != nil {
		t.Fatal("held with the watches", err)
	}
	asked.set(false)
	if err := call(100 * time.Millisecond); err == nil {
		t.Fatal("a call passed that is held")
	}
	select {
	case line := <-heard:
		t.Fatal("told while it is held", line)
	default:
	}
	told.set(true)
	asked.set(true)
	if first, second := <-heard, <-heard; first != "two" || second != "three" {
		t.Fatal(first, second)
	}
	if err := call(5 * time.Second); err != nil {
		t.Fatal(err)
	}
}
