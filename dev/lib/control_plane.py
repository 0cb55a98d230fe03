"""The command lines of the control plane."""

from lib.network import API_ADDRESS, API_PORT, SERVICE_CIDR

ETCD = "http://127.0.0.1:2379"  # inside the cluster's network namespace

# What an API server needs so that owned objects, namespaces, service accounts and aggregated roles behave.
CONTROLLERS_WITHOUT_NODE = ["clusterrole-aggregation-controller", "garbage-collector-controller",
                            "horizontal-pod-autoscaler-controller", "namespace-controller", "root-ca-certificate-publisher-controller",
                            "serviceaccount-controller", "serviceaccount-token-controller",
                            "validatingadmissionpolicy-status-controller"]

CLIENT_RATE = ["--kube-api-qps=200", "--kube-api-burst=400"]


def etcd(data):
    return [f"--data-dir={data}", f"--listen-client-urls={ETCD}", f"--advertise-client-urls={ETCD}",
            "--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level=warn"]


def apiserver(pki):
    return [
        f"--etcd-servers={ETCD}",
        f"--advertise-address={API_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--tls-cert-file={pki.file('kube-apiserver.crt')}",
        f"--tls-private-key-file={pki.file('kube-apiserver.key')}",
        f"--client-ca-file={pki.file('ca.crt')}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        # Tokens of pods.
        "--service-account-issuer=https://kubernetes.default.svc",
        "--api-audiences=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.file('serviceaccount.pub')}",
        f"--service-account-signing-key-file={pki.file('serviceaccount.key')}",
        # Logs, exec, port-forward; without DNS the node's name leads nowhere.
        f"--kubelet-certificate-authority={pki.file('ca.crt')}",
        f"--kubelet-client-certificate={pki.file('kubelet-client.crt')}",
        f"--kubelet-client-key={pki.file('kubelet-client.key')}",
        "--kubelet-preferred-address-types=InternalIP",
        # Aggregated API servers.
        f"--requestheader-client-ca-file={pki.file('requestheader-ca.crt')}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki.file('proxy-client.crt')}",
        f"--proxy-client-key-file={pki.file('proxy-client.key')}",
        "--enable-aggregator-routing",
        "--profiling=false",
    ]


def controller_manager(pki, with_node):
    controllers = ["*"] if with_node else CONTROLLERS_WITHOUT_NODE
    return [
        f"--kubeconfig={pki.file('kube-controller-manager.kubeconfig')}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--root-ca-file={pki.file('ca.crt')}",
        f"--service-account-private-key-file={pki.file('serviceaccount.key')}",
        f"--cluster-signing-cert-file={pki.file('ca.crt')}",
        f"--cluster-signing-key-file={pki.file('ca.key')}",
        "--bind-address=127.0.0.1",
        "--profiling=false",
        *CLIENT_RATE,
    ]


def scheduler(pki):
    return [f"--kubeconfig={pki.file('kube-scheduler.kubeconfig')}", "--leader-elect=false",
            "--bind-address=127.0.0.1", "--profiling=false", *CLIENT_RATE]
