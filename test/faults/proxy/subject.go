package main

import (
	"encoding/json"
	"net/http"
	"strings"
)

// subject says what a request is about, in the words of Kubernetes' API.
type subject struct {
	Verb        string `json:"verb"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	Subresource string `json:"subresource,omitempty"`
}

var writes = map[string]bool{"create": true, "update": true, "patch": true, "apply": true, "delete": true, "deletecollection": true}

func (s subject) isWrite() bool { return writes[s.Verb] }

// full is the resource with its subresource, as in members/status.
func (s subject) full() string {
	if s.Subresource == "" {
		return s.Resource
	}
	return s.Resource + "/" + s.Subresource
}

// subjectOf reads path, query, and for a create the body: there the name stands.
func subjectOf(r *http.Request, body []byte) subject {
	var s subject
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		s.Group = parts[1]
		parts = parts[3:]
	default:
		return subject{Verb: strings.ToLower(r.Method), Resource: r.URL.Path}
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		s.Namespace = parts[1]
		parts = parts[2:]
	}
	s.Resource = parts[0]
	if len(parts) > 1 {
		s.Name = parts[1]
	}
	if len(parts) > 2 {
		s.Subresource = strings.Join(parts[2:], "/")
	}
	switch r.Method {
	case http.MethodGet:
		watch := r.URL.Query().Get("watch")
		switch {
		case watch == "1" || watch == "true":
			s.Verb = "watch"
		case s.Name != "":
			s.Verb = "get"
		default:
			s.Verb = "list"
		}
	case http.MethodPost:
		s.Verb = "create"
		if s.Name == "" {
			s.Name = metaOf(body).Name
		}
	case http.MethodPut:
		s.Verb = "update"
	case http.MethodPatch:
		s.Verb = "patch"
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/apply-patch") {
			s.Verb = "apply"
		}
	case http.MethodDelete:
		s.Verb = "delete"
		if s.Name == "" {
			s.Verb = "deletecollection"
		}
	default:
		s.Verb = strings.ToLower(r.Method)
	}
	return s
}

type meta struct {
	Name            string            `json:"name"`
	Namespace       string            `json:"namespace"`
	ResourceVersion string            `json:"resourceVersion"`
	UID             string            `json:"uid"`
	Annotations     map[string]string `json:"annotations"`
}

// metaOf is what an object says of itself; empty where it is none.
func metaOf(object []byte) meta {
	var decoded struct {
		Metadata meta `json:"metadata"`
	}
	if json.Unmarshal(object, &decoded) != nil {
		return meta{}
	}
	return decoded.Metadata
}

// event is one line of a watch.
type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}
