package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// kind is one of the three that the job knows.
type kind struct {
	group, version, kind, plural string
	primary                      bool
}

var (
	networks    = &kind{"bench.knfe.io", "v1alpha1", "Network", "networks", true}
	points      = &kind{"bench.knfe.io", "v1alpha1", "ConnectionPoint", "connectionpoints", true}
	attachments = &kind{"k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition", "network-attachment-definitions", false}
	kinds       = []*kind{networks, points, attachments}
)

func (k *kind) apiVersion() string { return k.group + "/" + k.version }

// ownerReference has its members as the API server sends them: by name.
type ownerReference struct {
	APIVersion         string `json:"apiVersion"`
	BlockOwnerDeletion *bool  `json:"blockOwnerDeletion,omitempty"`
	Controller         *bool  `json:"controller,omitempty"`
	Kind               string `json:"kind"`
	Name               string `json:"name"`
	UID                string `json:"uid"`
}

type spec struct {
	CIDR      string `json:"cidr,omitempty"`
	Config    string `json:"config,omitempty"`
	Interface string `json:"interface,omitempty"`
	MTU       int32  `json:"mtu,omitempty"`
	Network   string `json:"network,omitempty"`
}

type condition struct {
	LastTransitionTime string `json:"lastTransitionTime"`
	Message            string `json:"message"`
	ObservedGeneration int64  `json:"observedGeneration,omitempty"`
	Reason             string `json:"reason"`
	Status             string `json:"status"`
	Type               string `json:"type"`
}

type status struct {
	Attachment         string      `json:"attachment,omitempty"`
	Conditions         []condition `json:"conditions,omitempty"`
	ObservedGeneration int64       `json:"observedGeneration,omitempty"`
}

// managed is an entry of managedFields. `key` says what one manager, operation and subresource have.
type managed struct {
	manager, operation, subresource, fields, time string
}

type object struct {
	kind       *kind
	name, uid  string
	version    uint64
	generation int64
	created    string
	labels     map[string]string
	owners     []ownerReference
	spec       spec
	status     status
	managed    []managed
	text       []byte // as it is sent
}

// sent is a body of a write: what the job's contestants may say of an object. Anything else is refused, not dropped.
type sent struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		UID               string            `json:"uid"`
		ResourceVersion   string            `json:"resourceVersion"`
		Generation        int64             `json:"generation"`
		CreationTimestamp *string           `json:"creationTimestamp"`
		Labels            map[string]string `json:"labels"`
		OwnerReferences   []ownerReference  `json:"ownerReferences"`
		ManagedFields     json.RawMessage   `json:"managedFields"`
	} `json:"metadata"`
	Spec   *spec   `json:"spec"`
	Status *status `json:"status"`
}

func parse(body []byte) (*sent, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	var out sent
	if err := decoder.Decode(&out); err != nil {
		return nil, err
	}
	if len(out.Metadata.Labels) > 1 {
		return nil, errors.New("more than one label: the job has one")
	}
	return &out, nil
}

// metadata is rendered as the API server does: members by name, empty ones left out.
func (o *object) appendMetadata(out []byte) []byte {
	out = append(out, `"metadata":{"creationTimestamp":"`...)
	out = append(out, o.created...)
	out = append(out, `","generation":`...)
	out = strconv.AppendInt(out, o.generation, 10)
	if len(o.labels) > 0 {
		out = append(out, `,"labels":`...)
		out = appendJSON(out, o.labels)
	}
	if len(o.managed) > 0 {
		out = append(out, `,"managedFields":[`...)
		for i, each := range o.managed {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, `{"apiVersion":"`...)
			out = append(out, o.kind.group...)
			out = append(out, '/')
			out = append(out, o.kind.version...)
			out = append(out, `","fieldsType":"FieldsV1","fieldsV1":`...)
			out = append(out, each.fields...)
			out = append(out, `,"manager":"`...)
			out = append(out, each.manager...)
			out = append(out, `","operation":"`...)
			out = append(out, each.operation...)
			if each.subresource != "" {
				out = append(out, `","subresource":"`...)
				out = append(out, each.subresource...)
			}
			out = append(out, `","time":"`...)
			out = append(out, each.time...)
			out = append(out, `"}`...)
		}
		out = append(out, ']')
	}
	out = append(out, `,"name":"`...)
	out = append(out, o.name...)
	out = append(out, `","namespace":"`...)
	out = append(out, namespace...)
	if len(o.owners) > 0 {
		out = append(out, `","ownerReferences":`...)
		out = appendJSON(out, o.owners)
		out = append(out, `,"resourceVersion":"`...)
	} else {
		out = append(out, `","resourceVersion":"`...)
	}
	out = strconv.AppendUint(out, o.version, 10)
	out = append(out, `","uid":"`...)
	out = append(out, o.uid...)
	return append(out, `"}`...)
}

func (o *object) render() {
	out := make([]byte, 0, len(o.text)+1800)
	out = append(out, `{"apiVersion":"`...)
	out = append(out, o.kind.apiVersion()...)
	out = append(out, `","kind":"`...)
	out = append(out, o.kind.kind...)
	out = append(out, `",`...)
	out = o.appendMetadata(out)
	out = append(out, `,"spec":`...)
	out = appendJSON(out, &o.spec)
	if o.status.ObservedGeneration != 0 || len(o.status.Conditions) > 0 {
		out = append(out, `,"status":`...)
		out = appendJSON(out, &o.status)
	}
	o.text = bytes.Clone(append(out, '}'))
}

// partial is what `as=PartialObjectMetadata` asks for.
func (o *object) partial() []byte {
	out := append(make([]byte, 0, 1024), `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",`...)
	return append(o.appendMetadata(out), '}')
}

// appendJSON does not escape <, > and &, as the API server does not.
func appendJSON(out []byte, value any) []byte {
	buffer := bytes.NewBuffer(out)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values of ours always encode
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}
