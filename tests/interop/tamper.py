#!/usr/bin/env python3
"""Damages a copy of a home in ways that its own checksums do not show, for 01-reader.sh.

    tamper.py flip FILE AT          one bit; AT is an offset, or a fraction such as 0.5
    tamper.py reframe HOME KIND     other bytes for the first object of that kind (1 chunk, 2 page, 3 document), the frame's checksum right
    tamper.py patch HOME AT BYTE    another byte in what is stored of the first patch, the frame's checksum right
    tamper.py lose HOME KIND        the first object of that kind becomes a mark: it is held, and is not here
    tamper.py unbase HOME           the same of what the first patch is made against
    tamper.py edit FILE FROM TO     replaces text, once
"""

import glob
import struct
import sys

sys.dont_write_bytecode = True

from chama.libraries import xxh3
from chama.packs import FRAME_HEADER, MARK, PATCH, STORED, Pack
from chama.report import Report


def flip(path, at):
    with open(path, "r+b") as file:
        data = file.read()
        offset = int(float(at) * len(data)) if "." in at else int(at)
        file.seek(offset)
        file.write(bytes([data[offset] ^ 0x10]))


def find_frame(home, wanted):
    for path in sorted(glob.glob(f"{home}/store/packs/*.pack")):
        pack = Pack(path)
        for at, frame in pack.frames(Report()):
            if frame.stored and wanted(frame):
                return pack, at, frame
    sys.exit(f"tamper.py: no such object in {home}")


def replace_frame(pack, at, frame, kind, stored, codec=STORED):
    """Another frame for the same digest, with a checksum that holds; what follows moves."""
    plain = frame.plain if codec == PATCH else len(stored)
    header = struct.pack("<4sBBHII", b"chf1", kind, codec, FRAME_HEADER, len(stored), plain) + frame.digest
    checksum = struct.pack("<Q", xxh3(header + stored, pack.id))
    with open(pack.path, "wb") as file:
        file.write(pack.data[:at] + header + checksum + stored + pack.data[at + frame.size:])


def reframe(home, kind):
    pack, at, frame = find_frame(home, lambda frame: frame.kind == int(kind))
    replace_frame(pack, at, frame, frame.kind, b"something else")


def patch(home, offset, byte):
    pack, at, frame = find_frame(home, lambda frame: frame.codec == PATCH)
    stored = bytearray(pack.data[at + frame.header:at + frame.size])
    stored[int(offset)] = int(byte)
    replace_frame(pack, at, frame, frame.kind, bytes(stored), PATCH)


def lose(home, kind):
    pack, at, frame = find_frame(home, lambda frame: frame.kind == int(kind))
    replace_frame(pack, at, frame, MARK, b"")


def unbase(home):
    pack, at, frame = find_frame(home, lambda frame: frame.codec == PATCH)
    base = pack.data[at + frame.header + 2:at + frame.header + 34]
    pack, at, frame = find_frame(home, lambda frame: frame.digest == base)
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
    {"flip": flip, "reframe": reframe, "patch": patch, "lose": lose, "unbase": unbase, "edit": edit}[sys.argv[1]](*sys.argv[2:])
