package main

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// identity is as whom the proxy serves and as whom its clients come: certificate, authority and token; the latter two in files
// beside the kubeconfig, as in a pod.
type identity struct {
	authorityFile, tokenFile string

	mutex       sync.Mutex
	certificate tls.Certificate
	token       string
	rotated     bool
	connections map[net.Conn]bool
}

// rotation says what comes in place of the token.
type rotation struct {
	Token string `json:"token"`
	Ms    int    `json:"ms"` // how much later than the server's side the files are changed
}

func newIdentity(kubeconfig, server, token string) (*identity, error) {
	authority, certificate, err := newCertificates()
	if err != nil {
		return nil, err
	}
	i := &identity{authorityFile: kubeconfig + ".ca", tokenFile: kubeconfig + ".token", certificate: certificate, token: token,
		connections: map[net.Conn]bool{}}
	if err := i.write(authority, token); err != nil {
		return nil, err
	}
	user := map[string]any{}
	if token != "" {
		user["tokenFile"] = i.tokenFile
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "faultproxy",
		"clusters": []any{map[string]any{"name": "faultproxy",
			"cluster": map[string]any{"server": server, "certificate-authority": i.authorityFile}}},
		"users":    []any{map[string]any{"name": "operator", "user": user}},
		"contexts": []any{map[string]any{"name": "faultproxy", "context": map[string]any{"cluster": "faultproxy", "user": "operator"}}},
	})
	if err != nil {
		return nil, err
	}
	return i, os.WriteFile(kubeconfig, text, 0o600)
}

// write replaces both files, each as a whole.
func (i *identity) write(authority []byte, token string) error {
	for name, text := range map[string][]byte{i.authorityFile: authority, i.tokenFile: []byte(token)} {
		if err := os.WriteFile(name+".new", text, 0o600); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
	}
	return nil
}

// get serves the certificate of now; who has changed it knows no session of before, in which none would be looked at.
func (i *identity) get(*tls.ClientHelloInfo) (*tls.Config, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return &tls.Config{Certificates: []tls.Certificate{i.certificate}, NextProtos: []string{"h2", "http/1.1"},
		SessionTicketsDisabled: i.rotated}, nil
}

func (i *identity) note(connection net.Conn, state http.ConnState) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if state == http.StateNew {
		i.connections[connection] = true
	} else if state == http.StateClosed || state == http.StateHijacked {
		delete(i.connections, connection)
	}
}

// rotate changes all at once: the old authority knows nobody any more, the old token is refused, what was connected is cut off.
func (p *proxy) rotate(r rotation) error {
	authority, certificate, err := newCertificates()
	if err != nil {
		return err
	}
	i := p.identity
	i.mutex.Lock()
	i.certificate, i.rotated = certificate, true
	p.withdrawn.Store("Bearer "+i.token, true)
	i.token = r.Token
	cut := i.connections
	i.connections = map[net.Conn]bool{}
	i.mutex.Unlock()
	for connection := range cut {
		connection.Close()
	}
	time.Sleep(time.Duration(r.Ms) * time.Millisecond)
	return i.write(authority, r.Token)
}
