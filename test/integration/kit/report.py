"""build/NAME.json: what a run has found, in the shape that all runs share."""

import json
import os
import platform
import subprocess

from kit.rig import REPOSITORY


def write_report(name, ok, steps, targets, **figures):
    """`targets` are (name, value, unit, goal): met where the value is at most the goal."""
    commit = subprocess.run(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"], text=True, check=False,
                            stdout=subprocess.PIPE).stdout.strip()
    folder = REPOSITORY / "build"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({
        "ok": bool(ok), "commit": commit or "unknown",
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "targets": [{"name": target, "value": round(value, 3), "unit": unit, "goal": goal, "met": value <= goal}
                    for target, value, unit, goal in targets],
        "steps": steps, **{key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()},
    }, indent=1) + "\n")
