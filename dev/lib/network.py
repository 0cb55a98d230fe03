"""The network namespaces of a cluster: the plan of addresses, and the links of the control plane and the nodes.

The first node shares the namespace of the control plane; each further one has its own. They meet on a bridge there, the fabric:
setting a node's wire down cuts that node off. No link leads out, so every cluster has the same addresses and none can disturb another
or the host.
"""

import subprocess
from pathlib import Path

from lib import namespaces
from lib.progress import Failure

API_ADDRESS = "172.31.0.1"
NODE_PREFIX = 24
API_PORT = 6443
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"

# The fabric learns from frames alone: without a querier, snooping would end IPv6 neighbour discovery between nodes after minutes.
FABRIC = """
link add fabric0 type bridge mcast_snooping 0
link set fabric0 up
"""
# A node's interface is one end of a veth, so that macvlan can stand on top of it.
WIRE = """
link add wire{number} type veth peer name node0 {where}
link set wire{number} master fabric0 up
"""
# The route lets programs of the node call services: the kernel looks for one before kube-proxy rewrites the address.
NODE = f"""
link set lo up
address add {{address}}/{NODE_PREFIX} dev node0
link set node0 up
route add {SERVICE_CIDR} dev node0
"""

SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/all/forwarding": "1",
    # Frames between pods on one bridge must not pass through the node's packet filter, whether or not the host has
    # loaded br_netfilter: data-plane traffic is none of kube-proxy's business.
    "net/bridge/bridge-nf-call-iptables": "0",
    "net/bridge/bridge-nf-call-ip6tables": "0",
    "net/bridge/bridge-nf-call-arptables": "0",
}


def node_address(number):
    return f"172.31.0.{10 + number}"


def pod_subnet(number):
    return f"10.244.{number - 1}.0/24"


def set_up():
    """Prepares the fresh namespace that the caller is in, of the control plane and node 1."""
    _sysctls()
    links(FABRIC + WIRE.format(number=1, where="") + NODE.format(address=node_address(1)) +
          f"address add {API_ADDRESS}/{NODE_PREFIX} dev node0\n")


def add_node(number, pid):
    """Wires the node whose first process is pid to the fabric; the caller is in the control plane's namespace."""
    links(WIRE.format(number=number, where=f"netns {pid}"))

    def inside():
        _sysctls()
        links(NODE.format(address=node_address(number)))
    namespaces.run_inside(pid, "net", inside)


def set_wire(number, up):
    """The caller is in the control plane's namespace."""
    links(f"link set wire{number} {'up' if up else 'down'}\n")


def route_pods(number, numbers):
    """On node `number`, in whose namespace the caller is: the way to the pods of all others."""
    links("".join(f"route add {pod_subnet(each)} via {node_address(each)}\n" for each in numbers if each != number))


def _sysctls():
    for name, value in SYSCTLS.items():
        file = Path("/proc/sys", name)
        if file.exists():
            file.write_text(value)


def links(batch):
    """Runs commands of `ip` in the caller's namespace."""
    result = subprocess.run(["ip", "-batch", "-"], input=batch, text=True, stderr=subprocess.PIPE, check=False)
    if result.returncode:
        raise Failure(f"cannot set up a network: {result.stderr.strip()}")
