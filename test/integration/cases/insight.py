"""What KNFE tells of itself while it works: why it did something, a CPU profile, and what its memory is made of."""

import itertools
import struct
import subprocess
import threading
from pathlib import Path

from kit import probe
from kit.controller import PORT
from kit.forward import forward
from kit.ims import SPROUT, start, whole
from kit.rig import network


def explain(case):
    """From outside: the API server passes the question on to the pod of the operators, which here is but an address."""
    start(case)
    name, home = "operators", "knfe-system"
    container = {"name": "knfe", "image": "knfe.io/knfe:dev",
                 "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    case.api.create({"apiVersion": "v1", "kind": "Pod",
                     "metadata": {"namespace": home, "name": name, "labels": {"app.kubernetes.io/name": "knfe"}},
                     "spec": {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                              "containers": [container]}})
    try:
        address = network.API_ADDRESS
        case.api.patch("Pod", home, name, {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}, "status")
        with forward((address, 8080), ("127.0.0.1", PORT)):
            code, text = case.controller.run("explain", "networkfunction/ims-sip", f"--namespace={case.ns}")
            assert code == 0 and text.startswith(f"NetworkFunction {case.ns}/ims-sip, the latest decision last:\n"), text
            assert "\n  outcome: done\n" in text, text
            code, text = case.controller.run("explain", f"member/{SPROUT}-0", f"--namespace={case.ns}")
            assert code == 0 and f"pods {case.ns}/{SPROUT}-0" in text, text
            code, text = case.controller.run("explain", "network/nobody", f"--namespace={case.ns}")
            assert code == 1 and "nothing was decided about Network" in text, text
    finally:
        case.api.delete("Pod", home, name)


def profile(case):
    start(case)
    answers = []
    taking = [threading.Thread(target=lambda: answers.append(probe.fetch(PORT, "/debug/profile?seconds=3", 20))) for _ in range(2)]
    for each in taking:
        each.start()
    for size in itertools.cycle((5, 2, 4, 3)):
        case.scale(SPROUT, size)
        case.listed(whole(size))
        if not any(each.is_alive() for each in taking):
            break
    assert sorted(status for status, _ in answers) == [200, 409], answers
    stacks, binary_at = read(next(body for status, body in answers if status == 200), case.controller.binary)
    assert stacks, "it did nothing?"
    addresses = sorted({address - binary_at for stack in stacks for address in stack if address >= binary_at})
    names = subprocess.run(["addr2line", "-ifCe", case.controller.binary], check=True, text=True, stdout=subprocess.PIPE,
                           input="".join(f"{address:#x}\n" for address in addresses)).stdout
    assert "knfe::net::Loop::run()" in names, names
    case.notes.append(f"{len(stacks)} samples")


def read(text, binary):
    """The stacks of a profile in gperftools' format, and where the binary lies in memory."""
    words = [word for word, in struct.iter_unpack("=Q", text[:len(text) // 8 * 8])]
    assert words[:5] == [0, 3, 0, 10000, 0], words[:5]
    at, stacks = 5, []
    while words[at]:
        stacks.append(words[at + 2:at + 2 + words[at + 1]])
        at += 2 + words[at + 1]
    assert words[at:at + 3] == [0, 1, 0]
    maps = text[(at + 3) * 8:].decode().splitlines()
    moved = Path(binary).read_bytes()[16] == 3  # ET_DYN; a static one lies where its symbols say
    return stacks, min(int(line.split("-")[0], 16) for line in maps if line.endswith(binary)) if moved else 0


def memory(case):
    status, body = probe.fetch(PORT, "/debug/memory")
    text = body.decode()
    assert status == 200 and 'knfe_malloc_bytes{state="used"} ' in text and 'knfe_cached_objects{resource="pods"} ' in text, text


def cases():
    yield "insight: knfe explain through the API server", explain
    yield "insight: a CPU profile that pprof reads", profile
    yield "insight: what memory is made of", memory
