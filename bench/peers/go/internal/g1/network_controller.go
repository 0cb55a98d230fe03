package g1

import (
	"context"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
	"knfe.io/bench/peers/go/internal/job"
)

// NetworkReconciler reconciles a Network object
type NetworkReconciler struct {
	client.Client
	Scheme *runtime.Scheme
}

// +kubebuilder:rbac:groups=bench.knfe.io,resources=networks,verbs=get;list;watch
// +kubebuilder:rbac:groups=bench.knfe.io,resources=networks/status,verbs=get;update;patch

// Reconcile renders a Network.
func (r *NetworkReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var network benchv1alpha1.Network
	if err := r.Get(ctx, req.NamespacedName, &network); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !network.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}

	before := network.Status.DeepCopy()
	child := "net-" + string(network.UID)
	if job.ValidCIDR(network.Spec.CIDR) {
		config := job.Config(network.Name, network.Spec.MTU, network.Spec.CIDR)
		if err := ensureChild(ctx, r.Client, r.Scheme, &network, child, config); err != nil {
			return ctrl.Result{}, err
		}
		network.Status.Attachment = child
		setConditions(&network.Status, metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionFalse,
			job.Ready, "The attachment is as wanted.")
	} else {
		name, err := childExists(ctx, r.Client, network.Namespace, child)
		if err != nil {
			return ctrl.Result{}, err
		}
		network.Status.Attachment = name
		setConditions(&network.Status, metav1.ConditionFalse, metav1.ConditionFalse, metav1.ConditionTrue,
			job.InvalidCIDR, "spec.cidr is not an IP prefix; write one, such as 10.0.0.0/24.")
	}
	network.Status.ObservedGeneration = network.Generation
	if equality.Semantic.DeepEqual(before, &network.Status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.Status().Update(ctx, &network)
}

// SetupWithManager sets up the controller with the Manager.
func (r *NetworkReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&benchv1alpha1.Network{}).
		Owns(&nadv1.NetworkAttachmentDefinition{}).
		Named("network").
		Complete(r)
}
