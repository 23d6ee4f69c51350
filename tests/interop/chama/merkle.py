"""RFC 6962 trees over log entries."""

import hashlib

EMPTY = hashlib.sha256(b"").digest()


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Grows by a leaf at a time; knows the root of every size on the way."""

    def __init__(self):
        self.peaks = []     # (height, hash), the highest first
        self.size = 0

    def add(self, hashed):
        height = 0
        while self.peaks and self.peaks[-1][0] == height:
            hashed = node(self.peaks.pop()[1], hashed)
            height += 1
        self.peaks.append((height, hashed))
        self.size += 1

    def root(self):
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1][1]
        for _, left in reversed(self.peaks[:-1]):
            root = node(left, root)
        return root


def inclusion_root(index, size, hashed, proof):
    """RFC 9162, 2.1.3.2: the root to which @proof leads, or None."""
    if index >= size:
        return None
    fn, sn = index, size - 1
    for step in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            hashed = node(step, hashed)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hashed = node(hashed, step)
        fn, sn = fn >> 1, sn >> 1
    return hashed if sn == 0 else None
