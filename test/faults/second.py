"""A second API server on the same etcd, which can be made to lag: what etcd tells it is held back by an etcdgate."""

import json
import subprocess
import time

from kit.api import Api, Refused
from kit.wait import until
from lib import builds, control_plane, network, pki, processes

PORT = 6444
ROLE = "second-apiserver"
WATCHES, ALL = "watches", "all"  # what can be held


class SecondServer:
    url = pki.SERVER.replace(str(network.API_PORT), str(PORT))

    def __init__(self, rig):
        self._rig, self._cluster = rig, rig.cluster
        builds.build([builds.ETCDGATE])
        self.close()  # one of a run before this
        with open(rig.state / "log" / "etcdgate.log", "ab") as log:
            self._gate = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", builds.path(builds.ETCDGATE)], text=True, bufsize=1,
                                          env=rig.cluster.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        etcd = "http://" + self._gate.stdout.readline().split()[1]
        options = [each for each in control_plane.apiserver(self._cluster.pki)
                   if not each.startswith(("--etcd-servers=", "--secure-port="))]
        self._cluster.start(ROLE, [builds.path("kube-apiserver"), *options, f"--etcd-servers={etcd}", f"--secure-port={PORT}",
                                   "--endpoint-reconciler-type=none"])
        self.api = Api(network.API_ADDRESS, PORT, rig.admin)
        until("the second API server is ready", self._ready, 60)

    def _ready(self):
        try:
            return self.api.list("Network", "default") is not None
        except (OSError, Refused) as error:
            raise AssertionError(error) from error

    def hold(self, what):
        self._say(what)

    def release(self):
        self._say("open")

    def _say(self, word):
        self._gate.stdin.write(word + "\n")
        assert self._gate.stdout.readline().strip() == word, "etcdgate does not answer"

    def close(self):
        processes.kill(self._cluster.state, lambda each: each.role == ROLE)
        if gate := getattr(self, "_gate", None):
            gate.kill()
            gate.wait()


class Facts:
    """What a lagging server answers to who asks for something that was made meanwhile: so Kubernetes is, and the plans rest on it."""
    HELD = (WATCHES, ALL)
    PATH = "/apis/knfe.io/v1alpha1/namespaces/default/networks"
    ASKED = {
        "list, version 0": PATH + "?resourceVersion=0",
        "list": PATH,
        "get": PATH + "/{name}",
        "get, version 0": PATH + "/{name}?resourceVersion=0",
        "streamed list": PATH + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
                                "&timeoutSeconds=7",
    }

    def __init__(self, api, second, manifest):
        self._api, self._second, self._manifest = api, second, manifest

    def find(self, held):
        """How each is answered: "knows it", "does not know it", "no answer in 8 s", or the status."""
        name = self._manifest["metadata"]["name"]
        until("the second one has caught up", lambda: self._ask(self.ASKED["list, version 0"], name)[0] == "does not know it", 30)
        self._second.hold(held)
        self._api.apply(self._manifest)
        try:
            return {what: "%s, after %.1f s" % self._ask(path.format(name=name), name) for what, path in self.ASKED.items()}
        finally:
            self._second.release()
            self._api.delete("Network", "default", name)

    def _ask(self, path, name):
        began = time.monotonic()
        connection = self._second.api.connect(8)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            if "watch=1" in path and answer.status == 200:
                return self._read(answer, name), time.monotonic() - began
            text = answer.read().decode()
            known = "knows it" if answer.status == 200 and f'"name":"{name}"' in text else "does not know it"
            return known if answer.status in (200, 404) else str(answer.status), time.monotonic() - began
        except OSError:
            return "no answer", time.monotonic() - began
        finally:
            connection.close()

    @staticmethod
    def _read(answer, name):
        """A list is complete with its bookmark only."""
        known = "does not know it"
        for line in answer:
            event = json.loads(line)
            if event["type"] == "BOOKMARK":
                return known
            if event["type"] == "ERROR":
                return str(event["object"]["code"])
            if event["object"]["metadata"]["name"] == name:
                known = "knows it"
        return "ends without being complete"
