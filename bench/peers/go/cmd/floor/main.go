// floor measures what no contestant can be better than: reading the streams to nowhere, and sending the writes.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// target is the one server of a kubeconfig in JSON.
type target struct {
	server, token string
	client        *http.Client
}

func load(file string, connections int) (*target, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server    string `json:"server"`
				Authority []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Token string `json:"token"`
			} `json:"user"`
		} `json:"users"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(config.Clusters[0].Cluster.Authority)
	return &target{config.Clusters[0].Cluster.Server, config.Users[0].User.Token, &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13},
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}}}, nil
}

func (t *target) do(method, path string, body []byte, content string) (*http.Response, error) {
	request, err := http.NewRequest(method, t.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+t.token)
	request.Header.Set("User-Agent", "bench-floor")
	request.Header.Set("Accept", "application/json")
	if content != "" {
		request.Header.Set("Content-Type", content)
	}
	return t.client.Do(request)
}

var initialEnd = []byte(`"k8s.io/initial-events-end":"true"`)

// drain reads a watch-list stream until all initial events have come, keeping nothing; it returns the bytes.
func (t *target) drain(path string) (int, error) {
	answer, err := t.do("GET", path+"?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", nil, "")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", path, answer.Status)
	}
	total, buffer, kept := 0, make([]byte, 64<<10), 0
	for {
		count, err := answer.Body.Read(buffer[kept:])
		if err != nil {
			return 0, err
		}
		total += count
		if bytes.Contains(buffer[:kept+count], initialEnd) {
			return total, nil
		}
		tail := min(len(initialEnd)-1, kept+count) // the mark may come in two pieces
		copy(buffer, buffer[kept+count-tail:kept+count])
		kept = tail
	}
}

func drainAll(t *target, paths []string) (int, error) {
	var all sync.WaitGroup
	var bytesRead atomic.Int64
	failures := make(chan error, len(paths))
	for _, path := range paths {
		all.Go(func() {
			count, err := t.drain(path)
			bytesRead.Add(int64(count))
			if err != nil {
				failures <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return int(bytesRead.Load()), nil
	}
}

// write is one line of the file of writes.
type write struct {
	Path string          `json:"path"`
	Body json.RawMessage `json:"body"`
}

func read(file string) ([]write, error) {
	handle, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	var out []write
	lines := bufio.NewScanner(handle)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one write
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, lines.Err()
}

// send has so many requests in flight until all are answered; it returns how many were refused.
func send(t *target, writes []write, inFlight int) (int, error) {
	var all sync.WaitGroup
	var next, refused atomic.Int64
	failures := make(chan error, inFlight)
	for range inFlight {
		all.Go(func() {
			for {
				number := int(next.Add(1)) - 1
				if number >= len(writes) {
					return
				}
				answer, err := t.do("PATCH", writes[number].Path, writes[number].Body, "application/apply-patch+yaml")
				if err != nil {
					failures <- err
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if err != nil {
					failures <- err
					return
				}
				if answer.StatusCode >= 300 {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failures:
		return 0, err
	default:
		return int(refused.Load()), nil
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "a kubeconfig in JSON")
	writesFile := flag.String("writes", "", "file of the writes to send, a JSON object a line; without it the arguments are paths to drain")
	inFlight := flag.Int("in-flight", 8, "requests at once")
	flag.Parse()
	if err := measure(*kubeconfig, *writesFile, *inFlight, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(kubeconfig, writesFile string, inFlight int, paths []string) error {
	t, err := load(kubeconfig, max(inFlight, len(paths)))
	if err != nil {
		return err
	}
	result := map[string]any{}
	if writesFile == "" {
		started := time.Now()
		count, err := drainAll(t, paths)
		if err != nil {
			return err
		}
		result["seconds"], result["bytes"] = time.Since(started).Seconds(), count
	} else {
		writes, err := read(writesFile)
		if err != nil {
			return err
		}
		started := time.Now()
		refused, err := send(t, writes, inFlight)
		if err != nil {
			return err
		}
		result["seconds"], result["writes"], result["refused"] = time.Since(started).Seconds(), len(writes), refused
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
