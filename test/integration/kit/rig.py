"""The cluster under test: a real etcd, API server and garbage collector, with KNFE's manifests installed."""

import base64
import itertools
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "dev"))

from lib import builds, namespaces, network, pki  # noqa: E402
from lib.cluster import Cluster  # noqa: E402
from lib.progress import Progress  # noqa: E402

import ssl  # noqa: E402

from kit.api import Api, Refused  # noqa: E402
from kit.kinds import MADE, OURS, path  # noqa: E402
from kit.wait import until  # noqa: E402

DEPLOY = REPOSITORY / "deploy"
EXAMPLE = REPOSITORY / "build" / "example" / "subscriber-store"  # examples/operator
LABEL = "knfe.io/test"  # of namespaces that tests have made
OPERATOR = ("knfe-system", "knfe")  # its ServiceAccount


class Rig:
    def __init__(self, name, with_example=False):
        """`with_example`: for examples/operator, too."""
        self._with_example = with_example
        self.cluster = Cluster(name)
        self.state = self.cluster.state
        self._numbers = itertools.count(1)
        self.api = None

    def up(self):
        """Moves this process into the cluster's network namespace: call it before any thread is made."""
        self.cluster.up(nodes=0)
        namespaces.join(self.cluster.require(), "net")
        self._context = ssl.create_default_context(cafile=self.cluster.pki.file("ca.crt"))
        admin = ssl.create_default_context(cafile=self.cluster.pki.file("ca.crt"))
        admin.load_cert_chain(self.cluster.pki.file("admin.crt"), self.cluster.pki.file("admin.key"))
        self.admin = admin
        self.api = Api(network.API_ADDRESS, network.API_PORT, admin)
        with Progress("installing KNFE's manifests"):
            self._install()
        for left in self.api.list("Namespace", selector=LABEL):  # by a run before this, in a cluster that was kept
            self.clear(left["metadata"]["name"])

    def _install(self):
        builds.build([builds.CRD])
        files = [*sorted((DEPLOY / "crds").glob("*.yaml")), builds.path(builds.CRD), DEPLOY / "namespace.yaml",
                 DEPLOY / "rbac.yaml", DEPLOY / "agents.yaml", DEPLOY / "user-roles.yaml"]
        self.kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
        crds = [file.stem + ".knfe.io" for file in sorted((DEPLOY / "crds").glob("*.yaml"))]
        if self._with_example:
            text = subprocess.run([EXAMPLE, "crd"], check=True, text=True, stdout=subprocess.PIPE).stdout
            self.kubectl("apply", "--server-side", "--filename=-", text=text)
            crds.append("subscriberstores.example.org")
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd",
                     "network-attachment-definitions.k8s.cni.cncf.io", *crds)
        until("the API server serves the kinds", self.served)
        # It looks for new kinds twice a minute only, and at its start: without them nothing of ours is collected.
        self.cluster.restart("kube-controller-manager")

    def served(self):
        """Established comes a little before that."""
        try:
            return all(self.api.list(kind) is not None for kind in OURS + MADE + ["SubscriberStore"] * self._with_example)
        except Refused as refused:
            raise AssertionError(refused) from refused

    def down(self):
        self.cluster.down()

    def kubectl(self, *arguments, text=None, check=True):
        result = subprocess.run([builds.path("kubectl"), *arguments], input=text, text=True, check=False,
                                env=self.cluster.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and result.returncode:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {result.stdout}")
        return result

    def namespace(self, prefix):
        """A fresh namespace in which pods can be made."""
        while True:
            name = f"{prefix}-{next(self._numbers)}"
            if not self.api.get("Namespace", None, name):
                break
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: ""}}})
        until(f"namespace {name} has its ServiceAccount", lambda: self.api.get("ServiceAccount", name, "default"))
        return name

    def clear(self, namespace):
        """Deletes what users make in a namespace; the rest goes with it, in its own time."""
        for kind in OURS[:-1]:
            self.api.request("DELETE", path(kind, namespace),
                             {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})

    def alone(self, namespace):
        """Whether nothing of KNFE's is left in any other namespace."""
        return not any(each["metadata"]["namespace"] != namespace for kind in OURS for each in self.api.list(kind))

    def round_trip(self):
        """Seconds that a write takes now."""
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default", "name": "probe"}}
        taken = []
        for _ in range(5):
            started = time.monotonic()
            self.api.create(probe, dryRun="All")
            taken.append(time.monotonic() - started)
        return statistics.median(taken)

    def token(self, namespace, account, pod=None):
        """A token of a ServiceAccount, bound to a pod (the object) as kubelet asks for it."""
        spec = {"expirationSeconds": 86400}
        if pod:
            metadata = pod["metadata"]
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        answer = self.api.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                                  {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
        return answer["status"]["token"]

    def api_as(self, token):
        return Api(network.API_ADDRESS, network.API_PORT, self._context, token)

    def kubeconfig(self):
        """Of KNFE's operators, as the pod of deploy/ has it: under the rights of its ServiceAccount and no others."""
        file = self.state / "knfe.kubeconfig"
        authority = base64.b64encode(Path(self.cluster.pki.file("ca.crt")).read_bytes()).decode()
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "knfe",
            "clusters": [{"name": "knfe", "cluster": {"server": pki.SERVER, "certificate-authority-data": authority}}],
            "users": [{"name": "knfe", "user": {"token": self.token(*OPERATOR)}}],
            "contexts": [{"name": "knfe", "context": {"cluster": "knfe", "user": "knfe"}}]}))
        file.chmod(0o600)
        return file
