"""Objects to apply, as small as they may be; keyword arguments replace parts of the spec."""

import copy

from kit.kinds import KINDS

CONTAINER = {"name": "main", "image": "knfe.io/pause:dev"}


def manifest(kind, name, spec):
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": {"name": name}, "spec": spec}


def subnet(name="v4", cidr="10.20.0.0/24", **more):
    return {"name": name, "cidr": cidr, **more}


def network(name="core", **spec):
    return manifest("Network", name, {"subnets": [subnet()], **spec})


def dual_stack(name="core", **spec):
    return network(name, subnets=[subnet(), subnet("v6", "fd20::/64")], **spec)


def point(name="cp", **spec):
    """A ConnectionPoint as a user makes it."""
    return manifest("ConnectionPoint", name, {"networkRef": {"name": "core"}, "interface": "core", **spec})


def attachment(name="core", network_name=None, **more):
    return {"name": name, "networkRef": {"name": network_name or name}, **more}


def role(name="sprout", **more):
    return {"name": name, "size": {"exactly": 1}, "connectionPoints": [attachment()],
            "workload": {"pod": {"spec": {"containers": [copy.deepcopy(CONTAINER)]}}}, **more}


def machine_role(name="sprout", **more):
    return role(name, **{"workload": {"virtualMachine": {"spec": {"domain": {"devices": {}}}}}, **more})


def function(name="sip", *roles):
    return manifest("NetworkFunction", name, {"roles": list(roles) or [role()]})


def service(name="ims", **spec):
    """An IMS: a Bono on two networks, three Sprouts on one of them."""
    return manifest("NetworkService", name, {
        "networks": [{"name": "access", "subnets": [subnet(cidr="10.10.0.0/24")]},
                     {"name": "core", "subnets": [subnet(), subnet("v6", "fd20::/64")]}],
        "functions": [{"name": "sip", "roles": [
            role("bono", connectionPoints=[attachment("access"), attachment("core")]),
            role("sprout", size={"initial": 3, "min": 1, "max": 8})]}],
        **spec})
