"""The machine's own limits, measured in the same run by build/limits (limits.c), and what they allow each step at best."""
import json
import os
import subprocess

from medians import OURS, YARDSTICK


def measure(source_tree, folder, work):
    """The measured parts (limits.c), or None where it was not built."""
    program = os.path.join(source_tree, "build", "limits")
    if not os.access(program, os.X_OK):
        return None
    said = subprocess.run([program, folder, work], capture_output=True, text=True, check=True)
    return json.loads(said.stdout)


def expansion(part):
    """Expand and hash every byte once, spread over all cores."""
    return part["bytes"] * (1 / part["unzstd"] + 1 / part["sha256"]) / part["cores"]


def transfer(part):
    """What is stored, once through one TLS connection."""
    return part["bytes"] * part["zstd_ratio"] / part["tls"]


# name in steps.ROWS -> seconds at best, from the measured parts, the seconds of `cp -a` in the same run, and how many times the first
# version all versions together are
FORMULAS = {
    "publish": lambda part, copy, grown: part["pipeline_seconds"],
    "stat": lambda part, copy, grown: part["walk_seconds"],
    "sync": lambda part, copy, grown: max(transfer(part), expansion(part)),
    "together": lambda part, copy, grown: max(transfer(part), expansion(part)) + copy,
    "copy": lambda part, copy, grown: copy,
    "verify": lambda part, copy, grown: expansion(part) * grown,
}
NEEDS_COPY = ("together", "copy")


def limit(name, facts, medians):
    """Seconds at best of what the formula @name is for; None if there is none, or its parts were not measured."""
    part, copy = facts["limits"], medians.value(YARDSTICK, "checkout", "seconds")
    if not name or not part or (name in NEEDS_COPY and copy is None):
        return None
    first, more = (medians.value(OURS, step, "stored") for step in ("publish", "publish2"))
    return FORMULAS[name](part, copy, 1 + more / first if first and more else 1)
