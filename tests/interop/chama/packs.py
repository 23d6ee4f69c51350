"""Packs (manifests/FORMAT.md, part 6): every frame, found by reading the files from one end to the other, without the index."""

import os
import re
import struct
from dataclasses import dataclass

from .canonical import Digest
from .libraries import decompress, xxh3
from .patches import Patch
from .report import Broken, Unknown, want

HEADER, FRAME_HEADER, FRAME_HEADER_MAX = 64, 56, 4096
OBJECT_MAX = 1024 * 1024
PACK_MAX = 1 << 30
CHUNK, PAGE, DOCUMENT, MARK = 1, 2, 3, 4
KINDS = {CHUNK: "chunks", PAGE: "pages", DOCUMENT: "documents", MARK: "marks"}
STORED, ZSTD, PATCH = 0, 1, 2
OPEN = Digest(32)
BASES_KEPT = 64


@dataclass
class Frame:
    kind: int
    codec: int
    header: int
    stored: int
    plain: int
    digest: Digest
    checksum: int

    @property
    def size(self):
        return self.header + self.stored

    @classmethod
    def parse(cls, data, at):
        """P5, P6, P10, P11."""
        want(at + FRAME_HEADER <= len(data) and data[at:at + 4] == b"chf1", "P5: no frame")
        kind, codec, header, stored, plain = struct.unpack_from("<BBHII", data, at + 4)
        want(FRAME_HEADER <= header <= FRAME_HEADER_MAX, f"P6: a header of {header} bytes")
        want(stored <= OBJECT_MAX and plain <= OBJECT_MAX, f"P10, P11: {stored} stored and {plain} plain bytes")
        want(at + header + stored <= len(data), "P5: the frame is longer than the pack")
        checksum, = struct.unpack_from("<Q", data, at + 48)
        return cls(kind, codec, header, stored, plain, Digest(data[at + 16:at + 48]), checksum)

    def check(self):
        """P6, P8, P9, P12."""
        if self.header != FRAME_HEADER:
            raise Unknown(f"P6: unsupported header of {self.header} bytes")
        if self.kind not in KINDS:
            raise Unknown(f"P8: unsupported kind {self.kind}")
        if self.kind == MARK:
            want((self.codec, self.stored, self.plain) == (STORED, 0, 0), "P9: a mark with bytes")
        elif self.codec == STORED:
            want(self.stored == self.plain, f"P12: {self.stored} bytes stored for {self.plain}")
        elif self.codec in (ZSTD, PATCH):
            want(self.stored < self.plain, f"P12: {self.stored} bytes compressed for {self.plain}")
        else:
            raise Unknown(f"P12: unsupported codec {self.codec}")

    def checksum_holds(self, data, at, pack_id):
        """P7."""
        covered = data[at:at + 48] + data[at + FRAME_HEADER:at + self.size]
        return xxh3(covered, pack_id) == self.checksum

    def open(self, stored, find_base):
        """P13, P14; @find_base gives the plain bytes of the bases of a patch (P27)."""
        if self.codec == PATCH:
            plain = Patch.parse(stored, self.digest).open(self.plain, find_base)
        else:
            plain = decompress(stored, self.plain) if self.codec == ZSTD else stored
        want(Digest.of(plain) == self.digest, f"P14: want {self.digest}, have {Digest.of(plain)}")
        return plain


@dataclass
class Place:
    path: str
    offset: int    # of the stored bytes
    frame: Frame
    reach: int     # P26


class Pack:
    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        with open(path, "rb") as file:
            self.data = file.read()
        self.id, self.scope = self._read_header()

    def _read_header(self):
        """P1-P3."""
        data = self.data
        want(len(data) >= HEADER and data[:11] == b"chama-pack/", "P2: no chama-pack/1")
        want(struct.unpack_from("<Q", data, 56)[0] == xxh3(data[:56]), "P2: the checksum of the header does not hold")
        if data[:16] != b"chama-pack/1\n\0\0\0":
            raise Unknown(f"P2: unsupported version {data[:16]!r}")
        pack_id, = struct.unpack_from("<Q", data, 16)
        want(pack_id, "P2: its id is 0")
        want(self.name == f"{pack_id:016x}.pack", f"P1, P3: the header names pack {pack_id:016x}")
        want(len(data) <= PACK_MAX, f"P4: want at most 1 GiB, have {len(data)} bytes")
        return pack_id, Digest(data[24:56])

    def frames(self, report):
        """Offset and frame of each whose checksum holds; what lies between is damage (P18)."""
        at = damage = HEADER
        while at < len(self.data):
            frame = self._frame(at)
            if frame:
                self._tell_damage(report, damage, at)
                yield at, frame
                at = damage = at + frame.size
            else:
                at = self.data.find(b"chf1", at + 1)
                at = len(self.data) if at < 0 else at
        self._tell_damage(report, damage, len(self.data))

    def _frame(self, at):
        try:
            frame = Frame.parse(self.data, at)
        except Broken:
            return None
        return frame if frame.checksum_holds(self.data, at, self.id) else None

    def _tell_damage(self, report, begin, end):
        """At the end it may be what a writer left that died; if it was more, a version will lack something."""
        if begin < end:
            tell = report.note if end == len(self.data) else report.problem
            tell(f"pack {self.name}: offset {begin}: P18: {end - begin} bytes that are no frame")


class Store:
    """Where each object lies and for which scopes it is held.  Every frame is opened once, here."""

    def __init__(self, folder, report):
        self.places = {}    # digest -> Place
        self.scopes = {}    # digest -> scopes
        self.bases = {}     # digest -> plain bytes, of those opened last
        self.patches = []   # of all packs, for their bases may come behind them: (pack's name, offset, Place)
        packs = os.path.join(folder, "packs")
        names = sorted(os.listdir(packs)) if os.path.isdir(packs) else []
        for name in names:
            if re.fullmatch(r"[0-9a-f]{16}\.pack", name):
                self._read_pack(os.path.join(packs, name), report)
            else:
                report.problem(f"store/packs/{name}: P1: no name of a pack")
        self._open_patches(report)
        for digest in self.scopes:
            if digest not in self.places:
                report.note(f"store: P9: a mark for {digest}, which is not here")

    def _read_pack(self, path, report):
        pack = report.check(Pack, path, subject=f"pack {os.path.basename(path)}")
        if not pack:
            return
        report.count("packs")
        for at, frame in pack.frames(report):
            try:
                self._take_frame(pack, at, frame)
            except Unknown as unknown:
                report.note(f"pack {pack.name}: offset {at}: {unknown}")
                continue
            except Broken as broken:
                report.problem(f"pack {pack.name}: offset {at}: {broken}")
                continue
            report.count(f"frames: {KINDS[frame.kind]}")
            report.count("frame bytes", frame.size)

    def _take_frame(self, pack, at, frame):
        """P14, but of patches, which can be opened only when all packs are known."""
        frame.check()
        stored = pack.data[at + frame.header:at + frame.size]
        place = Place(pack.path, at + frame.header, frame, 0)
        if frame.codec == PATCH:
            place.reach = Patch.parse(stored, frame.digest).reach
            self.patches.append((pack.name, at, place))
        elif frame.kind != MARK:
            frame.open(stored, None)
        self.scopes.setdefault(frame.digest, set()).add(pack.scope)
        # P22: the copy of least reach counts
        if frame.kind != MARK and (frame.digest not in self.places or place.reach < self.places[frame.digest].reach):
            self.places[frame.digest] = place

    def _open_patches(self, report):
        for name, at, place in self.patches:
            if self.places[place.frame.digest] is place:
                report.check(self._open, place, set(), subject=f"pack {name}: offset {at}")
                report.count("patches")

    def _open(self, place, above):
        """The plain bytes; @above are the digests of what this is opened for, which must not need itself (P26)."""
        with open(place.path, "rb") as file:
            file.seek(place.offset)
            return place.frame.open(file.read(place.frame.stored), lambda base: self._base(base, above | {place.frame.digest}))

    def _base(self, digest, above):
        want(digest in self.places, f"P27: its base {digest}: not in any pack")
        want(digest not in above, f"P26: its base {digest} needs it")
        if digest not in self.bases:
            plain = self._open(self.places[digest], above)
            while len(self.bases) >= BASES_KEPT:
                del self.bases[next(iter(self.bases))]
            self.bases[digest] = plain
        return self.bases[digest]

    def __contains__(self, digest):
        return digest in self.places

    def held_for(self, digest, owner):
        return not self.scopes.get(digest, set()).isdisjoint((OPEN, owner))

    def get(self, digest, owner):
        """The plain bytes of an object that must be held for a version of @owner."""
        want(digest in self.places, f"{digest}: not in any pack")
        want(self.held_for(digest, owner), f"{digest}: P15: here, but not held for a version of this owner")
        return self._open(self.places[digest], set())
