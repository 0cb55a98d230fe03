"""The network namespace of a cluster: the plan of addresses, and the links of the control plane and the node.

No link leads out of the namespace, so every cluster has the same addresses and none can disturb another or the host.
"""

import subprocess
from pathlib import Path

from lib.progress import Failure

API_ADDRESS = "172.31.0.1"
NODE_ADDRESS = "172.31.0.11"
NODE_PREFIX = 24
API_PORT = 6443
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"

# The node's interface is one end of a veth whose other end is up as well: a carrier, which macvlan on top of it needs.
# The route lets programs of the node call services: the kernel looks for one before kube-proxy rewrites the address.
LINKS = f"""
link set lo up
link add node0 type veth peer name wire0
address add {API_ADDRESS}/{NODE_PREFIX} dev node0
address add {NODE_ADDRESS}/{NODE_PREFIX} dev node0
link set wire0 up
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


def set_up():
    """Prepares the fresh namespace that the caller is in."""
    for name, value in SYSCTLS.items():
        file = Path("/proc/sys", name)
        if file.exists():
            file.write_text(value)
    result = subprocess.run(["ip", "-batch", "-"], input=LINKS, text=True, stderr=subprocess.PIPE, check=False)
    if result.returncode:
        raise Failure(f"cannot set up the cluster's network: {result.stderr.strip()}")
