"""KubeVirt in a cluster of nodes that is up."""

import json
import time

from lib import builds, namespaces
from lib.progress import Failure, Progress

MANIFEST = builds.DEV / "kubevirt" / "kubevirt.yaml"


def install(cluster, images, seconds=600):
    """Done when all of it works. Changes nothing where it is there."""
    with Progress("installing KubeVirt") as progress:
        for image in images:
            progress.detail = image.stem
            for node in cluster.nodes:
                node.load(image)
        progress.detail = "manifests"
        # Its control plane wants to run on such a node only.
        _kubectl(cluster, "label", "node", cluster.nodes[0].name, "node-role.kubernetes.io/control-plane=", "--overwrite")
        _kubectl(cluster, "apply", "-f", "-", text=json.dumps({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "kubevirt", "labels": {"kubevirt.io": "", "pod-security.kubernetes.io/enforce": "privileged"}}}))
        for kind in ("kv", "priorityclass", "operator-rbac"):
            manifest = builds.run([builds.path("resource-generator"), f"--type={kind}", "--namespace=kubevirt"])
            _kubectl(cluster, "apply", "--server-side", "-f", "-", text=manifest)
        _kubectl(cluster, "wait", "--for=condition=Established", "crd/kubevirts.kubevirt.io", "--timeout=30s")
        _kubectl(cluster, "apply", "--server-side", "-f", MANIFEST)
        deadline = time.monotonic() + seconds
        while not _available(cluster):
            phase = _kubectl(cluster, "-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o", "jsonpath={.status.phase}")
            progress.detail = phase or "its operator starts"
            if time.monotonic() > deadline:
                raise Failure(f"KubeVirt is not there after {seconds} s: {phase or 'its operator says nothing'}; see "
                              "kubectl -n kubevirt get pods,kubevirt -o yaml")
            time.sleep(1)


def _available(cluster):
    conditions = _kubectl(cluster, "-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o",
                          "jsonpath={range .status.conditions[*]}{.type}={.status} {end}").split()
    return "Available=True" in conditions and "Progressing=False" in conditions


def _kubectl(cluster, *arguments, text=None):
    pid = cluster.require()
    return builds.run([builds.path("kubectl"), *arguments], input=text, env=cluster.environment(),
                      preexec_fn=lambda: namespaces.join(pid, "net"))
