#!/usr/bin/env python3
"""words.py HOME WORDS: how many objects in the packs of a node's store hold WORDS, whatever their codec, whether the index names them or not."""

import os
import sys

sys.dont_write_bytecode = True  # where it lies may be another's

from chama.packs import MARK, Pack, Store
from chama.report import Report


def objects(folder):
    """The plain bytes of every frame in every pack, also of copies that do not count."""
    report = Report()
    store = Store(folder, report)
    for name in sorted(os.listdir(os.path.join(folder, "packs"))):
        pack = Pack(os.path.join(folder, "packs", name))
        for at, frame in pack.frames(report):
            if frame.kind != MARK:
                yield frame.open(pack.data[at + frame.header:at + frame.size], lambda base: store._base(base, set()))
    if report.problems:
        sys.exit("\n".join(report.problems))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    words = sys.argv[2].encode()
    print(sum(words in plain for plain in objects(os.path.join(sys.argv[1], "store"))))


if __name__ == "__main__":
    main()
