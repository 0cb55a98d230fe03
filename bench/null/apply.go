package main

import (
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"
)

// refusal is an answer that is no success.
type refusal struct {
	code            int
	reason, message string
}

// What a server-side apply owns, as fieldsV1: of the members that the body has, by name.
func ownedFields(body *sent, subresource string) string {
	if subresource == "status" {
		return `{"f:status":` + ownedStatus(body.Status) + "}"
	}
	var metadata []string
	if len(body.Metadata.Labels) > 0 {
		var labels []string
		for label := range body.Metadata.Labels {
			labels = append(labels, `"f:`+label+`":{}`)
		}
		sort.Strings(labels)
		metadata = append(metadata, `"f:labels":{`+strings.Join(labels, ",")+"}")
	}
	if len(body.Metadata.OwnerReferences) > 0 {
		var owners []string
		for _, owner := range body.Metadata.OwnerReferences {
			owners = append(owners, `"k:{\"uid\":\"`+owner.UID+`\"}":{}`)
		}
		metadata = append(metadata, `"f:ownerReferences":{`+strings.Join(owners, ",")+"}")
	}
	out := "{"
	if len(metadata) > 0 {
		out += `"f:metadata":{` + strings.Join(metadata, ",") + "}"
	}
	if body.Spec != nil && body.Spec.Config != "" {
		if len(out) > 1 {
			out += ","
		}
		out += `"f:spec":{"f:config":{}}`
	}
	return out + "}"
}

func ownedStatus(s *status) string {
	var members []string
	if s.Attachment != "" {
		members = append(members, `"f:attachment":{}`)
	}
	if len(s.Conditions) > 0 {
		var conditions []string
		for _, each := range s.Conditions {
			text := `"k:{\"type\":\"` + each.Type + `\"}":{".":{},"f:lastTransitionTime":{},"f:message":{},`
			if each.ObservedGeneration != 0 {
				text += `"f:observedGeneration":{},`
			}
			conditions = append(conditions, text+`"f:reason":{},"f:status":{},"f:type":{}}`)
		}
		sort.Strings(conditions)
		members = append(members, `"f:conditions":{`+strings.Join(conditions, ",")+"}")
	}
	if s.ObservedGeneration != 0 {
		members = append(members, `"f:observedGeneration":{}`)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05Z") }

// own notes what a manager has; whether that is new.
func (o *object) own(entry managed) bool {
	for i := range o.managed {
		known := &o.managed[i]
		if known.manager == entry.manager && known.operation == entry.operation && known.subresource == entry.subresource {
			changed := known.fields != entry.fields
			known.fields = entry.fields
			return changed
		}
	}
	o.managed = append(o.managed, entry)
	return true
}

// touch is what the API server does to the time of an entry whose owner has changed something.
func (o *object) touch(manager, operation, subresource string) {
	for i := range o.managed {
		if each := &o.managed[i]; each.manager == manager && each.operation == operation && each.subresource == subresource {
			each.time = now()
		}
	}
}

// write does an apply (of a child, or of the status of a primary) or an update of a status. It says what the object then is, and
// whether anything changed.
func (s *store) write(k *kind, name, subresource, manager, operation string, body *sent) (*object, bool, *refusal) {
	s.lock.Lock()
	defer s.lock.Unlock()
	set := s.sets[k]
	live := set.objects[name]
	if k.primary != (subresource == "status") || (operation == "Update" && !k.primary) {
		return nil, false, &refusal{403, "Forbidden", "the job does not write that"}
	}
	if body.Metadata.Name != "" && body.Metadata.Name != name {
		return nil, false, &refusal{400, "BadRequest", "the name in the body is another one"}
	}
	if live == nil && k.primary {
		return nil, false, &refusal{404, "NotFound", k.plural + ` "` + name + `" not found`}
	}
	if (k.primary && body.Status == nil) || (!k.primary && (body.Spec == nil || body.Spec.Config == "")) {
		return nil, false, &refusal{422, "Invalid", "a body without what the job writes"}
	}
	if live != nil {
		if uid := body.Metadata.UID; uid != "" && uid != live.uid {
			return nil, false, &refusal{409, "Conflict", "precondition failed: UID"}
		}
		if version := body.Metadata.ResourceVersion; version != "" && version != strconv.FormatUint(live.version, 10) {
			return nil, false, &refusal{409, "Conflict", "the object has been modified; please apply your changes to the latest version"}
		}
	}
	made := live == nil
	next := &object{kind: k, name: name, created: now(), generation: 1}
	if made {
		next.uid = s.uid()
	} else {
		*next = *live
		next.managed = append([]managed(nil), live.managed...)
	}
	changed := made
	if k.primary {
		wanted := *body.Status
		if operation == "Apply" {
			wanted.Conditions = merged(next.status.Conditions, wanted.Conditions)
		}
		changed = changed || !reflect.DeepEqual(next.status, wanted)
		next.status = wanted
	} else {
		if next.spec != *body.Spec {
			changed = true
			if !made {
				next.generation++
			}
		}
		changed = changed || !reflect.DeepEqual(next.labels, body.Metadata.Labels) ||
			!reflect.DeepEqual(next.owners, body.Metadata.OwnerReferences)
		next.spec, next.labels, next.owners = *body.Spec, body.Metadata.Labels, body.Metadata.OwnerReferences
	}
	owned := ownedFields(body, subresource)
	changed = next.own(managed{manager, operation, subresource, owned, now()}) || changed
	if !changed {
		return live, false, nil
	}
	next.touch(manager, operation, subresource)
	s.commit(next, made)
	return next, true, nil
}

// merged keeps the order that the conditions have, as a list-map does; new ones follow.
func merged(live, wanted []condition) []condition {
	out := make([]condition, 0, len(wanted))
	for _, known := range live {
		for _, each := range wanted {
			if each.Type == known.Type {
				out = append(out, each)
			}
		}
	}
	for _, each := range wanted {
		found := false
		for _, known := range live {
			found = found || known.Type == each.Type
		}
		if !found {
			out = append(out, each)
		}
	}
	return out
}
