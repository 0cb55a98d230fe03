"""What test_cluster proves of virtual machines: KubeVirt's, emulated, on the pod network and on one of our own, moved while they run."""

import json
import os
import re
import shutil
import signal
import time

from lib import guest, namespaces, network
from lib.builds import DEV
from lib.progress import Failure
from lib.rig import IMAGE, eventually

PLUGIN = DEV.parent / "build" / "bin" / "knfe"  # as CNI plugin
MAC, ADDRESS = "02:00:00:00:00:77", "10.40.0.7"
OVERHEAD = 50  # of VXLAN over IPv4

# The nodes' bridges of this network are one: what a bridge of a node sends to everybody reaches those of all.
JOINED = f"""
link add lan0 type bridge mcast_snooping 0
link add lanx0 mtu {1500 - OVERHEAD} type vxlan id 7 group 239.0.0.7 dev node0 dstport 4789
link set lanx0 master lan0 up
link set lan0 up
"""
OBJECTS = """
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: lan, namespace: default}
spec:
  config: '{"cniVersion": "1.0.0", "type": "bridge", "bridge": "lan0", "mtu": 1450, "capabilities": {"ips": true}, "ipam": {"type": "static"}}'
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: lan-of-machines, namespace: default}
spec:
  config: '{"cniVersion": "1.0.0", "type": "knfe", "bridge": "lan0", "mtu": 1450, "capabilities": {"mac": true}}'
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: guest, namespace: default}
spec:
  runStrategy: Always
  template:
    metadata: {labels: {name: guest}}
    spec:
      terminationGracePeriodSeconds: 0
      networks:
      - {name: pods, pod: {}}
      - {name: lan, multus: {networkName: lan-of-machines}}
      domain:
        cpu: {cores: 1, maxSockets: 1}
        memory: {guest: 128Mi}
        # Without a limit KubeVirt migrates over several connections, and QEMU before 8.0 may take one of them for another.
        resources: {requests: {cpu: 100m}, limits: {cpu: "2"}}
        firmware:
          kernelBoot:
            kernelArgs: console=ttyS0 quiet panic=-1 knfe.address=eth1,%(address)s/24
            container:
              image: %(guest)s
              imagePullPolicy: IfNotPresent
              kernelPath: /boot/vmlinuz
              initrdPath: /boot/initrd
        devices:
          autoattachGraphicsDevice: false
          autoattachMemBalloon: false
          logSerialConsole: true
          interfaces:
          - {name: pods, masquerade: {}}
          - {name: lan, binding: {name: knfe}, macAddress: "%(mac)s"}
""" % {"guest": guest.IMAGE, "mac": MAC, "address": ADDRESS}
# One on each node.
NEIGHBOUR = """
---
apiVersion: v1
kind: Pod
metadata:
  name: neighbour-%(number)d
  namespace: default
  annotations: {k8s.v1.cni.cncf.io/networks: '[{"name": "lan", "interface": "lan", "ips": ["10.40.0.10%(number)d/24"]}]'}
spec:
  nodeName: node-%(number)d
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: """ + IMAGE + """, command: [/bin/sleep, "1000000"]}]
"""
MIGRATION = """
apiVersion: kubevirt.io/v1
kind: VirtualMachineInstanceMigration
metadata: {name: %s, namespace: default}
spec: {vmiName: guest}
"""
MACHINE = ("get", "virtualmachineinstance", "guest", "-o", "json")


class VmCheck:
    def __init__(self, rig, traces, probe):
        """`rig`: of a cluster that is not up; `probe`: the archive of rig.IMAGE."""
        self.rig, self.traces, self.probe = rig, traces, probe

    def run(self):
        if not PLUGIN.exists():
            raise Failure(f"{PLUGIN} is not there: make knfe")
        self.rig.run("up", "--nodes", "2", "--kubevirt")
        self.traces.learn()
        self.rig.run("load", self.probe, str(guest.archive()))
        for node in self.rig.cluster.nodes:
            namespaces.run_inside(node.init(), "net", lambda: network.links(JOINED) or True)
            shutil.copy2(PLUGIN, node.root / "opt/cni/bin")
        started = time.monotonic()
        self.rig.kubectl("apply", "-f", "-", text=OBJECTS + "".join(NEIGHBOUR % {"number": number} for number in (1, 2)))
        self.rig.kubectl("wait", "--for=condition=Ready", "pod/neighbour-1", "pod/neighbour-2", "--timeout=60s")
        eventually("the guest says on its console that it is there", lambda: self._console("KNFE-READY"), 180)
        booted = time.monotonic() - started
        if f"eth0=10.0.2.2/24 eth1={ADDRESS}/24" not in (said := self._console("KNFE-READY")):
            raise Failure(f"the guest has other addresses: {said}")
        before = self._reached()

        seconds = []
        for name in ("there", "back"):
            source = self._node()
            started = time.monotonic()
            self.rig.kubectl("apply", "-f", "-", text=MIGRATION % name)
            eventually("the machine has moved", lambda each=name: self._migrated(each), 180)
            seconds.append(time.monotonic() - started)
            if self._node() == source:
                raise Failure(f"it is said to have moved, and still is on {source}")
            after = self._reached()
            if after[1] != before[1] or after[0] <= before[0]:
                raise Failure(f"it was not moved but started anew: up {before[0]} s as {before[1]}, then {after[0]} s as {after[1]}")

        self.traces.learn()
        os.kill(self.rig.cluster.components()["cluster-init"].pid, signal.SIGKILL)
        self.rig.run("down")
        self.traces.must_be_none()
        moves = " and ".join(f"{each:.0f} s" for each in seconds)
        return f"its console speaks after {booted:.0f} s; moved in {moves}, reached from both nodes each time; nothing left"

    def _machine(self):
        return json.loads(self.rig.kubectl(*MACHINE))

    def _node(self):
        return self._machine()["status"]["nodeName"]

    def _console(self, marker):
        """The line with the marker, of the machine's only pod; "" if there is none yet."""
        pod = self.rig.kubectl("get", "pods", "-l", "name=guest", "-o", "jsonpath={.items[0].metadata.name}") if self._pods() else ""
        log = self.rig.run("kubectl", "logs", pod, "-c", "guest-console-log", status=None) if pod else ""
        return next((line for line in log.splitlines() if marker in line), "")

    def _pods(self):
        return self.rig.kubectl("get", "pods", "-l", "name=guest", "-o", "name").split()

    def _reached(self):
        """Seconds that the guest is up and identity of its start: the same from both nodes, by the pod network and by ours."""
        inside = next(each["ipAddress"] for each in self._machine()["status"]["interfaces"] if each["name"] == "pods")
        answers = []
        for number in (1, 2):
            answers += [self._answer(number, address) for address in (ADDRESS, inside)]
            seen = self.rig.kubectl("exec", f"neighbour-{number}", "--", "ip", "neigh", "show", ADDRESS)
            if MAC not in seen:
                raise Failure(f"neighbour-{number} knows {ADDRESS} by another MAC address than {MAC}: {seen}")
        if len({identity for _, identity in answers}) != 1:
            raise Failure(f"more than one guest has answered: {answers}")
        return max(float(up) for up, _ in answers), answers[0][1]

    def _answer(self, number, address):
        # Debian's static busybox cannot look up names, and its wget dies of trying.
        fetch = f"printf 'GET /cgi-bin/uptime HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 8080"
        answer = []

        def given():
            lines = self.rig.run("kubectl", "exec", f"neighbour-{number}", "--", "sh", "-c", fetch, status=None).splitlines()
            if lines and re.fullmatch(r"[\d.]+ [-0-9a-f]{36}", lines[-1]):
                answer[:] = lines[-1].split()
            return answer

        eventually(f"{address} answers neighbour-{number}", given)
        return answer

    def _migrated(self, name):
        phase = self.rig.kubectl("get", "virtualmachineinstancemigration", name, "-o", "jsonpath={.status.phase}")
        if phase == "Failed":
            state = self._machine()["status"].get("migrationState", {})
            raise Failure(f"the migration has failed: {state.get('failureReason', 'no reason given')}")
        return phase == "Succeeded"
