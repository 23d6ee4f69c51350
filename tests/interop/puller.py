#!/usr/bin/env python3
"""Pulls a dataset from a live node and verifies it, written from sync/PROTOCOL.md, manifests/FORMAT.md and keys/IDENTITY.md alone; standard library, and
openssl for the TLS pin.

    puller.py HOST:PORT NODE TLS-KEY NAME FOLDER [CERTIFICATE KEY]

NODE, TLS-KEY (hex): what `chama id` says there.  With a certificate and its key an accepted peer calls, who gets the ledger whole: every record's number,
chain and signature, and the Merkle root of all.  Without one anyone calls, who gets the open part: inception, rotations, profile and manifests, each with its proof.
The newest version of the open dataset NAME is written to FOLDER, which must not exist.  Exit 3: something does not hold; 5: the node does not answer."""

import binascii
import hashlib
import http.client
import json
import os
import ssl
import struct
import subprocess
import sys

from chama import merkle
from chama.canonical import Digest
from chama.libraries import decompress
from chama.listing import CHUNK_MAX, EXECUTABLE, FILE, FOLDER, LINK, PAGE_MAX, PART, Page, Walk
from chama.report import Broken
from proof import Entry, Keys, Note, Wrong, check_inclusion, decode, leaf_hash, member_key, want

ANSWER_MAX = 64 * 1024 * 1024
ONE_REQUEST = 256              # pages or ranges
KIND_CHUNK, KIND_PAGE = 1, 2


def pin_of(certificate):
    """The SHA-256 of the key in a certificate (TC4)."""
    key = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=certificate, stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, stdout=subprocess.PIPE, check=True).stdout).hexdigest()


class Connection:
    """TLS 1.3, the node's key pinned (PU1)."""

    def __init__(self, address, pin, own):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if own:
            context.load_cert_chain(*own)
        self.http = http.client.HTTPSConnection(address, context=context, timeout=60)
        self.http.connect()
        want(pin_of(self.http.sock.getpeercert(True)) == pin, "PU1: another TLS key than the one pinned")

    def ask(self, method, path, body=None):
        self.http.request(method, path, body)
        answer = self.http.getresponse()
        data = answer.read(ANSWER_MAX + 1)
        want(len(data) <= ANSWER_MAX, f"{path}: more than {ANSWER_MAX} bytes")
        want(answer.status == 200, f"{path}: status {answer.status}")
        return data


class Stream:
    """W8: lines and log entries."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def line(self):
        end = self.data.find(b"\n", self.at)
        want(end >= 0, "W12: the stream was cut off")
        line, self.at = self.data[self.at:end], end + 1
        return line

    def bytes(self, size):
        want(self.at + size <= len(self.data), "W12: the stream was cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def words(self):
        return self.line().decode().split(" ")

    def entry(self):
        return Entry(self.line() + b"\n" + self.line() + b"\n")

    def hashes(self, count):
        return [decode(self.line().decode(), 32) for _ in range(int(count))]

    def end(self):
        want(self.at == len(self.data), "W12: something after the end")


class LedgerRead:
    """What both forms of a ledger have: keys, records that hold, the checkpoint."""

    def __init__(self, node):
        self.node, self.keys, self.entries = node, Keys(), []

    def take(self, seq, entry):
        """R4, R5, R7, R8: number, node, and the key that counts there."""
        members = entry.members
        want(members["seq"] == seq, f"R5: want record {seq}, have {members['seq']}")
        if members["type"] in ("inception/1", "rotation/1"):
            self.keys.follow(entry)
            want(self.keys.id == self.node, f"Z3: want the ledger of {self.node}, have that of {self.keys.id}")
        else:
            want(members["node"] == self.node, f"R7: a record of {members['node']}")
            entry.check_signed(member_key(self.keys.at(seq), "signing"))
        self.entries.append(entry)

    def check_note(self, note, size):
        want(note.origin == self.keys.origin(), f"T3: want the log {self.keys.origin()}, have {note.origin}")
        want(note.size == size, f"want a checkpoint of {size} records, have one of {note.size}")
        note.check_log(member_key(self.keys.states[-1][1], "log"))

    def newest(self, name):
        found = [e.members for e in self.entries if e.members["type"] == "manifest/1" and e.members["name"] == name]
        want(found, f"{name}: no such dataset is open here")
        manifest = max(found, key=lambda members: members["version"])
        want(manifest["share"] == "open", f"{name}: its newest version is not open")
        address = [hashlib.sha256(e.record).hexdigest() for e in self.entries if e.members is manifest]
        return address[0], manifest


def read_whole(node, data, note):
    """E10, W9: the chain, and the root of all that the checkpoint names."""
    ledger, stream, tree, before = LedgerRead(node), Stream(data), merkle.Tree(), None
    while True:
        words = stream.words()
        if words[0] == "end":
            break
        want(words[0] == "batch" and len(words) == 4 and int(words[1]) == tree.size and 1 <= int(words[2]) <= 1024, f"PU6: want a batch from {tree.size}, have {words[:3]}")
        for _ in range(int(words[2])):
            entry = stream.entry()
            want(before is None or entry.members["prev"] == "sha256:" + before, f"R6: record {tree.size} does not continue the one before")
            ledger.take(tree.size, entry)
            before = hashlib.sha256(entry.record).hexdigest()
            tree.add(leaf_hash(entry.data))
            if tree.size == note.size:
                want(tree.root() == note.root, "PU6: the records are not those of the checkpoint")
    stream.end()
    want(tree.size >= note.size, f"PU6: want {note.size} records, have {tree.size}")
    ledger.check_note(note, note.size)
    return ledger


def read_sparse(node, data, offered):
    """E11, Z2-Z5."""
    ledger, stream, proofs, last = LedgerRead(node), Stream(data), [], -1
    while True:
        words = stream.words()
        if words[0] != "entry":
            break
        index, entry = int(words[1]), stream.entry()
        want(index > last, "Z4: entries in ascending order")
        last = index
        ledger.take(index, entry)
        proofs.append((index, entry, stream.hashes(words[2])))
    want(words[0] == "checkpoint" and words[1:3] == ["0", "0"], "Z2: want a checkpoint from nothing")
    note = Note(stream.bytes(int(words[3])))
    want(stream.line() == b"end", "W12: the stream was cut off")
    stream.end()
    want(note.size >= offered.size, f"Z6: want {offered.size} records, have {note.size}")
    ledger.check_note(note, note.size)
    for index, entry, path in proofs:
        check_inclusion(index, note.size, leaf_hash(entry.data), path, note.root)
    return ledger


def read_frames(data, kind, limit):
    """W15."""
    at = 0
    while at < len(data):
        want(at + 12 <= len(data), "W15: a frame that is cut off")
        have, codec, zero, stored, plain = struct.unpack("<BBHII", data[at:at + 12])
        want(have == kind and zero == 0, f"W15: want a frame of kind {kind}, have {have}")
        want(stored <= plain <= limit and at + 12 + stored <= len(data), f"W15: a frame of {stored} bytes, {plain} plain")
        want(codec in (0, 1), f"W15: codec {codec} was not asked for")
        body = data[at + 12:at + 12 + stored]
        yield body if codec == 0 else decompress(body, plain)
        at += 12 + stored


class Version:
    def __init__(self, connection, address, manifest):
        self.connection, self.path, self.manifest = connection, f"/v1/versions/{address}", manifest
        self.root = Digest.parse(manifest["listing"])
        self.pages, self.items = {}, []

    def fetch_details(self):
        """PU11"""
        data = self.connection.ask("GET", f"{self.path}/details")
        want(Digest.of(data) == Digest.parse(self.manifest["details"]), "PU11: details of another digest")
        details = json.loads(data)
        want(details["files"] + details["links"] == self.manifest["files"] and details["bytes"] == self.manifest["bytes"], "PU11: other numbers than in the manifest")
        return details

    def fetch_pages(self):
        """W14, PU12: from the root down, level by level; then one walk by the rules between pages."""
        below = [((16, 0), self.root)]
        while below:
            batch, below = below[:ONE_REQUEST], below[ONE_REQUEST:]
            body = "".join(f"{level} {first}\n" for (level, first), _ in sorted(batch))
            frames = list(read_frames(self.connection.ask("POST", f"{self.path}/pages", body), KIND_PAGE, PAGE_MAX))
            want(len(frames) == len(batch), f"W15: want {len(batch)} pages, have {len(frames)}")
            for ((_, first), digest), data in zip(sorted(batch), frames):
                want(Digest.of(data) == digest, f"PU12: a page of another digest than {digest}")
                self.pages[digest] = data
                page = Page(data)
                for child in page.entries if page.level > 0 else ():
                    below.append(((page.level - 1, first), child.digest))
                    first += child.totals.items
        self.items = list(Walk(self.pages.__getitem__, self.root).items())

    def fetch_chunks(self):
        """W13, PU13: each digest once, by its first position."""
        wanted, at = {}, 0
        for item in self.items:
            for reference in item.references:
                wanted.setdefault(reference.digest, (at, reference.size))
                at += 1
        chunks, left = {}, sorted((position, size, digest) for digest, (position, size) in wanted.items())
        while left:
            batch, left = left[:ONE_REQUEST], left[ONE_REQUEST:]
            body = "".join(f"{position}\n" for position, _, _ in batch)
            frames = list(read_frames(self.connection.ask("POST", f"{self.path}/chunks", body), KIND_CHUNK, CHUNK_MAX))
            want(len(frames) == len(batch), f"W15: want {len(batch)} chunks, have {len(frames)}")
            for (position, size, digest), data in zip(batch, frames):
                want(len(data) == size and Digest.of(data) == digest, f"PU13: position {position}: another chunk than {digest}")
                chunks[digest] = data
        return chunks

    def write(self, folder, chunks):
        """Whole files, each checked against its own digest before it is written."""
        os.mkdir(folder)
        parts = []
        for item in self.items:
            path = os.path.join(os.fsencode(folder), item.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            parts += [chunks[r.digest] * r.times for r in item.references]
            if item.kind == FOLDER:
                os.makedirs(path, exist_ok=True)
            elif item.kind == LINK:
                os.symlink(item.target, path)
            elif item.kind in (FILE, EXECUTABLE):
                data, parts = b"".join(parts), []
                want(Digest.of(data) == item.digest, f"{item.path!r}: a file of another digest")
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755 if item.kind == EXECUTABLE else 0o644), "wb") as file:
                    file.write(data)
            else:
                want(item.kind == PART, f"L13: kind {item.kind}")


def find_ledger(connection, node):
    """W2, W5, PU5: what is offered of it, and under which checkpoint."""
    request = json.dumps({"ledgers": [], "openings": 0, "sparse": [], "type": "exchange/1"}, separators=(",", ":"), sort_keys=True)
    reply = json.loads(connection.ask("POST", "/v1/exchange", request))
    want(reply["type"] == "exchange-reply/1" and reply["node"] == node, "PU1: another node answers")
    offers = [offer for offer in reply["ledgers"] if offer["node"] == node]
    want(len(offers) == 1, "E7: its own ledger is not offered")
    note = Note(offers[0]["checkpoint"].encode())
    want(note.size == offers[0]["size"], "PU5: a checkpoint of another size than the one offered")
    if offers[0]["access"] == "whole":
        return read_whole(node, connection.ask("GET", f"/v1/ledgers/{node}/records?from=0"), note), "whole"
    return read_sparse(node, connection.ask("GET", f"/v1/ledgers/{node}/sparse?from=0"), note), "sparse"


def main(arguments):
    if len(arguments) not in (5, 7):
        print(__doc__, file=sys.stderr)
        return 2
    address, node, pin, name, folder = arguments[:5]
    try:
        connection = Connection(address, pin, arguments[5:])
        ledger, access = find_ledger(connection, node)
        version = Version(connection, *ledger.newest(name))
        version.fetch_details()
        version.fetch_pages()
        version.write(folder, version.fetch_chunks())
    except (Wrong, Broken, ValueError, KeyError, TypeError, IndexError, struct.error, binascii.Error) as wrong:
        print(f"puller: {wrong or type(wrong).__name__}", file=sys.stderr)
        return 3
    except (OSError, http.client.HTTPException) as failed:
        print(f"puller: {address}: {failed}", file=sys.stderr)
        return 5
    print(f"{access} ledger of {len(ledger.entries)} records; {name}@{version.manifest['version']}: {len(version.pages)} pages, {len(version.items)} items")
    return 0


sys.exit(main(sys.argv[1:]))
