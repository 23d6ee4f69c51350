"""Listings (manifests/FORMAT.md, part 4, L1-L24): pages, and the walk over them."""

from dataclasses import dataclass, field

from .canonical import Digest
from .report import Unknown, want

PAGE_MAX = 64 * 1024
PATHS_MAX = 1024 * 1024
NUMBER_MAX = 2**53 - 1
LEVEL_MAX = 15
CHUNKER = 1
CHUNK_MAX = 262144
RUN_MAX = 2**40
REFERENCES_MAX = 1024
LINK_MAX = 4095
BELOW_MAX = {"files": 100_000_000, "items": 1_000_000_000, "bytes": 2**53 - 1}
PART, FILE, EXECUTABLE, LINK, FOLDER = range(5)
EMPTY = Digest.of(b"")


def order(path):
    """L2: as a key, for no path holds NUL."""
    return path.replace(b"/", b"\0")


def check_path(path):
    want(1 <= len(path) <= 1024, f"path: L3: want 1 to 1024 bytes, have {len(path)}")
    want(b"\0" not in path, f"path: L7: NUL in {path!r}")
    for component in path.split(b"/"):
        want(component, f"path: L4: an empty component in {path!r}")
        want(len(component) <= 255, f"path: L5: want components of at most 255 bytes in {path!r}")
        want(component not in (b".", b".."), f"path: L6: {path!r}")


@dataclass(frozen=True)
class Reference:
    """L16: @times neighbouring chunks that are the same."""
    digest: Digest
    size: int
    times: int


@dataclass
class Item:
    kind: int
    path: bytes
    references: list = field(default_factory=list)
    size: int = 0
    digest: Digest = None   # of the whole file: FILE and EXECUTABLE
    target: bytes = None    # LINK


@dataclass
class Totals:
    """The four numbers of L21."""
    items: int = 0
    files: int = 0
    positions: int = 0
    bytes: int = 0

    def add(self, other):
        self.items += other.items
        self.files += other.files
        self.positions += other.positions
        self.bytes += other.bytes

    def add_item(self, item):
        self.add(Totals(1, int(item.kind != PART), len(item.references), sum(r.size * r.times for r in item.references)))


@dataclass
class Child:
    digest: Digest
    path: bytes
    totals: Totals

    @property
    def only_parts(self):
        return self.totals.files == 0


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        want(self.at + size <= len(self.data), "page: L10: it ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self):
        """L9."""
        value = shift = 0
        while True:
            byte, = self.take(1)
            value |= (byte & 0x7f) << shift
            shift += 7
            want(value <= NUMBER_MAX, "page: L9: want at most 2^53-1")
            if byte < 0x80:
                want(byte or shift == 7, "page: L9: not the shortest form")
                return value

    def digest(self):
        return Digest(self.take(32))


class _Paths:
    """L11, L12."""

    def __init__(self):
        self.last, self.total = b"", 0

    def read(self, cursor):
        shared, rest = cursor.number(), cursor.take(cursor.number())
        path = self.last[:shared] + rest
        want(shared <= len(self.last), f"page: L11: want a prefix of {self.last!r}")
        longest = next((i for i, (a, b) in enumerate(zip(self.last, path)) if a != b), min(len(self.last), len(path)))
        want(shared == longest, f"page: L11: want the longest prefix shared, {longest}, have {shared}")
        check_path(path)
        self.total += len(path) + 1
        want(self.total <= PATHS_MAX, f"page: L12: want paths of at most {PATHS_MAX} bytes in all")
        self.last = path
        return path


class Page:
    """One page, by itself: L1, L8-L13, L16, L18, L20-L22."""

    def __init__(self, data):
        want(len(data) <= PAGE_MAX, f"page: L1: want at most {PAGE_MAX} bytes, have {len(data)}")
        cursor = _Cursor(data)
        magic, self.level, chunker = cursor.take(4), *cursor.take(2)
        want(magic[:3] == b"chl", "page: L8: want chl1")
        if magic != b"chl1":
            raise Unknown(f"page: L8: unsupported version {magic!r}")
        if chunker != CHUNKER:
            raise Unknown(f"page: L8: unsupported chunker {chunker}")
        want(self.level <= LEVEL_MAX, f"page: L8: want a level of at most {LEVEL_MAX}")
        paths = _Paths()
        read = self._item if self.level == 0 else self._child
        self.entries = []
        for _ in range(cursor.number()):
            self.entries.append(read(cursor, paths))
        want(cursor.at == len(data), "page: L10: something after the last entry")

    def _item(self, cursor, paths):
        kind, = cursor.take(1)
        want(kind <= FOLDER, f"page: L13: no kind {kind}")
        item = Item(kind, paths.read(cursor))
        if kind == LINK:
            size = cursor.number()
            want(1 <= size <= LINK_MAX, f"{item.path!r}: L20: want a target of 1 to {LINK_MAX} bytes, have {size}")
            item.target = cursor.take(size)
            want(b"\0" not in item.target, f"{item.path!r}: L20: NUL in the target")
        elif kind in (FILE, EXECUTABLE):
            item.size = cursor.number()
            item.references = self._references(cursor, item)
            item.digest = self._file_digest(cursor, item)
        elif kind == PART:
            item.references = self._references(cursor, item)
            want(item.references, f"{item.path!r}: L18: a PART without references")
        return item

    @staticmethod
    def _references(cursor, item):
        count = cursor.number()
        want(count <= REFERENCES_MAX, f"{item.path!r}: L18: want at most {REFERENCES_MAX} references, have {count}")
        references = []
        for _ in range(count):
            word, digest = cursor.number(), cursor.digest()
            times = cursor.number() + 2 if word & 1 else 1
            want(1 <= word >> 1 <= CHUNK_MAX and times <= RUN_MAX, f"{item.path!r}: L16: a chunk of {word >> 1} bytes, {times} times")
            want(not references or references[-1].digest != digest, f"{item.path!r}: L17: equal neighbours")
            references.append(Reference(digest, word >> 1, times))
        return references

    @staticmethod
    def _file_digest(cursor, item):
        """L19: written unless it follows."""
        want(item.references or item.size == 0, f"{item.path!r}: L18: a FILE of {item.size} bytes without references")
        if item.size == 0:
            return EMPTY
        first = item.references[0]
        if len(item.references) == 1 and first.times == 1 and first.size == item.size:
            return first.digest
        return cursor.digest()

    @staticmethod
    def _child(cursor, paths):
        child = Child(cursor.digest(), paths.read(cursor), Totals(*(cursor.number() for _ in range(4))))
        totals = child.totals
        want(totals.items >= 1 and totals.files <= totals.items, f"{child.path!r}: L21: {totals}")
        want(totals.items - totals.files <= totals.positions <= totals.bytes, f"{child.path!r}: L21: {totals}")
        want(totals.positions or not totals.bytes, f"{child.path!r}: L21: {totals}")
        return child


class Walk:
    """All items of a listing in order, every rule between pages checked (L14, L15, L17, L19, L22-L24).

    @read gives the bytes of a page by its digest."""

    def __init__(self, read, root):
        self.read, self.root = read, root
        self.before = None      # the item before
        self.parts = []         # references of the file that has begun
        self.pages = 0
        self.totals = Totals()
        self.root_level = 0

    def items(self):
        page = self._page(self.root)
        self.root_level = page.level
        want(page.level == 0 or len(page.entries) >= 2, "listing: L23: a root above leaves with one child")
        yield from self._below(page, True)
        want(not self.parts, "listing: L14: it ends within a file")

    def _page(self, digest):
        data = self.read(digest)
        want(Digest.of(data) == digest, f"listing: page {digest}: its bytes have another digest")
        self.pages += 1
        return Page(data)

    def _below(self, page, last):
        """The items below @page; @last: it is the last of its level."""
        totals = Totals()
        if page.level == 0:
            for item in page.entries:
                self._check(item)
                totals.add_item(item)
                yield item
        else:
            self._check_children(page)
            for index, child in enumerate(page.entries):
                yield from self._child(page, child, last and index == len(page.entries) - 1)
                totals.add(child.totals)
        for name, limit in BELOW_MAX.items():
            want(getattr(totals, name) <= limit, f"listing: L22: want at most {limit} {name}")
        self.totals = totals    # of what was walked last: at the end, the root

    def _child(self, parent, child, last):
        page = self._page(child.digest)
        want(page.level == parent.level - 1, f"listing: L24: want level {parent.level - 1} below {child.path!r}, have {page.level}")
        want(page.entries, f"listing: L23: an empty page below {child.path!r}")
        want(page.entries[0].path == child.path, f"listing: L24: want {child.path!r} as first path, have {page.entries[0].path!r}")
        want(page.level == 0 or len(page.entries) >= 2 or last, f"listing: L23: a page with one child that is not the last, {child.path!r}")
        yield from self._below(page, last)
        want(self.totals == child.totals, f"listing: L24: below {child.path!r}: want {child.totals}, have {self.totals}")

    @staticmethod
    def _check_children(page):
        for child, after in zip(page.entries, page.entries[1:]):
            if child.only_parts:
                want(after.path == child.path, f"listing: L23: {child.path!r} has no end")
            else:
                want(order(child.path) < order(after.path), f"listing: L23: {after.path!r} does not come after {child.path!r}")

    def _check(self, item):
        before = self.before
        if self.parts:
            want(item.path == before.path and item.kind in (PART, FILE, EXECUTABLE), f"listing: L14: {before.path!r} has no end")
            want(item.references, f"listing: L18: {item.path!r} ends without a reference")
            want(self.parts[-1].digest != item.references[0].digest, f"listing: L17: equal neighbours in {item.path!r}")
        elif before:
            want(order(before.path) < order(item.path), f"listing: L14: {item.path!r} does not come after {before.path!r}")
            want(not item.path.startswith(before.path + b"/"), f"listing: L15: {item.path!r} lies below {before.path!r}")
        self.before = item
        self.parts = self.parts + item.references if item.kind == PART else self._finish(item)

    def _finish(self, item):
        if item.kind in (FILE, EXECUTABLE):
            size = sum(r.size * r.times for r in self.parts) + sum(r.size * r.times for r in item.references)
            want(size == item.size, f"listing: L19: {item.path!r}: want {item.size} bytes, have {size}")
        return []
