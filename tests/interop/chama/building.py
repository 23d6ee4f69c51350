"""Where whoever writes a listing ends items and pages (manifests/FORMAT.md, part 4, L25, L26): a listing rebuilt from its items."""

import hashlib
import struct
from dataclasses import dataclass

from .canonical import Digest
from .listing import CHUNKER, EXECUTABLE, FILE, LINK, PAGE_MAX, PART, PATHS_MAX, REFERENCES_MAX, Totals

_MASK = 2**64 - 1
_GOLDEN = 0x9e3779b97f4a7c15


def _mix(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & _MASK
    z = (z ^ z >> 27) * 0x94d049bb133111eb & _MASK
    return z ^ z >> 31


def _fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & _MASK
    return value


def _number(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


@dataclass
class _Entry:
    """What goes into a page: @body follows the path, @head precedes it."""
    head: bytes
    path: bytes
    body: bytes
    mark: int
    weight: int
    totals: Totals


def _item_entry(item):
    body = b""
    if item.kind in (FILE, EXECUTABLE):
        body += _number(item.size)
    if item.kind in (PART, FILE, EXECUTABLE):
        body += _number(len(item.references))
    for reference in item.references:
        body += _number(reference.size << 1 | (reference.times > 1)) + reference.digest
        body += _number(reference.times - 2) if reference.times > 1 else b""
    if item.kind in (FILE, EXECUTABLE) and item.size:
        first = item.references[0]
        body += b"" if (len(item.references), first.times, first.size) == (1, 1, item.size) else item.digest
    if item.kind == LINK:
        body += _number(len(item.target)) + item.target
    mark = struct.unpack(">Q", item.references[-1].digest[:8])[0] if item.kind == PART else _fnv1a(item.path)
    totals = Totals()
    totals.add_item(item)
    return _Entry(bytes([item.kind]), item.path, body, mark, 24 + 36 * len(item.references), totals)


class _Level:
    """L26 for one level: entries in, finished pages out, as entries of the level above."""

    def __init__(self, level):
        self.level = level
        self.pages = []
        self._begin()

    def _begin(self):
        self.entries, self.data, self.last, self.paths = [], b"", b"", 0

    def _encode(self, entry):
        shared = next((i for i, (a, b) in enumerate(zip(self.last, entry.path)) if a != b), min(len(self.last), len(entry.path)))
        return entry.head + _number(shared) + _number(len(entry.path) - shared) + entry.path[shared:] + entry.body

    def _size(self, count, data):
        return 6 + len(_number(count)) + len(data)

    def add(self, entry):
        encoded = self._encode(entry)
        full = self._size(len(self.entries) + 1, self.data + encoded) > PAGE_MAX or self.paths + len(entry.path) + 1 > PATHS_MAX
        if full and self.entries:
            self.finish()
            encoded = self._encode(entry)
        self.entries.append(entry)
        self.data += encoded
        self.last = entry.path
        self.paths += len(entry.path) + 1
        if self._size(len(self.entries), self.data) >= 4096:
            if _mix(entry.mark + self.level * _GOLDEN & _MASK) >> 32 < entry.weight * 349525:
                self.finish()

    def finish(self):
        page = b"chl1" + bytes([self.level, CHUNKER]) + _number(len(self.entries)) + self.data
        totals = Totals()
        for entry in self.entries:
            totals.add(entry.totals)
        numbers = b"".join(map(_number, (totals.items, totals.files, totals.positions, totals.bytes)))
        first = self.entries[0].path if self.entries else b""
        mark = self.entries[-1].mark if self.entries else 0
        self.pages.append(_Entry(hashlib.sha256(page).digest(), first, numbers, mark, 64, totals))
        self._begin()


def rebuilt_root(items):
    """The root of a listing of @items with pages that end as L26 says."""
    level = _Level(0)
    for item in items:
        level.add(_item_entry(item))
    if level.entries or not level.pages:
        level.finish()
    while len(level.pages) > 1:
        above = _Level(level.level + 1)
        for entry in level.pages:
            above.add(entry)
        if above.entries:
            above.finish()
        level = above
    return Digest(level.pages[0].head)


def parts_end_well(items):
    """L25: items of one file end where they should."""
    for item, after in zip(items, items[1:] + [None]):
        if item.kind == PART:
            last = item.references[-1].digest[-1] & 0x3f == 0
            early = any(r.digest[-1] & 0x3f == 0 for r in item.references[:-1])
            if early or not (last or len(item.references) == REFERENCES_MAX):
                return False
        elif item.references and any(r.digest[-1] & 0x3f == 0 for r in item.references[:-1]):
            return False
    return True
