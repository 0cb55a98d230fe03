"""The few requests that bringing up a cluster needs, as cluster-admin, from inside the cluster's network namespace."""

import http.client
import json
import re
import ssl

from lib.network import API_PORT
from lib.progress import Failure

PLURALS = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
           "CustomResourceDefinition": "customresourcedefinitions"}


# Where components say on the loopback address that they work; their certificates are self-signed.
HEALTH = {
    "etcd": (http.client.HTTPConnection, 2379, "/health"),
    "kube-controller-manager": (http.client.HTTPSConnection, 10257, "/healthz"),
    "kube-scheduler": (http.client.HTTPSConnection, 10259, "/healthz"),
    "kubelet": (http.client.HTTPConnection, 10248, "/healthz"),
    "kube-proxy": (http.client.HTTPConnection, 10256, "/healthz"),
}


def healthy(role):
    kind, port, path = HEALTH[role]
    options = {"context": ssl._create_unverified_context()} if kind is http.client.HTTPSConnection else {}
    connection = kind("127.0.0.1", port, timeout=5, **options)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Api:
    def __init__(self, pki):
        self._context = ssl.create_default_context(cafile=pki.file("ca.crt"))
        self._context.load_cert_chain(pki.file("admin.crt"), pki.file("admin.key"))

    def request(self, method, path, body=None, content_type=None):
        """Status and body of the answer; raises OSError when there is none."""
        connection = http.client.HTTPSConnection("127.0.0.1", API_PORT, timeout=10, context=self._context)
        try:
            connection.request(method, path, body, {"Content-Type": content_type} if content_type else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def get(self, path):
        """The decoded object, or None if it is not there (or not served yet)."""
        try:
            status, body = self.request("GET", path)
        except OSError:
            return None
        return json.loads(body) if status == 200 else None

    def ready(self):
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def apply(self, manifest):
        """Server-side apply of each cluster-scoped document of a YAML text."""
        for document in re.split(r"^---$", manifest, flags=re.M):
            def field(pattern, text=document):
                return re.search(pattern, text, re.M)[1]

            version = field(r"^apiVersion: (\S+)$")
            path = f"/apis/{version}/{PLURALS[field('^kind: (.+)$')]}/{field('^  name: (.+)$')}"
            status, body = self.request("PATCH", f"{path}?fieldManager=dev-cluster&force=true", document.encode(),
                                        "application/apply-patch+yaml")
            if status not in (200, 201):
                raise Failure(f"the API server refused {path}: {body.decode(errors='replace')[:500]}")
