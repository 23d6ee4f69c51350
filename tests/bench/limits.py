"""The machine's own limits, measured in the same run by build/limits (limits.c), and what they allow each step at best."""
import json
import os
import subprocess


def measure(source_tree, folder, work):
    """The measured parts (limits.c), or None where it was not built."""
    program = os.path.join(source_tree, "build", "limits")
    if not os.access(program, os.X_OK):
        return None
    said = subprocess.run([program, folder, work], capture_output=True, text=True, check=True)
    return json.loads(said.stdout)


def pipeline(part):
    """Read, cut, hash and compress every byte once, spread over all cores."""
    return (part["read_seconds"] + part["bytes"] * (1 / part["chunker"] + 1 / part["sha256"] + 1 / part["zstd"])) / part["cores"]


def expansion(part):
    """Expand and hash every byte once, spread over all cores."""
    return part["bytes"] * (1 / part["unzstd"] + 1 / part["sha256"]) / part["cores"]


def transfer(part):
    """What is stored, once through one TLS connection."""
    return part["bytes"] * part["zstd_ratio"] / part["tls"]


# name in steps.ROWS -> seconds at best, from the measured parts and the seconds of `cp -a` in the same run (None if it was not measured)
FORMULAS = {
    "publish": lambda part, copy: pipeline(part),
    "stat": lambda part, copy: part["walk_seconds"],
    "sync": lambda part, copy: max(transfer(part), expansion(part)),
    "together": lambda part, copy: None if copy is None else max(transfer(part), expansion(part)) + copy,
    "copy": lambda part, copy: copy,
    "verify": lambda part, copy: expansion(part),
}


def limit(name, part, copy):
    """Seconds at best of what the formula @name is for; None if there is none, or its parts were not measured."""
    return FORMULAS[name](part, copy) if name and part else None
