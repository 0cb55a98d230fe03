package g2

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
	"knfe.io/bench/peers/go/internal/job"
)

const (
	fieldManager = "bench-g2"

	// lost is how long a write of ours may take to reach the cache before the cache is believed again.
	lost = 10 * time.Second
)

// primary is what the two kinds of primaries have in common.
type primary struct {
	kind, resource, prefix string
}

var (
	networks = primary{"Network", "networks", "net-"}
	points   = primary{"ConnectionPoint", "connectionpoints", "cp-"}
)

// Writer sends server-side applies whose bodies are text, and remembers what the cache has not shown yet.
type Writer struct {
	bench, cni rest.Interface
	seen       atomic.Uint64 // newest resourceVersion of children in the cache
	pending    sync.Map      // UID of a primary -> *pending
}

// pending is what was written for a primary; read and written by the one worker that has the primary.
type pending struct {
	child  uint64 // resourceVersion of the child that was applied
	config string
	status uint64 // resourceVersion of the primary after its status was written
	since  time.Time
}

// NewWriter wants clients of the groups bench.knfe.io and k8s.cni.cncf.io.
func NewWriter(bench, cni rest.Interface) *Writer {
	return &Writer{bench: bench, cni: cni}
}

// Saw notes that the cache has come to this version of some child.
func (w *Writer) Saw(version string) {
	number := parse(version)
	for {
		old := w.seen.Load()
		if old >= number || w.seen.CompareAndSwap(old, number) {
			return
		}
	}
}

func (w *Writer) pendingOf(uid types.UID) *pending {
	found, ok := w.pending.Load(uid)
	if !ok {
		return nil
	}
	entry := found.(*pending)
	if time.Since(entry.since) > lost {
		w.pending.Delete(uid)
		return nil
	}
	return entry
}

// applyChild writes the child of a primary.
func (w *Writer) applyChild(ctx context.Context, of primary, owner *metav1.ObjectMeta, config string) error {
	name := of.prefix + string(owner.UID)
	body := make([]byte, 0, 640)
	body = append(body, `{"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"`...)
	body = append(body, name...)
	body = append(body, `","labels":{"`+job.ManagedBy+`":"`+job.Bench+`"},"ownerReferences":[{"apiVersion":"bench.knfe.io/v1alpha1","kind":"`...)
	body = append(body, of.kind...)
	body = append(body, `","name":"`...)
	body = append(body, owner.Name...)
	body = append(body, `","uid":"`...)
	body = append(body, owner.UID...)
	body = append(body, `","controller":true,"blockOwnerDeletion":true}]},"spec":{"config":`...)
	body = strconv.AppendQuote(body, config) // plain ASCII without control characters: what Go quotes, JSON quotes
	body = append(body, "}}"...)
	version, err := apply(ctx, w.cni.Patch(types.ApplyPatchType).Namespace(owner.Namespace).
		Resource("network-attachment-definitions").Name(name), body)
	if err != nil {
		return err
	}
	w.pending.Store(owner.UID, &pending{child: version, config: config, since: time.Now()})
	return nil
}

// applyStatus writes the status of a primary.
func (w *Writer) applyStatus(ctx context.Context, of primary, owner *metav1.ObjectMeta, status *benchv1alpha1.Status) error {
	encoded, err := json.Marshal(status)
	if err != nil {
		return err
	}
	body := make([]byte, 0, 160+len(encoded))
	body = append(body, `{"apiVersion":"bench.knfe.io/v1alpha1","kind":"`...)
	body = append(body, of.kind...)
	body = append(body, `","metadata":{"uid":"`...) // not the status of a namesake
	body = append(body, owner.UID...)
	body = append(body, `"},"status":`...)
	body = append(body, encoded...)
	body = append(body, '}')
	version, err := apply(ctx, w.bench.Patch(types.ApplyPatchType).Namespace(owner.Namespace).
		Resource(of.resource).Name(owner.Name).SubResource("status"), body)
	if err != nil {
		return err
	}
	entry := &pending{since: time.Now()}
	if found, ok := w.pending.Load(owner.UID); ok {
		*entry = *found.(*pending)
	}
	entry.status = version
	w.pending.Store(owner.UID, entry)
	return nil
}

// apply sends the body and returns the resourceVersion in the answer; no object is made of the rest.
func apply(ctx context.Context, request *rest.Request, body []byte) (uint64, error) {
	answer, err := request.Param("fieldManager", fieldManager).Param("force", "true").
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").
		Body(body).Do(ctx).Raw()
	if err != nil {
		return 0, err
	}
	var found struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return 0, err
	}
	return parse(found.Metadata.ResourceVersion), nil
}

func parse(version string) uint64 {
	number, _ := strconv.ParseUint(version, 10, 64)
	return number
}
