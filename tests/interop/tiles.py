#!/usr/bin/env python3
"""Reads a log by C2SP tlog-tiles with curl and the standard library: fetches the checkpoint and every tile, computes the root from the leaf hashes, the
tiles above from those below, and the leaf hashes from the entries.

    tiles.py PREFIX [--entries] [--size N] [CURL-OPTION ...]     PREFIX: https://HOST:PORT/log/NODE, or file:///FOLDER
"""

import subprocess
import sys

from proof import Note, Wrong, leaf_hash, node_hash, want

WIDTH = 256


def index_path(index):
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups)


class Log:
    def __init__(self, prefix, options):
        self.prefix, self.options, self.fetched = prefix, options, 0

    def get(self, path):
        run = subprocess.run(["curl", "-sf", *self.options, f"{self.prefix}/{path}"], stdout=subprocess.PIPE, check=False)
        want(run.returncode == 0, f"{path}: curl says {run.returncode}")
        self.fetched += 1
        return run.stdout

    def tile(self, kind, index, width):
        return self.get(f"tile/{kind}/{index_path(index)}" + (f".p/{width}" if width < WIDTH else ""))

    def level(self, level, size):
        """All hashes at a level of a tree of that size."""
        count, hashes = size >> 8 * level, []
        for index in range((count + WIDTH - 1) // WIDTH):
            width = min(WIDTH, count - index * WIDTH)
            tile = self.tile(level, index, width)
            want(len(tile) == 32 * width, f"tile {level}/{index}: want {width} hashes, have {len(tile)} bytes")
            hashes += [tile[at:at + 32] for at in range(0, len(tile), 32)]
        return hashes

    def entries(self, size):
        for index in range((size + WIDTH - 1) // WIDTH):
            width, at = min(WIDTH, size - index * WIDTH), 0
            bundle = self.tile("entries", index, width)
            for _ in range(width):
                length = int.from_bytes(bundle[at:at + 2], "big")
                yield bundle[at + 2:at + 2 + length]
                at += 2 + length
            want(at == len(bundle), f"entry bundle {index}: want {width} entries and nothing else")


def root_of(hashes):
    """RFC 6962, 2.1."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


def check(log, entries, wanted):
    note = Note(log.get("checkpoint"))
    size = wanted or note.size
    leaves = log.level(0, size)
    if size == note.size:
        want(root_of(leaves) == note.root, "the root of the leaf hashes is not that of the checkpoint")
    below = leaves
    for level in range(1, 8):
        above = log.level(level, size)
        want(above == [root_of(below[at:at + WIDTH]) for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)], f"level {level} is not that of the one below")
        below = above
    if entries:
        want([leaf_hash(entry) for entry in log.entries(size)] == leaves, "the entries are not those of the leaf hashes")
    print(f"{size} leaves of {note.origin}, {log.fetched} files")


def main(arguments):
    entries = "--entries" in arguments and not arguments.remove("--entries")
    wanted = int(arguments.pop(arguments.index("--size") + 1)) if "--size" in arguments else 0
    if wanted:
        arguments.remove("--size")
    try:
        check(Log(arguments[0], arguments[1:]), entries, wanted)
    except (Wrong, ValueError) as error:
        print(f"does not hold: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
