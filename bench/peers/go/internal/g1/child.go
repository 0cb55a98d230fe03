// Package g1 is the job as it is written from kubebuilder's scaffold and book: typed, defaults everywhere.
package g1

import (
	"context"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
	"knfe.io/bench/peers/go/internal/job"
)

const fieldOwner = client.FieldOwner("bench-g1")

// +kubebuilder:rbac:groups=k8s.cni.cncf.io,resources=network-attachment-definitions,verbs=get;list;watch;create;patch

// ensureChild applies the child if it differs from what it should be.
func ensureChild(ctx context.Context, c client.Client, scheme *runtime.Scheme, owner client.Object, name, config string) error {
	wanted := &nadv1.NetworkAttachmentDefinition{
		TypeMeta: metav1.TypeMeta{APIVersion: nadv1.SchemeGroupVersion.String(), Kind: "NetworkAttachmentDefinition"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      name,
			Namespace: owner.GetNamespace(),
			Labels:    map[string]string{job.ManagedBy: job.Bench},
		},
		Spec: nadv1.NetworkAttachmentDefinitionSpec{Config: config},
	}
	if err := ctrl.SetControllerReference(owner, wanted, scheme); err != nil {
		return err
	}
	var found nadv1.NetworkAttachmentDefinition
	err := c.Get(ctx, client.ObjectKeyFromObject(wanted), &found)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err == nil && found.Spec.Config == config && found.Labels[job.ManagedBy] == job.Bench &&
		metav1.IsControlledBy(&found, owner) {
		return nil
	}
	return c.Patch(ctx, wanted, client.Apply, fieldOwner, client.ForceOwnership) //nolint:staticcheck // typed objects
}

// childExists returns the child's name if it exists.
func childExists(ctx context.Context, c client.Client, namespace, name string) (string, error) {
	var found nadv1.NetworkAttachmentDefinition
	err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &found)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	return name, err
}

// setConditions sets the three conditions; lastTransitionTime is the business of meta.SetStatusCondition.
func setConditions(status *benchv1alpha1.Status, ready, reconciling, stalled metav1.ConditionStatus, reason, message string) {
	for _, each := range []struct {
		kind   string
		status metav1.ConditionStatus
	}{{job.Ready, ready}, {job.Reconciling, reconciling}, {job.Stalled, stalled}} {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: each.kind, Status: each.status, Reason: reason, Message: message})
	}
}
