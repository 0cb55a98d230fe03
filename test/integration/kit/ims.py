"""The IMS of kit/manifests.py as it must be: what every test of it checks, and how to get there."""

import ipaddress
import json

from kit.manifests import service

SPROUT, BONO = "ims-sip-sprout", "ims-sip-bono"
SUBNETS = {"access": ["10.10.0.0/24"], "core": ["10.20.0.0/24", "fd20::/64"]}


def sprouts(number, state="Serving"):
    return {f"{SPROUT}-{i}": state for i in range(number)}


def whole(number):
    """The member list of Bono and so many Sprouts, all serving."""
    return {f"{BONO}-0": "Serving", **sprouts(number)}


def start(case):
    case.apply(service())
    case.ready("NetworkService", "ims")
    case.listed(whole(3))


def resize(case, **size):
    """Applies the service anew with another size of the Sprouts."""
    document = service()
    document["spec"]["functions"][0]["roles"][1]["size"] = size
    case.apply(document)


def check_addresses(case):
    """Each member has one address of each subnet, its own, and the same one wherever it is told."""
    pods = {each["metadata"]["name"]: each for each in case.api.list("Pod", case.ns)}
    seen = set()
    for name, points in case.addresses().items():
        assert name in pods, f"{name} has no pod"
        annotation = json.loads(pods[name]["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])
        plumbed = {each["interface"]: [ip.split("/")[0] for ip in each["ips"]] for each in annotation}
        assert plumbed == points, f"{name} is listed with {points}, its pod has {plumbed}"
        assert set(points) == ({"access", "core"} if name.startswith(BONO) else {"core"}), points
        for network, ips in points.items():
            for ip, subnet in zip(ips, SUBNETS[network], strict=True):
                assert ipaddress.ip_address(ip) in ipaddress.ip_network(subnet), f"{name}: {ip} is not in {subnet}"
            assert not seen & set(ips), f"{ips} of {name} are given twice"
            seen |= set(ips)
    claims = {each["spec"]["ip"]: each["spec"]["owner"] for each in case.api.list("Allocation", case.ns)}
    assert set(claims) == seen, f"claimed {sorted(claims)}, used {sorted(seen)}"
    points = {each["metadata"]["uid"] for each in case.api.list("ConnectionPoint", case.ns)}
    orphans = [each["metadata"]["name"] for each in case.api.list("Allocation", case.ns) if each["spec"]["ownerUID"] not in points]
    assert not orphans, f"orphans: {orphans}"
