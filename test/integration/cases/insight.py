"""What KNFE tells of itself while it works: a CPU profile, and what its memory is made of."""

import struct
import subprocess
import threading
from pathlib import Path

from kit import probe
from kit.controller import PORT
from kit.ims import SPROUT, start, whole


def profile(case):
    start(case)
    answers = []
    taking = [threading.Thread(target=lambda: answers.append(probe.fetch(PORT, "/debug/profile?seconds=3", 20))) for _ in range(2)]
    for each in taking:
        each.start()
    for size in (5, 2, 4, 3):
        case.scale(SPROUT, size)
        case.listed(whole(size))
    for each in taking:
        each.join()
    assert sorted(status for status, _ in answers) == [200, 409], answers
    stacks, binary_at = read(next(body for status, body in answers if status == 200), case.controller.binary)
    assert stacks, "it did nothing?"
    addresses = sorted({address - binary_at for stack in stacks for address in stack if address >= binary_at})
    names = subprocess.run(["addr2line", "-f", "-C", "-e", case.controller.binary], check=True, text=True, stdout=subprocess.PIPE,
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
    yield "insight: a CPU profile that pprof reads", profile
    yield "insight: what memory is made of", memory
