"""The real etcd, API server and garbage collector with the job's kinds; contestants work in namespaces under narrow rights."""

import base64
import json
import os
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "test" / "integration"))

from kit import kinds  # noqa: E402
from kit.api import Refused  # noqa: E402
from kit.kinds import RBAC  # noqa: E402
from kit.rig import Rig, builds, pki  # noqa: E402
from kit.wait import until  # noqa: E402

BENCH, CNI = "bench.knfe.io/v1alpha1", "k8s.cni.cncf.io/v1"
NAD = "NetworkAttachmentDefinition"
PRIMARIES = ["Network", "ConnectionPoint"]
# The kit's own kinds of these names are KNFE's, which this rig does not install.
kinds.KINDS.update({"Network": (BENCH, "networks"), "ConnectionPoint": (BENCH, "connectionpoints")})

ACCOUNT = "bench"
RIGHTS = [
    {"apiGroups": ["bench.knfe.io"], "resources": ["networks", "connectionpoints"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["bench.knfe.io"], "resources": ["networks/status", "connectionpoints/status"],
     "verbs": ["get", "update", "patch"]},
    {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"],
     "verbs": ["get", "list", "watch", "create", "patch"]},
]
AUDIT_POLICY = Path(__file__).resolve().with_name("audit-policy.json")


class BenchRig(Rig):
    """`audited`: the API server notes each request of a contestant, which costs it time."""

    def __init__(self, name, audited=False):
        super().__init__(name)
        self.audit_log = self.state / "log" / "audit.log"
        if audited:
            self.cluster.api_server_options = [f"--audit-policy-file={AUDIT_POLICY}", f"--audit-log-path={self.audit_log}",
                                               "--audit-log-mode=blocking"]

    def _install(self):
        builds.build([builds.CRD])
        files = [REPOSITORY / "bench" / "job" / "crds.yaml", builds.path(builds.CRD)]
        self.kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "networks.bench.knfe.io",
                     "connectionpoints.bench.knfe.io", "network-attachment-definitions.k8s.cni.cncf.io")
        until("the API server serves the kinds", self._serves)
        # It looks for new kinds twice a minute only, and at its start: without them nothing of ours is collected.
        self.cluster.restart("kube-controller-manager")

    def _serves(self):
        """Established comes a little before that."""
        try:
            return all(self.api.list(kind) is not None for kind in [*PRIMARIES, NAD])
        except Refused as refused:
            raise AssertionError(refused) from refused

    def clear(self, namespace):
        self.api.delete("Namespace", None, namespace)
        until(f"namespace {namespace} gone", lambda: not self.api.get("Namespace", None, namespace), 600, every=0.2)

    def namespace(self, prefix):
        """A fresh one, with the account that contestants run as."""
        name = super().namespace(prefix)
        self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": name, "name": ACCOUNT}})
        self.api.create({"apiVersion": RBAC, "kind": "Role", "metadata": {"namespace": name, "name": ACCOUNT},
                         "rules": RIGHTS})
        self.api.create({"apiVersion": RBAC, "kind": "RoleBinding", "metadata": {"namespace": name, "name": ACCOUNT},
                         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
                         "subjects": [{"kind": "ServiceAccount", "namespace": name, "name": ACCOUNT}]})
        return name

    def kubeconfig(self, namespace=None):
        authority = base64.b64encode(Path(self.cluster.pki.file("ca.crt")).read_bytes()).decode()
        file = self.state / f"{namespace}.kubeconfig"
        file.touch(mode=0o600)
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": pki.SERVER, "certificate-authority-data": authority}}],
            "users": [{"name": "bench", "user": {"token": self.token(namespace, ACCOUNT)}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]}))
        return file

    def server_cpu(self):
        """Seconds of processor time that etcd and the API server have used."""
        total = 0
        for role in ("etcd", "kube-apiserver"):
            pid = self.cluster.components()[role].pid
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def server_wait(self):
        """Seconds that the threads of etcd and the API server were ready to run and did not: a busy machine shows here."""
        total = 0
        for role in ("etcd", "kube-apiserver"):
            for task in Path("/proc", str(self.cluster.components()[role].pid), "task").iterdir():
                try:
                    total += int((task / "schedstat").read_text().split()[1])
                except OSError:
                    continue  # the thread has ended
        return total / 1e9

    def writes(self):
        """The API server's own count of requests that were to change something: (group/resource/sub, verb, code) -> number."""
        connection = self.api.connect(30)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        out = {}
        for line in re.findall(r"^apiserver_request_total\{.*", text, re.M):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if labels["group"] in ("bench.knfe.io", "k8s.cni.cncf.io") and labels["verb"] in (
                    "APPLY", "PATCH", "PUT", "POST", "DELETE", "DELETECOLLECTION"):
                what = "/".join(part for part in (labels["resource"], labels["subresource"]) if part)
                key = (what, labels["verb"], int(labels["code"]))
                out[key] = out.get(key, 0) + int(float(line.rsplit(" ", 1)[1]))
        return out
