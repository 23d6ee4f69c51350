"""The home of a node: its ledgers, its store, the versions whose content it holds, the sealed statements that it can open."""

import hashlib
import os
import shutil
import sqlite3
import tempfile

from . import building, cutting, listing
from .canonical import Digest
from .documents import Content, Details, Opening, rounded
from .keys import SignatureQueue, node_digest
from .ledger import Ledger
from .members import NODE_ID
from .packs import Store
from .report import Broken, want
from .sparse import SparseLedger

NONE = bytes(32)
PUBLISHED = 2    # state.sqlite, held.complete: by this node; written before the record


class Cutter:
    """Cuts again what the chunker of the node has cut, as far as a budget of bytes goes: plain Python is slow at it."""

    FILE_MAX = 2 * 1024 * 1024

    def __init__(self, budget):
        self.left = budget

    def wants(self, size):
        if not 0 < size <= min(self.FILE_MAX, self.left):
            return False
        self.left -= size
        return True


class Version:
    """The content of one version that is held: documents, listing, chunks, files."""

    def __init__(self, home, manifest, report):
        self.home, self.manifest, self.report = home, manifest, report
        self.owner = node_digest(manifest.record.node)
        self.counts = dict.fromkeys(Details.COUNTS, 0)

    def _object(self, digest):
        return self.home.store.get(digest, self.owner)

    def check(self, held):
        root, details = self.manifest.listing, self.manifest.details
        if self.manifest.content:
            content = Content(self._object(self.manifest.content))
            root, details = content.listing, content.details
            self.report.count("content documents")
        want((held["listing"], held["details"], held["content"]) == (root, details, self.manifest.content or NONE),
             "state.sqlite says that other roots are held")
        self._check_listing(root)
        self._check_details(Details(self._object(details)).counts)
        self.report.count("versions")

    def _check_details(self, counts):
        want(counts == self.counts, f"details: M17: want {self.counts}, as the listing says, have {counts}")
        files, size = counts["files"] + counts["links"], counts["bytes"]
        if self.manifest.content:
            files, size = rounded(files), rounded(size)
        want((self.manifest.files, self.manifest.bytes) == (files, size), f"manifest: M9: want {files} files and {size} bytes")
        self.report.count("details")

    def _check_listing(self, root):
        walk = listing.Walk(self._object, root)
        items, parts = [], []
        for item in walk.items():
            items.append(item)
            parts.append(item)
            self._count(item)
            if item.kind != listing.PART:
                self._check_file(parts)
                parts = []
        self.report.count("pages", walk.pages)
        self.report.count("items", len(items))
        if not building.parts_end_well(items) or building.rebuilt_root(items) != root:
            self.report.note(f"{self.manifest}: L25, L26: items or pages end elsewhere than this program's would")
        else:
            self.report.count("listings that end their pages as L25 and L26 say")

    def _count(self, item):
        self.counts["chunks"] += len(item.references)
        self.counts["bytes"] += sum(r.size * r.times for r in item.references)
        self.counts["files"] += item.kind in (listing.FILE, listing.EXECUTABLE)
        self.counts["links"] += item.kind == listing.LINK
        self.counts["folders"] += item.kind == listing.FOLDER

    def _check_file(self, items):
        """All references of one file: its chunks, its digest, where it is cut."""
        last = items[-1]
        if last.kind in (listing.LINK, listing.FOLDER):
            return
        name = f"{last.path.decode(errors='backslashreplace')!r}"
        cut_again = self.home.cutter.wants(last.size)
        whole, data = hashlib.sha256(), bytearray()
        for reference in (reference for item in items for reference in item.references):
            try:
                chunk = self._object(reference.digest)
                want(len(chunk) == reference.size, f"L16: chunk {reference.digest}: want {reference.size} bytes, have {len(chunk)}")
            except Broken as broken:
                self.report.problem(f"{self.manifest}: {name}: {broken}")
                return
            self.report.count("chunks", reference.times)
            for _ in range(reference.times):
                whole.update(chunk)
                if cut_again:
                    data += chunk
        if whole.digest() != last.digest:
            self.report.problem(f"{self.manifest}: {name}: L19: another SHA-256 than the listing says")
            return
        self.report.count("files")
        if cut_again:
            self._check_cuts(name, bytes(data), [r.size for item in items for r in item.references for _ in range(r.times)])

    def _check_cuts(self, name, data, sizes):
        again = [len(chunk) for chunk in cutting.chunks(data)]
        if again == sizes:
            self.report.count("files cut again")
        else:
            self.report.note(f"{self.manifest}: {name}: fastcdc/1 would cut it into {again}, not {sizes}")


class Home:
    def __init__(self, path, report, cut_bytes):
        self.path, self.report = path, report
        self.cutter = Cutter(cut_bytes)
        want(os.path.isdir(self._file("ledger.git")), f"{path}: no home of a node")
        queue = SignatureQueue(report)
        self.own = Ledger(self._file("ledger.git"), self._file("log", "own"), report, queue)
        self.ledgers = [self.own, *self._peers(queue), *self._sparse(queue)]
        queue.run()
        self.store = Store(self._file("store"), report)
        self._check_held()
        self._check_sealed()

    def _file(self, *names):
        return os.path.join(self.path, *names)

    def _peers(self, queue):
        folder = self._file("ledgers")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            node = name.removesuffix(".git")
            if not NODE_ID.fullmatch(node):
                self.report.note(f"ledgers/{name}: repudiated, or being looked at: counts for nothing")
                continue
            ledger = Ledger(os.path.join(folder, name), self._file("log", node), self.report, queue)
            if ledger.identity and ledger.identity.id != node:
                self.report.problem(f"ledgers/{name}: it is the ledger of {ledger.identity.id}")
            yield ledger

    def _sparse(self, queue):
        folder = self._file("sparse")
        for node in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = os.path.join(folder, node, "stream")
            if os.path.exists(path):
                with open(path, "rb") as file:
                    yield SparseLedger(node, file.read(), self.report, queue)

    def _held(self):
        """Which versions state.sqlite says are held, read from a copy, for SQLite may write where it reads."""
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                if os.path.exists(self._file("state.sqlite" + suffix)):
                    shutil.copy(self._file("state.sqlite" + suffix), os.path.join(folder, "state.sqlite" + suffix))
            try:
                database = sqlite3.connect(os.path.join(folder, "state.sqlite"))
                rows = database.execute("SELECT manifest, listing, details, content, complete FROM held").fetchall()
                database.close()
            except sqlite3.Error as error:
                self.report.problem(f"state.sqlite: {error}")
                return []
        return [dict(zip(("manifest", "listing", "details", "content", "complete"), row)) for row in rows]

    def _check_held(self):
        """I1: what is held whole is whole."""
        for held in self._held():
            address = Digest(held["manifest"])
            manifest = next((ledger.manifests[address] for ledger in self.ledgers if address in ledger.manifests), None)
            if not held["complete"]:
                self.report.note(f"{manifest or address}: still under way")
            elif not manifest and held["complete"] == PUBLISHED:
                self.report.note(f"{address}: a publish that died before its record")
            elif not manifest:
                self.report.problem(f"state.sqlite: {address} is held, but no ledger has this version")
            else:
                self.report.check(Version(self, manifest, self.report).check, held, subject=manifest)

    def _check_sealed(self):
        folder = self._file("sealed")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            self.report.check(self._check_opening, name, subject=f"sealed/{name}")

    def _check_opening(self, name):
        with open(self._file("sealed", name), "rb") as file:
            opening = Opening(file.read())
        want(name == opening.record.hex() + ".json", f"S10: the opening of {opening.record}")
        record = next((ledger.by_address[opening.record] for ledger in self.ledgers if opening.record in ledger.by_address), None)
        want(record, f"S10: {opening.record} stands in no ledger")
        opening.check(record)
        self.report.count("openings")
