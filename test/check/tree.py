"""The files of this repository, for the checks beside this file."""

import os
import subprocess
import sys
from pathlib import Path

# KNFE_TREE lets a check look at another tree: a copy that was broken on purpose.
ROOT = Path(os.environ.get("KNFE_TREE") or Path(__file__).resolve().parents[2])


def files(*suffixes):
    """Every file that is kept here or could be (not what is ignored, not links), as paths relative to ROOT, sorted."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listing.returncode == 0:
        names = {Path(name) for name in os.fsdecode(listing.stdout).split("\0") if name}
    else:  # an unpacked archive
        names = {path.relative_to(ROOT) for path in ROOT.rglob("*")}
        names = {name for name in names if name.parts[0] not in ("build", ".git") and "__pycache__" not in name.parts}
    return sorted(name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()
                  and (not suffixes or name.suffix in suffixes))


def text(name):
    """Its text; empty for a file that is none."""
    try:
        return (ROOT / name).read_text()
    except UnicodeDecodeError:
        return ""


def finish(findings):
    """Prints the findings and ends with exit status 1 if there are any."""
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
