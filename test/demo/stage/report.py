"""What the demo saw: a table for people, build/demo.json for programs."""

import json
import os
import platform
import subprocess

from stage.cluster import REPOSITORY


class Report:
    def __init__(self, name):
        self.name, self.steps, self.targets, self.extra, self.error = name, [], [], {}, None

    def step(self, name, **figures):
        self.steps.append({"name": name, **figures})
        return self.steps[-1]

    def target(self, name, value, unit, goal, most=True):
        met = value is not None and (value <= goal if most else value >= goal)
        self.targets.append({"name": name, "value": value, "unit": unit, "goal": goal, "met": met})

    @property
    def ok(self):
        return self.error is None and all(target["met"] for target in self.targets)

    def verdict(self):
        missed = [target for target in self.targets if not target["met"]]
        if self.error:
            return "The demo stopped before its end."
        if not missed:
            return "All goals are met."
        if all(target["unit"] == "s" for target in missed):
            return "No more calls failed than may; but it took too long. Is this machine busy with something else?"
        return f"{len(missed)} of {len(self.targets)} goals are missed."

    def write(self):
        commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        result = {"ok": self.ok, "error": self.error, "commit": commit or "unknown",
                  "machine": {"cpus": os.cpu_count(), "memory_mib": memory, "kernel": platform.release()},
                  "targets": self.targets, "steps": self.steps, **self.extra}
        path = REPOSITORY / "build" / f"{self.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(result, indent=2) + "\n")
        return path

    def table(self):
        line = "{:<16}{:>9}{:>8}{:>10}{:>8}{:>9}{:>12}".format
        out = [line("step", "seconds", "placed", "completed", "failed", "members", "lists (s)")]
        for step in self.steps:
            if "calls_placed" in step:
                out.append(line(step["name"], step["seconds"], step["calls_placed"], step["calls_completed"], step["calls_failed"],
                                step["members"], step["lists_right_s"]))
            else:
                out.append(line(step["name"], step["seconds"], "", "", "", "", ""))
        out.append("")
        for target in self.targets:
            mark = "ok    " if target["met"] else "MISSED"
            out.append(f"{mark}  {target['name']}: {target['value']} {target['unit']} (goal {target['goal']})")
        if self.error:
            out.append(f"FAILED  {self.error}")
        out += ["", self.verdict()]
        return "\n".join(out)
