"""A node's own cgroup: one folder in each hierarchy of cgroup v1, or one in the unified hierarchy of v2.

Two kubelets under one cgroup root kill each other's pods, so every node has its own, CLUSTER or CLUSTER-NUMBER.
"""

import os
import time
from pathlib import Path


def hierarchies():
    """Mount points of all cgroup hierarchies, as (path, "cgroup" or "cgroup2")."""
    seen = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        kind, point = right.split()[0], left.split()[4]
        if kind in ("cgroup", "cgroup2") and point.startswith("/sys/fs/cgroup"):
            seen[point] = kind
    return [(Path(point), kind) for point, kind in seen.items()]


def create(name):
    for point, kind in hierarchies():
        group = point / name
        group.mkdir(exist_ok=True)
        if kind == "cgroup2":
            for parent in (point, group):
                _enable_controllers(parent)
        elif (point / "cpuset.cpus").exists():
            # A new cpuset is empty under v1, and takes no process until it is filled.
            for field in ("cpuset.cpus", "cpuset.mems"):
                (group / field).write_text((point / field).read_text())


def _enable_controllers(group):
    for controller in (group / "cgroup.controllers").read_text().split():
        try:
            (group / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError:
            # Some (rdma, misc) may be refused; the kubelet names one that it misses.
            continue


def remove(name, seconds=10):
    """Removes the groups of the cluster's nodes, deepest first; true when none is left. Nothing may run in them any more."""
    deadline = time.monotonic() + seconds
    while True:
        for group in present(name):
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    continue
        if not present(name):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)


def present(name):
    """The groups of that cluster's nodes."""
    return [group for point, _ in hierarchies() for group in (point / name, *point.glob(f"{name}-*")) if group.exists()]
