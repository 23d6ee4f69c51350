"""A whole ledger: its repository, its records, their projection, its Merkle log and checkpoint (manifests/FORMAT.md, parts 1, 7, 8)."""

import os
import re

from . import merkle
from .documents import Datasets, Manifest, read_statement
from .keys import Signature
from .notes import Checkpoint
from .projection import Tree, commit_text, path_of
from .records import Record, queue_signature
from .report import Broken, Unknown, want
from .repository import Repository

REF = "refs/heads/main"
SIGNERS = "allowed_signers"
BATCH_MAX = 1024


class Commit:
    """A commit object, taken apart."""

    def __init__(self, oid, data):
        self.oid, self.data = oid, data
        text = data.decode(errors="surrogateescape")
        header, _, self.message = text.partition("\n\n")
        found = re.fullmatch(r"tree ([0-9a-f]{40})\n(?:parent ([0-9a-f]{40})\n)?(author [^\n]*\ncommitter [^\n]*)\ngpgsig ([^\n]*(?:\n [^\n]*)*)",
                             header)
        want(found, f"commit {oid}: G8: not of the form that a batch has")
        self.tree, self.parent, self.armour = found[1], found[2], found[4].replace("\n ", "\n")
        self.signature = Signature.from_armour(self.armour)
        self.first, self.last = self._read_subject()

    def _read_subject(self):
        subject = re.match(r"([0-9]{1,9})(?:-([0-9]{1,9}) \(|\ )", self.message)
        want(subject, f"commit {self.oid}: G9: no numbers in its subject")
        first = int(subject[1])
        return first, int(subject[2] or first)


class Ledger:
    """Reads and verifies all; what can be used is left in records, identity and versions."""

    def __init__(self, git, log, report, queue):
        self.name = os.path.basename(git)
        self.log, self.report, self.queue = log, report, queue
        self.repository = Repository(git)
        self.records, self.armours, self.versions = [], [], []
        self.manifests = {}     # address -> Manifest that counts as a version
        self.by_address = {}
        self.identity = None
        try:
            self._read()
        except Broken as broken:
            self.report.problem(f"{self.name}: {broken}")
        finally:
            self.repository.close()

    def _read(self):
        self._check_repository()
        files = self._files()
        self._read_records(files)
        want(self.identity, "no record that could be read")
        want(self._text(SIGNERS) == self.identity.allowed_signers(), f"G2: {SIGNERS} is not this node's")
        self._check_commits(files)
        self._check_log()
        self._read_statements()

    def _check_repository(self):
        """G1-G3."""
        want(self._text("HEAD") == f"ref: {REF}\n", "G2: HEAD is another branch")
        for name, value in (("gpg.format", "ssh"), ("gpg.ssh.allowedSignersFile", SIGNERS)):
            have = self.repository.output("config", "--local", name).strip()
            want(have == value, f"G2: config: {name}: want {value}, have {have}")
        refs = self.repository.output("for-each-ref", "--format=%(refname)").split()
        want(refs == [REF], f"G3: want no ref but {REF}, have {refs}")
        status, out, err = self.repository.run("fsck", "--full", "--strict", "--no-dangling", "--no-progress")
        if status:
            self.report.problem(f"{self.name}: G1: git fsck: {err or out.decode(errors='replace')}")

    def _text(self, name):
        try:
            with open(os.path.join(self.repository.path, name), encoding="ascii") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise Broken(f"G2: {name}: {error}") from error

    def _files(self):
        """Path to blob, of the newest commit."""
        files = {}
        for line in self.repository.output("ls-tree", "-r", "-z", REF).split("\0")[:-1]:
            head, path = line.split("\t", 1)
            files[path] = head.split()[2]
        return files

    def _read_records(self, files):
        """R1-R9, in order; stops where a record does not continue the ledger."""
        tree = merkle.Tree()
        self.roots, self.leaves = {0: tree.root()}, []
        while path_of(len(self.records)) in files:
            seq = len(self.records)
            try:
                record = Record(self.repository.read(files[path_of(seq)], "blob"))
                record.check_continues(seq, self.records[-1] if self.records else None, self.identity)
                self.identity = record.identity_after(self.identity)
                want(path_of(seq) + ".sig" in files, f"record {seq}: G5: its signature is missing")
                armour = self.repository.read(files[path_of(seq) + ".sig"], "blob").decode()
                signature = queue_signature(self.queue, record, self.identity, armour)
            except (Broken, UnicodeDecodeError) as broken:
                self.report.problem(f"{self.name}: record {seq}: {broken}")
                return
            self.records.append(record)
            self.armours.append(armour)
            self.by_address[record.address] = record
            self.leaves.append(merkle.leaf(record.entry(signature)))
            tree.add(self.leaves[-1])
            self.roots[tree.size] = tree.root()
            self.report.count("records")

    def _check_commits(self, files):
        """G4-G11."""
        lines = self.repository.output("rev-list", "--reverse", "--parents", REF).splitlines()
        commits, parent, seq = [], None, 0
        tree = Tree(self.identity)
        for line in lines:
            oid, *parents = line.split()
            want(parents == ([parent] if parent else []), f"commit {oid}: G8: want the parent {parent}, have {parents}")
            commit = Commit(oid, self.repository.read(oid, "commit"))
            want(commit.first == seq, f"commit {oid}: G9: want a batch that begins at {seq}, have {commit.first}")
            want(commit.first <= commit.last < commit.first + BATCH_MAX, f"commit {oid}: G8: records {commit.first} to {commit.last}")
            want(commit.last < len(self.records), f"commit {oid}: G8: record {commit.last} is not there")
            self._check_commit(commit, tree)
            commits.append(oid)
            parent, seq = oid, commit.last + 1
        want(seq == len(self.records), f"G8: want records up to {seq - 1}, as the commits say, have {len(self.records)}")
        bad = self.repository.verify_commits(commits, self.identity.allowed_signers().encode())
        for oid in bad:
            self.report.problem(f"{self.name}: commit {oid}: G10: git verify-commit refuses it")
        self.report.count("commits", len(commits) - len(bad))

    def _check_commit(self, commit, tree):
        """The whole object must be what its records, its parent and its signature make of it."""
        batch = self.records[commit.first:commit.last + 1]
        for record, armour in zip(batch, self.armours[commit.first:]):
            tree.add(record, armour)
        want(commit.tree == tree.id(), f"commit {commit.oid}: G4-G7: its tree is not the one of its records")
        commit.signature.check_made_by(self.identity.at(commit.last).signing, b"git")
        before, after = commit_text(commit.tree, commit.parent, batch)
        armour = commit.signature.armour().rstrip("\n").replace("\n", "\n ")
        want(commit.data == before + f"gpgsig {armour}\n".encode() + after, f"commit {commit.oid}: G8-G11: not the one of its records")

    def _check_log(self):
        """G14, the hashes as they become final, and part 8, the checkpoint."""
        path = os.path.join(self.log, "hashes")
        if os.path.exists(path):
            with open(path, "rb") as file:
                hashes = file.read()
            stored = b"".join(self._stored_hashes())
            if hashes[:len(stored)] == stored:
                self.report.count("hash files")
            else:
                self.report.problem(f"{self.name}: G14: {path} does not hold the hashes of the records")
        path = os.path.join(self.log, "checkpoint")
        if os.path.exists(path):
            with open(path, "rb") as file:
                self._check_checkpoint(file.read())
        else:
            self.report.note(f"{self.name}: no checkpoint yet")

    def _stored_hashes(self):
        """Each leaf, then the nodes that it completes."""
        peaks = []
        for hashed in self.leaves:
            yield hashed
            height = 0
            while peaks and peaks[-1][0] == height:
                hashed = merkle.node(peaks.pop()[1], hashed)
                height += 1
                yield hashed
            peaks.append((height, hashed))

    def _check_checkpoint(self, data):
        checkpoint = Checkpoint(data, self.identity)
        want(checkpoint.size <= len(self.records),
             f"checkpoint: its owner signed {checkpoint.size} records, here are {len(self.records)}: rolled back")
        want(checkpoint.root == self.roots[checkpoint.size], f"checkpoint: T6: another root than that of the first {checkpoint.size} records")
        self.report.count("checkpoints")

    def _read_statements(self):
        """What breaks a rule of parts 2 and 3 is kept and counts for nothing: its owner signed it."""
        datasets = Datasets()
        for record in self.records[1:]:
            try:
                statement = read_statement(record)
            except Unknown as unknown:
                self.report.note(f"{self.name}: record {record.seq}: {unknown}")
                continue
            except Broken as broken:
                self.report.note(f"{self.name}: record {record.seq} counts for nothing: {broken}")
                continue
            self.report.count(f"statements: {record.type}")
            if isinstance(statement, Manifest):
                if datasets.add(statement):
                    self.manifests[record.address] = statement
                else:
                    self.report.note(f"{self.name}: record {record.seq}: M19: {statement} continues no version")
        self.versions = datasets.versions
