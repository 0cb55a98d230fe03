"""An operator of others, written with the installed package: examples/operator."""

import signal
import subprocess
from contextlib import contextmanager

from kit.manifests import manifest, network
from kit.rig import EXAMPLE
from kit.wait import until


def store(subscribers, name="hss"):
    document = manifest("SubscriberStore", name, {"subscribers": subscribers, "image": "knfe.io/pause:dev", "network": "core"})
    return {**document, "apiVersion": "example.org/v1"}


@contextmanager
def running(case):
    log = case.rig.state / "log" / "subscriber-store.log"
    with open(log, "ab") as out:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", str(EXAMPLE), case.rig.cluster.environment()["KUBECONFIG"]],
                                   env=case.rig.cluster.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)


def vendors_manager(case):
    """It makes the function that a store takes, follows the spec, repairs, survives a kill, and writes nothing without need."""
    case.apply(network())
    with running(case) as process:
        case.apply(store(250_000))
        found = case.ready("SubscriberStore", "hss")
        assert found["status"]["members"] == 4, found["status"]
        assert len(case.states("hss")) == 4
        case.apply(store(90_000))
        until("two members", lambda: len(case.states("hss")) == 2)
        case.ready("SubscriberStore", "hss")
        role, = case.must("NetworkFunction", "hss")["spec"]["roles"]
        case.patch("NetworkFunction", "hss", {"spec": {"roles": [{**role, "size": {"exactly": 7}}]}})
        case.promptly("the size is put right", lambda: case.must("NetworkFunction", "hss")["spec"]["roles"][0]["size"] == {"exactly": 2})
        case.ready("SubscriberStore", "hss")
        process.kill()
        process.wait(timeout=10)
    version = case.must("SubscriberStore", "hss")["metadata"]["resourceVersion"]
    with running(case) as process:
        case.api.delete("NetworkFunction", case.ns, "hss")
        until("another function", lambda: case.ready("SubscriberStore", "hss")["metadata"]["resourceVersion"] != version)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    case.delete("SubscriberStore", "hss")
    case.gone("NetworkFunction", "hss")
    until("all of it is gone", lambda: not case.names("Member"))


def name_taken(case):
    case.apply(network())
    case.apply(manifest("NetworkFunction", "hss", {"roles": [{"name": "mine", "size": {"exactly": 0}, "workload": {"pod": {"spec": {}}}}]}))
    with running(case):
        case.apply(store(1))
        case.says("SubscriberStore", "hss", "Stalled", "True", "NameTaken", "NetworkFunction hss", "rename one of the two")
        assert case.must("NetworkFunction", "hss")["spec"]["roles"][0]["name"] == "mine"
    case.delete("SubscriberStore", "hss")


def refused(case):
    case.rig.kubectl("explain", "subscriberstore.spec.subscribers")
    answer = case.rig.kubectl("apply", "--server-side", f"--namespace={case.ns}", "--filename=-", check=False,
                              text='{"apiVersion": "example.org/v1", "kind": "SubscriberStore", "metadata": {"name": "x"}, '
                                   '"spec": {"subscribers": 0, "image": "i", "network": "n"}}')
    assert answer.returncode and "greater than or equal to 1" in answer.stdout, answer.stdout


def cases():
    yield "others: a vendor's manager", vendors_manager
    yield "others: a name that is taken", name_taken
    yield "others: validation at admission", refused
