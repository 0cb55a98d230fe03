package g2

import (
	"context"
	"fmt"
	"net/http"

	nadv1 "github.com/k8snetworkplumbingwg/network-attachment-definition-client/pkg/apis/k8s.cni.cncf.io/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	benchv1alpha1 "knfe.io/bench/peers/go/api/v1alpha1"
)

const (
	workers      = 32
	networkField = ".spec.network"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// NewManager is a manager that does the job and nothing else: no probes, no metrics endpoint, no discovery.
func NewManager(config *rest.Config, namespace string) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := benchv1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := nadv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	primaries := cache.ByObject{Transform: StripPrimary, UnsafeDisableDeepCopy: ptr.To(true)}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:         scheme,
		MapperProvider: mapper,
		Metrics:        metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{namespace: {}},
			ByObject: map[client.Object]cache.ByObject{
				&benchv1alpha1.Network{}:             primaries,
				&benchv1alpha1.ConnectionPoint{}:     primaries,
				&nadv1.NetworkAttachmentDefinition{}: {Transform: StripChild, UnsafeDisableDeepCopy: ptr.To(true)},
			},
		},
	})
	if err != nil {
		return nil, err
	}
	writer, err := writerOf(mgr)
	if err != nil {
		return nil, err
	}
	return mgr, setUp(mgr, &Reconciler{Cache: mgr.GetCache(), Writer: writer})
}

// mapper knows the three kinds and, as discovery has it, their lists: so nothing is asked of discovery.
func mapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	found := meta.NewDefaultRESTMapper([]schema.GroupVersion{benchv1alpha1.GroupVersion, nadv1.SchemeGroupVersion})
	add := func(gv schema.GroupVersion, kind, plural string) {
		resource := gv.WithResource(plural)
		found.AddSpecific(gv.WithKind(kind), resource, resource, meta.RESTScopeNamespace)
		found.AddSpecific(gv.WithKind(kind+"List"), resource, resource, meta.RESTScopeNamespace)
	}
	add(benchv1alpha1.GroupVersion, "Network", "networks")
	add(benchv1alpha1.GroupVersion, "ConnectionPoint", "connectionpoints")
	add(nadv1.SchemeGroupVersion, "NetworkAttachmentDefinition", "network-attachment-definitions")
	return found, nil
}

func writerOf(mgr manager.Manager) (*Writer, error) {
	var clients [2]rest.Interface
	for i, group := range []schema.GroupVersion{benchv1alpha1.GroupVersion, nadv1.SchemeGroupVersion} {
		config := rest.CopyConfig(mgr.GetConfig())
		config.APIPath = "/apis"
		config.GroupVersion = &group
		config.ContentType = "application/json"
		config.NegotiatedSerializer = serializer.NewCodecFactory(mgr.GetScheme()).WithoutConversion()
		made, err := rest.RESTClientForConfigAndClient(config, mgr.GetHTTPClient())
		if err != nil {
			return nil, err
		}
		clients[i] = made
	}
	return NewWriter(clients[0], clients[1]), nil
}

func setUp(mgr manager.Manager, r *Reconciler) error {
	ctx := context.Background()
	if err := mgr.GetFieldIndexer().IndexField(ctx, &benchv1alpha1.ConnectionPoint{}, networkField,
		func(object client.Object) []string {
			return []string{object.(*benchv1alpha1.ConnectionPoint).Spec.Network}
		}); err != nil {
		return err
	}
	children, err := mgr.GetCache().GetInformer(ctx, &nadv1.NetworkAttachmentDefinition{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	saw := func(object any) {
		if child, ok := object.(*nadv1.NetworkAttachmentDefinition); ok {
			r.Writer.Saw(child.ResourceVersion)
		}
	}
	if _, err := children.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: saw, UpdateFunc: func(_, now any) { saw(now) }, DeleteFunc: saw}); err != nil {
		return err
	}
	options := controller.Options{MaxConcurrentReconciles: workers, UsePriorityQueue: ptr.To(true)}
	if err := ctrl.NewControllerManagedBy(mgr).Named("network").
		For(&benchv1alpha1.Network{}).
		Watches(&nadv1.NetworkAttachmentDefinition{}, ownerOf("Network")).
		WithOptions(options).Complete(reconcile.Func(r.Network)); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).Named("connectionpoint").
		For(&benchv1alpha1.ConnectionPoint{}).
		Watches(&nadv1.NetworkAttachmentDefinition{}, ownerOf("ConnectionPoint")).
		// A Network's status is none of a ConnectionPoint's business.
		Watches(&benchv1alpha1.Network{}, handler.EnqueueRequestsFromMapFunc(pointsOf(mgr.GetCache())),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(options).Complete(reconcile.Func(r.ConnectionPoint))
}

// ownerOf enqueues the primary of a child: before and after an update, so that a reference that is taken away is seen.
func ownerOf(kind string) handler.EventHandler {
	add := func(object client.Object, q queue) {
		if object == nil {
			return
		}
		for _, each := range object.(*nadv1.NetworkAttachmentDefinition).OwnerReferences {
			if each.Kind == kind {
				q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: each.Name}})
			}
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { add(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { add(e.ObjectOld, q); add(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { add(e.Object, q) },
	}
}

func pointsOf(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, network client.Object) []reconcile.Request {
		var found benchv1alpha1.ConnectionPointList
		if err := reader.List(ctx, &found, client.InNamespace(network.GetNamespace()),
			client.MatchingFields{networkField: network.GetName()}); err != nil {
			log.FromContext(ctx).Error(err, "cannot list the ConnectionPoints of a Network")
			return nil
		}
		out := make([]reconcile.Request, len(found.Items))
		for i := range found.Items {
			out[i].Namespace, out[i].Name = found.Items[i].Namespace, found.Items[i].Name
		}
		return out
	}
}

// Synced calls back once all caches are filled.
func Synced(mgr manager.Manager, then func()) error {
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		for _, kind := range []client.Object{
			&benchv1alpha1.Network{}, &benchv1alpha1.ConnectionPoint{}, &nadv1.NetworkAttachmentDefinition{}} {
			if _, err := mgr.GetCache().GetInformer(ctx, kind); err != nil {
				return fmt.Errorf("cannot fill the cache: %w", err)
			}
		}
		then()
		return nil
	}))
}
