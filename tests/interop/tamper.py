#!/usr/bin/env python3
"""Damages a copy of a home in ways that its own checksums do not show, for 01-reader.sh.

    tamper.py flip FILE AT          one bit; AT is an offset, or a fraction such as 0.5
    tamper.py reframe HOME KIND     other bytes for the first object of that kind (1 chunk, 2 page, 3 document), the frame's checksum right
    tamper.py lose HOME KIND        the first object of that kind becomes a mark: it is held, and is not here
    tamper.py edit FILE FROM TO     replaces text, once
"""

import glob
import struct
import sys

sys.dont_write_bytecode = True

from chama.libraries import xxh3
from chama.packs import FRAME_HEADER, MARK, STORED, Pack
from chama.report import Report


def flip(path, at):
    with open(path, "r+b") as file:
        data = file.read()
        offset = int(float(at) * len(data)) if "." in at else int(at)
        file.seek(offset)
        file.write(bytes([data[offset] ^ 0x10]))


def find_frame(home, kind):
    for path in sorted(glob.glob(f"{home}/store/packs/*.pack")):
        pack = Pack(path)
        for at, frame in pack.frames(Report()):
            if frame.kind == kind and frame.stored:
                return pack, at, frame
    sys.exit(f"tamper.py: no object of kind {kind} in {home}")


def replace_frame(pack, at, frame, kind, stored):
    """Another frame for the same digest, with a checksum that holds; what follows moves."""
    header = struct.pack("<4sBBHII", b"chf1", kind, STORED, FRAME_HEADER, len(stored), len(stored)) + frame.digest
    checksum = struct.pack("<Q", xxh3(header + stored, pack.id))
    with open(pack.path, "wb") as file:
        file.write(pack.data[:at] + header + checksum + stored + pack.data[at + frame.size:])


def reframe(home, kind):
    pack, at, frame = find_frame(home, int(kind))
    replace_frame(pack, at, frame, frame.kind, b"something else")


def lose(home, kind):
    pack, at, frame = find_frame(home, int(kind))
    replace_frame(pack, at, frame, MARK, b"")


def edit(path, old, new):
    with open(path, "r+b") as file:
        data = file.read()
        if old.encode() not in data:
            sys.exit(f"tamper.py: {path} holds no {old}")
        file.seek(0)
        file.truncate()
        file.write(data.replace(old.encode(), new.encode(), 1))


if __name__ == "__main__":
    {"flip": flip, "reframe": reframe, "lose": lose, "edit": edit}[sys.argv[1]](*sys.argv[2:])
