#!/usr/bin/env python3
"""Checks evidence/1 from manifests/FORMAT.md, part 13, alone: evidence.py FILE ...; exit 1 if one does not hold.  Signatures by ssh-keygen and openssl."""

import sys

from chama import merkle
from chama.canonical import Digest, base64_decode, parse_object
from chama.keys import SignatureQueue, Signature
from chama.notes import Checkpoint
from chama.records import Record
from chama.report import Broken, Report, want

SIZE_MAX = 512 * 1024
LISTS = {"checkpoints": 2, "hashes": 64, "keys": 129, "records": 1024}


def split_entry(text):
    """R2."""
    lines = text.encode().split(b"\n")
    want(len(lines) == 3 and lines[2] == b"", "evidence: R2: want a record and its signature, a line each")
    return Record(lines[0]), Signature(base64_decode(lines[1].decode(), 1024))


def consistent(size1, root1, size2, root2, proof):
    """RFC 9162, 2.1.4.2, as a recursion over the tree and not as the loop there: both roots from the hashes of @proof."""
    proof = list(proof)

    def fold(size1, size2, whole):
        """The roots of the first @size1 and of all @size2 leaves, from the end of the proof on."""
        if size1 == size2:
            hashed = root1 if whole else proof.pop(0)
            return hashed, hashed
        split = 1 << (size2 - 1).bit_length() - 1
        if size1 <= split:
            old, left = fold(size1, split, whole)
            return old, merkle.node(left, proof.pop(0))
        old, right = fold(size1 - split, size2 - split, False)
        left = proof.pop(0)
        return merkle.node(left, old), merkle.node(left, right)

    try:
        return fold(size1, size2, True) == (root1, root2) and not proof
    except IndexError:
        return False


class Evidence:
    def __init__(self, data):
        want(len(data) <= SIZE_MAX, "evidence: EV1: too large")
        self.object = parse_object(data, SIZE_MAX)
        want(set(self.object) <= {*LISTS, "kind", "node", "root", "type"} and self.object.get("type") == "evidence/1", "evidence: EV1: members")
        for name, most in LISTS.items():
            items = self.object.get(name)
            want(items is None or (isinstance(items, list) and 0 < len(items) <= most and all(isinstance(item, str) for item in items)), f"evidence: EV1: {name}")
        self.node, self.kind = self.object.get("node"), self.object.get("kind")
        want(self.kind in ("fork", "rollback"), "evidence: EV2: kind")
        self.report = Report()
        self.queue = SignatureQueue(self.report)
        self.identity = None
        for text in self.object.get("keys", []):
            self._read_key(*split_entry(text))
        want(self.identity, "evidence: EV3: no inception")
        self.records = [self._read_record(*split_entry(text)) for text in self.object.get("records", [])]
        self.checkpoints = [self._read_checkpoint(note.encode()) for note in self.object.get("checkpoints", [])]
        self.hashes = [base64_decode(text, 32) for text in self.object.get("hashes", [])]
        want(all(len(hashed) == 32 for hashed in self.hashes), "evidence: EV1: hashes")
        self.root = bytes(Digest.parse(self.object["root"])) if "root" in self.object else None

    def _read_key(self, record, signature):
        if self.identity:
            want(record.type == "rotation/1" and record.node == self.node and record.seq > self.identity.since, "evidence: EV3: order")
        else:
            want(record.identity and record.node == self.node, "evidence: EV3: the inception")
        self.identity = record.identity_after(self.identity)
        self._queue(record, self.identity, signature)

    def _queue(self, record, identity, signature):
        signature.check_made_by(identity.signing, b"chama-record")
        self.queue.add(f"record {record.seq}", identity.signing, b"chama-record", record.data, signature)
        if record.type == "rotation/1":
            identity.queue_endorsement(self.queue, record)

    def _read_record(self, record, signature):
        want(record.node == self.node, "evidence: EV4: node")
        before = self.identity.at(record.seq - 1) if record.seq else None
        self._queue(record, record.identity_after(before), signature)
        return record, record.entry(signature)

    def _read_checkpoint(self, note):
        want(note.decode().rpartition("\n\n")[2].count("\n") == 1, "evidence: EV5: one signature line")
        return Checkpoint(note, self.identity)

    def judge(self):
        bare = not self.hashes and self.root is None
        found = None
        if self.kind == "rollback":
            want(not self.records and len(self.checkpoints) == 2 and bare, "evidence: EV2: no form")
            before, after = self.checkpoints
            want(before.time and after.time and after.time > before.time and after.size < before.size, "evidence: EV10: these can all be true")
            found = "EV10"
        elif self.records and self.checkpoints:
            found = self._judge_checkpoint()
        elif self.records:
            found = self._judge_records(bare)
        else:
            found = self._judge_checkpoints(bare)
        end = max(checkpoint.size for checkpoint in self.checkpoints) if self.checkpoints else self.records[0][0].seq
        want(self.identity.since == 0 or self.identity.since < end, "evidence: EV3: a rotation after what is shown")
        self.queue.run()
        want(not self.report.problems, f"evidence: {self.report.problems}")
        return found

    def _judge_records(self, bare):
        want(len(self.records) == 2 and bare, "evidence: EV2: no form")
        (first, _), (second, _) = self.records
        want(first.address != second.address, "evidence: EV6: these can all be true")
        want((first.seq, first.address) < (second.seq, second.address), "evidence: EV6: order")
        want(first.seq == second.seq or (second.seq == first.seq + 1 and second.prev != first.address), "evidence: EV6: these can all be true")
        return "EV6"

    def _judge_checkpoints(self, bare):
        want(len(self.checkpoints) == 2, "evidence: EV2: no form")
        first, second = self.checkpoints
        if first.size == second.size:
            want(bare and first.root < second.root, "evidence: EV7: these can all be true")
            return "EV7"
        want(first.size < second.size and self.root is not None and self.root != first.root, "evidence: EV8: these can all be true")
        want(consistent(first.size, self.root, second.size, second.root, self.hashes), "evidence: EV8: the proof")
        return "EV8"

    def _judge_checkpoint(self):
        want(self.root is None, "evidence: EV2: no form")
        first, last = (self.checkpoints[0] if len(self.checkpoints) == 2 else None), self.checkpoints[-1]
        tree = merkle.Tree()
        tree.size = first.size if first else 0
        want(not first or first.size, "evidence: EV9: a first checkpoint of nothing")
        heights = [bit for bit in range(63, -1, -1) if tree.size >> bit & 1]
        want(len(heights) == len(self.hashes), "evidence: EV9: hashes")
        tree.peaks = list(zip(heights, self.hashes))
        want(not first or tree.root() == first.root, "evidence: EV9: not below the first checkpoint")
        before = None
        for record, entry in self.records:
            want(record.seq == tree.size and (not before or record.prev == before.address), "evidence: EV9: order")
            tree.add(merkle.leaf(entry))
            before = record
        want(tree.size == last.size and tree.root() != last.root, "evidence: EV9: these can all be true")
        return "EV9"


def main():
    bad = 0
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            data = file.read()
        try:
            print(f"{path}: {Evidence(data).judge()}: {Digest.of(data)}")
        except (Broken, ValueError, KeyError) as broken:
            print(f"{path}: {broken}")
            bad = 1
    return bad


sys.exit(main())
