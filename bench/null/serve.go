package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const namespace = "bench"

// server is the part that contestants see.
type server struct {
	*store
	token string
}

func refuse(w http.ResponseWriter, why refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(why.code)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": why.message, "reason": why.reason, "code": why.code})
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entered := time.Now()
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		refuse(w, refusal{401, "Unauthorized", "Unauthorized"})
		return
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for _, k := range kinds {
		if len(path) >= 6 && path[0] == "apis" && path[1] == k.group && path[2] == k.version && path[3] == "namespaces" &&
			path[4] == namespace && path[5] == k.plural {
			s.resource(w, r, k, path[6:], entered)
			return
		}
	}
	if answer := discovery(path); answer != "" && r.Method == http.MethodGet {
		s.counts.note("discovery", "GET", 200)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
		return
	}
	code := 404
	if r.Method != http.MethodGet { // as a real one does where the contestant has no right to write
		code = 403
	}
	s.counts.note("elsewhere", r.Method, code)
	refuse(w, refusal{code, http.StatusText(code), r.Method + " " + r.URL.Path + " is not part of the job"})
}

func (s *server) resource(w http.ResponseWriter, r *http.Request, k *kind, rest []string, entered time.Time) {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && len(rest) == 0 && (query.Get("watch") == "1" || query.Get("watch") == "true"):
		s.counts.note(k.plural, "WATCH", 200)
		s.watch(w, r, k)
	case r.Method == http.MethodGet && len(rest) == 0:
		s.counts.note(k.plural, "LIST", 200)
		s.list(w, k, query.Get("limit"), query.Get("continue"))
	case r.Method == http.MethodGet && len(rest) == 1:
		s.lock.Lock()
		found := s.sets[k].objects[rest[0]]
		s.lock.Unlock()
		if found == nil {
			s.counts.note(k.plural, "GET", 404)
			refuse(w, refusal{404, "NotFound", k.plural + " \"" + rest[0] + "\" not found"})
			return
		}
		s.counts.note(k.plural, "GET", 200)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(found.text)
	case (r.Method == http.MethodPatch || r.Method == http.MethodPut) && len(rest) > 0 && len(rest) <= 2:
		s.change(w, r, k, rest, entered)
	default:
		s.counts.note(k.plural, r.Method, 403)
		refuse(w, refusal{403, "Forbidden", "the job does not do that"})
	}
}

func (s *server) change(w http.ResponseWriter, r *http.Request, k *kind, rest []string, entered time.Time) {
	s.pushes.answered(rest[0], entered, r.Context())
	subresource, resource := "", k.plural
	if len(rest) == 2 {
		subresource, resource = rest[1], k.plural+"/"+rest[1]
	}
	verb, operation, manager := "APPLY", "Apply", r.URL.Query().Get("fieldManager")
	if r.Method == http.MethodPut {
		verb, operation = "PUT", "Update"
		if manager == "" {
			manager, _, _ = strings.Cut(r.UserAgent(), "/")
		}
	} else if r.Header.Get("Content-Type") != "application/apply-patch+yaml" {
		s.counts.note(resource, "PATCH", 415)
		refuse(w, refusal{415, "UnsupportedMediaType", "only server-side apply is known here"})
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	body, err := parse(text)
	if err != nil || manager == "" {
		s.counts.note(resource, verb, 400)
		refuse(w, refusal{400, "BadRequest", "not what the job writes: " + string(text)})
		return
	}
	object, changed, why := s.write(k, rest[0], subresource, manager, operation, body)
	if why != nil {
		s.counts.note(resource, verb, why.code)
		refuse(w, *why)
		return
	}
	code := 200
	if changed && object.generation == 1 && subresource == "" {
		code = 201
	}
	s.counts.note(resource, verb, code)
	if !changed {
		s.counts.note(resource, verb+" without effect", code)
	}
	answer := object.text
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
		answer = object.partial()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(code)
	_, _ = w.Write(answer)
}

func (s *server) list(w http.ResponseWriter, k *kind, limit, token string) {
	texts, version, _ := s.snapshot(k)
	from, _ := strconv.Atoi(token)
	to := len(texts)
	more := ""
	if number, err := strconv.Atoi(limit); err == nil && number > 0 && from+number < to {
		to = from + number
		more = `"continue":"` + strconv.Itoa(to) + `","remainingItemCount":` + strconv.Itoa(len(texts)-to) + `,`
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"apiVersion":"`+k.apiVersion()+`","items":[`)
	for i, text := range texts[from:to] {
		if i > 0 {
			_, _ = io.WriteString(w, ",")
		}
		_, _ = w.Write(text)
	}
	_, _ = io.WriteString(w, `],"kind":"`+k.kind+`List","metadata":{`+more+`"resourceVersion":"`+strconv.FormatUint(version, 10)+`"}}`)
}

func bookmark(k *kind, version uint64, annotations string) []byte {
	return []byte(`{"type":"BOOKMARK","object":{"apiVersion":"` + k.apiVersion() + `","kind":"` + k.kind + `","metadata":{` + annotations +
		`"resourceVersion":"` + strconv.FormatUint(version, 10) + `"}}}` + "\n")
}

const piece = 32 << 10

func (s *server) watch(w http.ResponseWriter, r *http.Request, k *kind) {
	query := r.URL.Query()
	seconds, err := strconv.Atoi(query.Get("timeoutSeconds"))
	if err != nil {
		seconds = 1800
	}
	end := time.NewTimer(time.Duration(seconds) * time.Second)
	defer end.Stop()
	control := http.NewResponseController(w)
	woken := make(chan struct{}, 1)
	s.join(k, woken, true)
	defer s.join(k, woken, false)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(200)
	next := 0
	buffer := make([]byte, 0, 2*piece)
	if query.Get("sendInitialEvents") == "true" {
		var texts [][]byte
		var version uint64
		texts, version, next = s.snapshot(k)
		for _, text := range texts {
			buffer = append(append(append(buffer, `{"type":"ADDED","object":`...), text...), "}\n"...)
			if len(buffer) >= piece {
				if _, err := w.Write(buffer); err != nil {
					return
				}
				buffer = buffer[:0]
			}
		}
		buffer = append(buffer, bookmark(k, version, `"annotations":{"k8s.io/initial-events-end":"true"},"creationTimestamp":null,`)...)
	} else {
		version, _ := strconv.ParseUint(query.Get("resourceVersion"), 10, 64)
		next = s.after(k, version)
	}
	s.pushes.watches(k, r.Context())
	for {
		for _, each := range s.from(k, next) {
			next++
			buffer = append(append(append(append(append(buffer, `{"type":"`...), each.kind...), `","object":`...), each.text...), "}\n"...)
			if len(buffer) >= piece {
				break
			}
		}
		if len(buffer) > 0 {
			if _, err := w.Write(buffer); err != nil {
				return
			}
			if len(buffer) >= piece {
				buffer = buffer[:0]
				continue
			}
			buffer = buffer[:0]
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-woken:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// discovery answers without aggregation, which every client still understands.
func discovery(path []string) string {
	groups := func() string {
		return `[` + groupText(networks) + `,` + groupText(attachments) + `]`
	}
	switch strings.Join(path, "/") {
	case "version":
		return `{"major":"1","minor":"34","gitVersion":"v1.34.0","platform":"linux/amd64"}`
	case "api":
		return `{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}`
	case "api/v1":
		return `{"kind":"APIResourceList","groupVersion":"v1","resources":[]}`
	case "apis":
		return `{"kind":"APIGroupList","apiVersion":"v1","groups":` + groups() + `}`
	}
	for _, k := range []*kind{networks, attachments} {
		if len(path) == 2 && path[0] == "apis" && path[1] == k.group {
			return groupText(k)
		}
		if len(path) == 3 && path[0] == "apis" && path[1] == k.group && path[2] == k.version {
			var list []string
			for _, each := range kinds {
				if each.group != k.group {
					continue
				}
				list = append(list, `{"name":"`+each.plural+`","singularName":"`+strings.ToLower(each.kind)+`","namespaced":true,"kind":"`+
					each.kind+`","verbs":["get","list","watch","create","patch","update"]}`)
				if each.primary {
					list = append(list, `{"name":"`+each.plural+`/status","singularName":"","namespaced":true,"kind":"`+each.kind+
						`","verbs":["get","patch","update"]}`)
				}
			}
			return `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"` + k.apiVersion() + `","resources":[` + strings.Join(list, ",") + `]}`
		}
	}
	return ""
}

func groupText(k *kind) string {
	version := `{"groupVersion":"` + k.apiVersion() + `","version":"` + k.version + `"}`
	return `{"kind":"APIGroup","apiVersion":"v1","name":"` + k.group + `","versions":[` + version + `],"preferredVersion":` + version + `}`
}
