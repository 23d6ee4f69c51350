"""A sparse ledger that is held: what anyone may see, each record with its proof (sync/PROTOCOL.md, W8-W12, Z1-Z8)."""

import re

from . import merkle
from .canonical import base64_decode
from .documents import Datasets, Manifest, read_statement
from .keys import BLOB_MAX, Signature
from .notes import NOTE_MAX, Checkpoint
from .records import Record
from .report import Broken, want

SIZE_MAX, ENTRIES_MAX, PROOF_MAX = 64 * 1024 * 1024, 10_000, 64


class _Stream:
    """Lines of words, log entries and notes, one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def line(self):
        end = self.data.find(b"\n", self.at)
        want(end >= 0, "sparse: W12: the stream was cut off")
        line, self.at = self.data[self.at:end], end + 1
        return line

    def words(self):
        """W8: the name of a line and its numbers."""
        line = self.line().decode("ascii", "replace")
        found = re.fullmatch("(entry|checkpoint|end)((?: (?:0|[1-9][0-9]{0,15}))*)", line)
        want(found, f"sparse: W8: {line[:80]!r} is no line of a stream")
        return found[1], [int(number) for number in found[2].split()]

    def base64(self, limit):
        return base64_decode(self.line().decode("ascii", "replace"), limit)

    def proof(self, count):
        want(count <= PROOF_MAX, f"sparse: W10, W11: want at most {PROOF_MAX} hashes")
        hashes = [self.base64(32) for _ in range(count)]
        want(all(len(hashed) == 32 for hashed in hashes), "sparse: W8: want hashes of 32 bytes")
        return hashes

    def take(self, size):
        want(self.at + size <= len(self.data), "sparse: W12: the stream was cut off")
        self.at += size
        return self.data[self.at - size:self.at]


class SparseLedger:
    def __init__(self, node, data, report, queue):
        self.name = f"sparse/{node}"
        self.node, self.report, self.queue = node, report, queue
        self.identity, self.checkpoint = None, None
        self.entries = []       # record, leaf, proof
        self.manifests, self.by_address = {}, {}
        try:
            want(len(data) <= SIZE_MAX, f"sparse: Z1: want at most {SIZE_MAX} bytes")
            self._read(_Stream(data))
            self._check_proofs()
            self._read_statements()
        except Broken as broken:
            self.report.problem(f"{self.name}: {broken}")

    def _read(self, stream):
        word, numbers = stream.words()
        while word == "entry":
            want(len(numbers) == 2 and len(self.entries) < ENTRIES_MAX, "sparse: W10, Z1: no entry line, or too many")
            self._read_entry(stream, *numbers)
            word, numbers = stream.words()
        want(word == "checkpoint" and len(numbers) == 3 and self.identity, "sparse: Z2: want an inception first and one checkpoint last")
        stream.proof(numbers[1])    # from the size before, whose root is not kept
        want(1 <= numbers[2] <= NOTE_MAX, "sparse: W11: a note of a wrong size")
        self.checkpoint = Checkpoint(stream.take(numbers[2]), self.identity)
        want(stream.words() == ("end", []) and stream.at == len(stream.data), "sparse: W12: want an end, and nothing after it")

    def _read_entry(self, stream, index, count):
        record = Record(stream.line())
        signature = Signature(stream.base64(BLOB_MAX))
        want(self.identity or (record.identity and record.node == self.node), f"sparse: Z3: want the inception of {self.node}")
        self.identity = record.identity_after(self.identity)
        want(record.node == self.node and record.seq == index, f"sparse: Z4: want record {index} of {self.node}")
        want(not self.entries or index > self.entries[-1][0].seq, "sparse: Z4: not in ascending order")
        signature.check_made_by(self.identity.signing, b"chama-record")
        self.queue.add(f"{self.name}: record {index}", self.identity.signing, b"chama-record", record.data, signature)
        if record.type == "rotation/1":
            self.identity.queue_endorsement(self.queue, record)
        self.entries.append((record, merkle.leaf(record.entry(signature)), stream.proof(count)))

    def _check_proofs(self):
        for record, leaf, proof in self.entries:
            root = merkle.inclusion_root(record.seq, self.checkpoint.size, leaf, proof)
            want(root == self.checkpoint.root, f"sparse: Z4: the proof of record {record.seq} does not lead to the checkpoint's root")
            self.by_address[record.address] = record
        self.report.count("inclusion proofs", len(self.entries))
        self.report.count("sparse ledgers")

    def _read_statements(self):
        datasets = Datasets(sparse=True)
        for record, _, _ in self.entries[1:]:
            try:
                statement = read_statement(record)
            except Broken as broken:
                self.report.note(f"{self.name}: record {record.seq} counts for nothing: {broken}")
                continue
            if isinstance(statement, Manifest) and datasets.add(statement):
                self.manifests[record.address] = statement
