"""A Kubernetes client: one connection per thread, objects as dicts."""

import http.client
import json
import threading
import urllib.parse

from kit import kinds

MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"


class Refused(Exception):
    """The API server's answer was not 2xx."""

    def __init__(self, code, body):
        self.code = code
        try:
            self.message = json.loads(body)["message"]
        except (ValueError, KeyError, TypeError):
            self.message = body.decode(errors="replace")[:500]
        super().__init__(f"{code}: {self.message}")


class Api:
    """As whom it talks is in the TLS context (a certificate) or the token."""

    def __init__(self, host, port, context, token=None):
        self._to = (host, port)
        self._context = context
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._local = threading.local()

    def connect(self, timeout):
        return http.client.HTTPSConnection(*self._to, timeout=timeout, context=self._context)

    def request(self, method, path, body=None, content_type="application/json", **query):
        """The decoded answer; raises Refused."""
        query = {key: value for key, value in query.items() if value}
        if query:
            path += "?" + urllib.parse.urlencode(query)
        status, text = self.exchange(method, path, body, content_type)
        if status >= 300:
            raise Refused(status, text)
        return json.loads(text)

    def exchange(self, method, path, body=None, content_type="application/json"):
        """Status and text of the answer, whatever it is. A connection that has gone stale is replaced once."""
        data = json.dumps(body).encode() if body is not None else None
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            fresh = connection is None
            if fresh:
                connection = self._local.connection = self.connect(30)
            try:
                connection.request(method, path, data, {**self._headers, "Content-Type": content_type})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                self._local.connection = None
                if fresh or attempt == 2:
                    raise
        return answer.status, text

    def headers(self):
        return dict(self._headers)

    def get(self, kind, namespace, name):
        """The object, or None."""
        try:
            return self.request("GET", kinds.path(kind, namespace, name))
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def list(self, kind, namespace=None, selector=None):
        return self.request("GET", kinds.path(kind, namespace), labelSelector=selector)["items"]

    def create(self, manifest, **query):
        metadata = manifest["metadata"]
        return self.request("POST", kinds.path(manifest["kind"], metadata.get("namespace")), manifest,
                            fieldValidation="Strict", fieldManager="test", **query)

    def apply(self, manifest, manager="test", subresource=None):
        """Server-side apply, as `kubectl apply --server-side --force-conflicts` does it."""
        metadata = manifest["metadata"]
        where = kinds.path(manifest["kind"], metadata.get("namespace"), metadata["name"], subresource)
        return self.request("PATCH", where, manifest, APPLY, fieldManager=manager, force="true",
                            fieldValidation="Strict")

    def patch(self, kind, namespace, name, patch, subresource=None):
        return self.request("PATCH", kinds.path(kind, namespace, name, subresource), patch, MERGE,
                            fieldManager="test", fieldValidation="Strict")

    def delete(self, kind, namespace, name, **options):
        """False if it was not there, or (with preconditions) not that one."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", **options}
        try:
            self.request("DELETE", kinds.path(kind, namespace, name), body)
            return True
        except Refused as refused:
            if refused.code in (404, 409):
                return False
            raise
