package g1

import (
	"context"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
	"knfe.io/bench/peers/go/internal/job"
)

const networkField = ".spec.network"

// ConnectionPointReconciler reconciles a ConnectionPoint object
type ConnectionPointReconciler struct {
	client.Client
	Scheme *runtime.Scheme
}

// +kubebuilder:rbac:groups=bench.knfe.io,resources=connectionpoints,verbs=get;list;watch
// +kubebuilder:rbac:groups=bench.knfe.io,resources=connectionpoints/status,verbs=get;update;patch

// Reconcile renders a ConnectionPoint on its Network.
func (r *ConnectionPointReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var point benchv1alpha1.ConnectionPoint
	if err := r.Get(ctx, req.NamespacedName, &point); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !point.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}

	before := point.Status.DeepCopy()
	child := "cp-" + string(point.UID)
	var network benchv1alpha1.Network
	err := r.Get(ctx, types.NamespacedName{Namespace: point.Namespace, Name: point.Spec.Network}, &network)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	if err == nil && job.ValidCIDR(network.Spec.CIDR) {
		config := job.Config(network.Name+"."+point.Spec.Interface, network.Spec.MTU, network.Spec.CIDR)
		if err := ensureChild(ctx, r.Client, r.Scheme, &point, child, config); err != nil {
			return ctrl.Result{}, err
		}
		point.Status.Attachment = child
		setConditions(&point.Status, metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionFalse,
			job.Ready, "The attachment is as wanted.")
	} else {
		reason, message := job.NetworkInvalid, "The Network's spec.cidr is not an IP prefix; mend the Network."
		if apierrors.IsNotFound(err) {
			reason, message = job.NetworkNotFound, "There is no such Network; create it."
		}
		name, err := childExists(ctx, r.Client, point.Namespace, child)
		if err != nil {
			return ctrl.Result{}, err
		}
		point.Status.Attachment = name
		setConditions(&point.Status, metav1.ConditionFalse, metav1.ConditionTrue, metav1.ConditionFalse, reason, message)
	}
	point.Status.ObservedGeneration = point.Generation
	if equality.Semantic.DeepEqual(before, &point.Status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.Status().Update(ctx, &point)
}

// pointsOf maps a Network to its ConnectionPoints.
func (r *ConnectionPointReconciler) pointsOf(ctx context.Context, network client.Object) []reconcile.Request {
	var points benchv1alpha1.ConnectionPointList
	if err := r.List(ctx, &points, client.InNamespace(network.GetNamespace()),
		client.MatchingFields{networkField: network.GetName()}); err != nil {
		log.FromContext(ctx).Error(err, "cannot list the ConnectionPoints of a Network")
		return nil
	}
	requests := make([]reconcile.Request, len(points.Items))
	for i, point := range points.Items {
		requests[i].NamespacedName = types.NamespacedName{Namespace: point.Namespace, Name: point.Name}
	}
	return requests
}

// SetupWithManager sets up the controller with the Manager.
func (r *ConnectionPointReconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &benchv1alpha1.ConnectionPoint{}, networkField,
		func(object client.Object) []string {
			return []string{object.(*benchv1alpha1.ConnectionPoint).Spec.Network}
		}); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&benchv1alpha1.ConnectionPoint{}).
		Owns(&nadv1.NetworkAttachmentDefinition{}).
		Watches(&benchv1alpha1.Network{}, handler.EnqueueRequestsFromMapFunc(r.pointsOf)).
		Named("connectionpoint").
		Complete(r)
}
