"""Where each kind lives at the API server."""

KNFE = "knfe.io/v1alpha1"
RBAC = "rbac.authorization.k8s.io/v1"
KINDS = {  # kind -> apiVersion and plural; all are namespaced but Namespace
    "NetworkService": (KNFE, "networkservices"),
    "NetworkFunction": (KNFE, "networkfunctions"),
    "MemberSet": (KNFE, "membersets"),
    "Member": (KNFE, "members"),
    "Policy": (KNFE, "policies"),
    "Action": (KNFE, "actions"),
    "Network": (KNFE, "networks"),
    "ConnectionPoint": (KNFE, "connectionpoints"),
    "Allocation": (KNFE, "allocations"),
    "NetworkAttachmentDefinition": ("k8s.cni.cncf.io/v1", "network-attachment-definitions"),
    "Pod": ("v1", "pods"),
    "ConfigMap": ("v1", "configmaps"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "Role": (RBAC, "roles"),
    "RoleBinding": (RBAC, "rolebindings"),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims"),
    "Secret": ("v1", "secrets"),
    "Namespace": ("v1", "namespaces"),
    "Event": ("events.k8s.io/v1", "events"),
    "SubscriberStore": ("example.org/v1", "subscriberstores"),  # of examples/operator
    "Lease": ("coordination.k8s.io/v1", "leases"),
}

OURS = ["NetworkService", "NetworkFunction", "MemberSet", "Member", "Policy", "Action", "Network", "ConnectionPoint", "Allocation"]
# What KNFE makes of others' kinds; those it shares with others are told apart by label.
MADE = ["NetworkAttachmentDefinition", "Pod", "ConfigMap", "ServiceAccount", "Role", "RoleBinding"]
MANAGED = "app.kubernetes.io/managed-by=knfe"


def path(kind, namespace=None, name=None, subresource=None):
    version, plural = KINDS[kind]
    out = f"/{'apis' if '/' in version else 'api'}/{version}"
    if namespace and kind != "Namespace":
        out += f"/namespaces/{namespace}"
    return "/".join(part for part in (out, plural, name, subresource) if part)
