package g2

import (
	"context"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
	"knfe.io/bench/peers/go/internal/job"
)

// situation is a row of the job's table, as conditions in the order Ready, Reconciling, Stalled.
type situation struct {
	status          [3]metav1.ConditionStatus
	reason, message string
}

const yes, no = metav1.ConditionTrue, metav1.ConditionFalse

var (
	types3          = [3]string{job.Ready, job.Reconciling, job.Stalled}
	ready           = situation{[3]metav1.ConditionStatus{yes, no, no}, job.Ready, "The attachment is as wanted."}
	invalidCIDR     = situation{[3]metav1.ConditionStatus{no, no, yes}, job.InvalidCIDR, "spec.cidr is not an IP prefix; write one, such as 10.0.0.0/24."}
	networkNotFound = situation{[3]metav1.ConditionStatus{no, yes, no}, job.NetworkNotFound, "There is no such Network; create it."}
	networkInvalid  = situation{[3]metav1.ConditionStatus{no, yes, no}, job.NetworkInvalid, "The Network's spec.cidr is not an IP prefix; mend the Network."}
)

// Reconciler does both kinds. Objects from the cache are shared: nothing here writes to them.
type Reconciler struct {
	Cache  client.Reader
	Writer *Writer
}

// Network renders one Network.
func (r *Reconciler) Network(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var network benchv1alpha1.Network
	if err := r.Cache.Get(ctx, request.NamespacedName, &network); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	what, config := invalidCIDR, ""
	if job.ValidCIDR(network.Spec.CIDR) {
		what, config = ready, job.Config(network.Name, network.Spec.MTU, network.Spec.CIDR)
	}
	return ctrl.Result{}, r.settle(ctx, networks, &network.ObjectMeta, &network.Status, &what, config)
}

// ConnectionPoint renders one ConnectionPoint.
func (r *Reconciler) ConnectionPoint(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var point benchv1alpha1.ConnectionPoint
	if err := r.Cache.Get(ctx, request.NamespacedName, &point); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	var network benchv1alpha1.Network
	what, config := ready, ""
	err := r.Cache.Get(ctx, types.NamespacedName{Namespace: point.Namespace, Name: point.Spec.Network}, &network)
	switch {
	case apierrors.IsNotFound(err):
		what = networkNotFound
	case err != nil:
		return ctrl.Result{}, err
	case !job.ValidCIDR(network.Spec.CIDR):
		what = networkInvalid
	default:
		config = job.Config(network.Name+"."+point.Spec.Interface, network.Spec.MTU, network.Spec.CIDR)
	}
	return ctrl.Result{}, r.settle(ctx, points, &point.ObjectMeta, &point.Status, &what, config)
}

// settle writes what differs: of the child, if it is to have a config, and of the status.
func (r *Reconciler) settle(ctx context.Context, of primary, owner *metav1.ObjectMeta, status *benchv1alpha1.Status,
	what *situation, config string) error {
	if owner.DeletionTimestamp != nil {
		return nil
	}
	entry := r.Writer.pendingOf(owner.UID)
	if entry != nil && parse(owner.ResourceVersion) < entry.status {
		return nil // the cache does not show our own status yet; its event comes
	}
	name := of.prefix + string(owner.UID)
	exists := false
	if entry != nil && entry.child > r.Writer.seen.Load() {
		// The cache does not show our own child yet.
		exists = true
		if config != "" && config != entry.config {
			if err := r.Writer.applyChild(ctx, of, owner, config); err != nil {
				return err
			}
		}
	} else {
		if entry != nil {
			r.Writer.pending.Delete(owner.UID)
		}
		var child nadv1.NetworkAttachmentDefinition
		err := r.Cache.Get(ctx, types.NamespacedName{Namespace: owner.Namespace, Name: name}, &child)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		exists = err == nil
		if config != "" && !(exists && asWanted(&child, owner, config)) {
			if err := r.Writer.applyChild(ctx, of, owner, config); err != nil {
				return err
			}
			exists = true
		}
	}
	if !exists {
		name = ""
	}
	if wanted := next(status, what, owner.Generation, name); wanted != nil {
		return r.Writer.applyStatus(ctx, of, owner, wanted)
	}
	return nil
}

func asWanted(child *nadv1.NetworkAttachmentDefinition, owner *metav1.ObjectMeta, config string) bool {
	if child.Spec.Config != config || child.Labels[job.ManagedBy] != job.Bench {
		return false
	}
	for i := range child.OwnerReferences {
		each := &child.OwnerReferences[i]
		if each.UID == owner.UID {
			return each.Controller != nil && *each.Controller && each.BlockOwnerDeletion != nil && *each.BlockOwnerDeletion
		}
	}
	return false
}

// next is the status to write, or nil if it is there already.
func next(status *benchv1alpha1.Status, what *situation, generation int64, attachment string) *benchv1alpha1.Status {
	same := status.ObservedGeneration == generation && status.Attachment == attachment
	wanted := &benchv1alpha1.Status{ObservedGeneration: generation, Attachment: attachment,
		Conditions: make([]metav1.Condition, len(types3))}
	now := metav1.Now()
	for i, kind := range types3 {
		wanted.Conditions[i] = metav1.Condition{Type: kind, Status: what.status[i], Reason: what.reason,
			Message: what.message, LastTransitionTime: now}
		found := condition(status, kind)
		if found == nil {
			same = false
			continue
		}
		if found.Status == what.status[i] {
			wanted.Conditions[i].LastTransitionTime = found.LastTransitionTime
		}
		same = same && found.Status == what.status[i] && found.Reason == what.reason && found.Message == what.message
	}
	if same {
		return nil
	}
	return wanted
}

func condition(status *benchv1alpha1.Status, kind string) *metav1.Condition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return &status.Conditions[i]
		}
	}
	return nil
}
