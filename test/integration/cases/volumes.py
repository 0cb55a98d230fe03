"""Members' volumes, as the API server has them."""

from cases.admission import refused
from kit.manifests import function, network, role
from kit.wait import until

SIZE = {"initial": 2, "min": 1, "max": 3}


def store(reclaim="Retain", name="data", size=SIZE):
    # Not as the API server writes it: that is no reason to write it again.
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
    return function("db", role("store", size=size, volumes=[{"name": name, "reclaim": reclaim, "claim": claim}]))


def start(case, reclaim):
    case.apply(network())
    case.apply(store(reclaim))
    case.ready("NetworkFunction", "db")


def claims(case):
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in case.api.list("PersistentVolumeClaim", case.ns)}


def kept(case):
    start(case, "Retain")
    before = claims(case)
    assert set(before) == {"db-store-0-data", "db-store-1-data"}, before
    case.quiet()
    case.scale("db-store", 1)
    case.gone("Member", "db-store-1")
    case.scale("db-store", 2)
    case.says("Member", "db-store-1", "Ready", "True", "Serving")
    case.delete("NetworkFunction", "db")
    case.gone("NetworkFunction", "db")
    case.gone("Member", "db-store-0")
    assert claims(case) == before, claims(case)


def deleted(case):
    start(case, "Delete")
    case.scale("db-store", 1)
    until("the claim of the member that is gone is gone", lambda: set(claims(case)) == {"db-store-0-data"}
          or any(each["metadata"].get("deletionTimestamp") for each in case.api.list("PersistentVolumeClaim", case.ns)))
    case.apply(store("Retain"))
    until("the other one is kept", lambda: not case.must("PersistentVolumeClaim", "db-store-0-data")["metadata"].get("ownerReferences"))
    case.quiet()


def anothers(case):
    """A claim of that name that is not the member's stands in the way, and is not touched."""
    case.apply(network())
    case.api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "db-store-0-data", "namespace": case.ns},
                     "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    before = case.must("PersistentVolumeClaim", "db-store-0-data")
    case.apply(store())
    case.says("Member", "db-store-0", "Ready", "False", "NameTaken", "db-store-0-data")
    assert case.must("PersistentVolumeClaim", "db-store-0-data") == before


def objections(case):
    refused(case, [store(name="knfe-run")], ["KNFE's own"])
    refused(case, [store(reclaim="Recycle")], ["reclaim"])


def cases():
    yield "volumes: kept", kept
    yield "volumes: deleted, where the role says so", deleted
    yield "volumes: another's", anothers
    yield "volumes: objections", objections
