"""A peer that means harm: a node of its own making, and a server that answers as it was told.

Builds on the foreign reader (tests/interop/chama), written from the format documents; it shares no code with the program.
"""

import base64
import hashlib
import http.server
import json
import os
import secrets
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
# pylint: disable=wrong-import-position
from chama import building, keys, listing, merkle, notes, projection                       # noqa: E402
from chama.records import Record                                                # noqa: E402

_BASE_Y = 4 * pow(5, -1, keys._P) % keys._P


def _compress(point):
    inverse = pow(point[2], -1, keys._P)
    x, y = point[0] * inverse % keys._P, point[1] * inverse % keys._P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = keys._point(_BASE_Y.to_bytes(32, "little"))
_EXTENDED_BASE = (_BASE[0], _BASE[1], 1, _BASE[0] * _BASE[1] % keys._P)


def _multiples(point):
    """For each of 32 bytes of a number what each value of it adds."""
    for _ in range(32):
        row = [(0, 1, 1, 0)]
        for _ in range(255):
            row.append(keys._add(row[-1], point))
        yield row
        point = keys._add(row[-1], point)


_MULTIPLES = list(_multiples(_EXTENDED_BASE))


def _times_base(number):
    point = (0, 1, 1, 0)
    for row, byte in zip(_MULTIPLES, number.to_bytes(32, "little")):
        point = keys._add(point, row[byte])
    return point


class SigningKey:
    """Ed25519, RFC 8032."""

    def __init__(self, seed):
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = digest[32:]
        self.public = keys.PublicKey(_compress(_times_base(self.scalar)))

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % keys._ORDER
        point = _compress(_times_base(r))
        k = int.from_bytes(hashlib.sha512(point + self.public.data + message).digest(), "little")
        return point + ((r + k * self.scalar) % keys._ORDER).to_bytes(32, "little")

    def sshsig(self, namespace, message):
        string = keys._string
        signed = b"SSHSIG" + string(namespace) + string(b"") + string(b"sha512") + string(hashlib.sha512(message).digest())
        kind = string(b"ssh-ed25519")
        return keys.Signature(b"SSHSIG" + struct.pack(">I", 1) + string(kind + string(self.public.data)) + string(namespace) + string(b"") +
                              string(b"sha512") + string(kind + string(self.sign(signed))))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).digest()


def address(data):
    return "sha256:" + sha256(data).hex()


def stamp(moment=None):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() if moment is None else moment))


_CERTIFICATES = {}


def make_certificate(folder, name):
    """A TLS key and certificate as a node has them, made once for each name; the pin."""
    if name in _CERTIFICATES:
        return _CERTIFICATES[name]
    key, certificate = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                    "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    with open(certificate, encoding="ascii") as file:
        _CERTIFICATES[name] = key, certificate, pin_of(file.read())
    return _CERTIFICATES[name]


def pin_of(pem):
    public = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=pem.encode(), check=True, capture_output=True).stdout
    return sha256(subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True).stdout).hex()


def _split(size):
    return 1 << (size - 1).bit_length() - 1


def _root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else merkle.EMPTY
    k = _split(len(leaves))
    return merkle.node(_root(leaves[:k]), _root(leaves[k:]))


def _inclusion(index, leaves):
    if len(leaves) < 2:
        return []
    k = _split(len(leaves))
    if index < k:
        return _inclusion(index, leaves[:k]) + [_root(leaves[k:])]
    return _inclusion(index - k, leaves[k:]) + [_root(leaves[:k])]


class Node:
    """A ledger whose owner signs whatever it is told to."""

    def __init__(self, seed=b"", log_seed=None):
        seed = seed or secrets.token_bytes(32)
        self.signing, self.log = SigningKey(seed), SigningKey(log_seed or seed + b"log")
        inception = {"encryption": "x25519:" + base64.b64encode(sha256(seed)).decode(), "log": str(self.log.public), "next": address(seed), "seq": 0,
                     "signing": str(self.signing.public), "time": stamp(), "type": "inception/1"}
        data = canonical(inception)
        self.identity = keys.Identity(data)
        self.id = self.identity.id
        self.records, self.signatures, self.batches = [], [], []
        self.tree, self.parent = projection.Tree(self.identity), ""
        self._admit(data)

    def _admit(self, data):
        record = Record(data)
        signature = self.signing.sshsig(b"chama-record", data)
        self.records.append(record)
        self.signatures.append(signature)
        self.tree.add(record, signature.armour())
        before, after = projection.commit_text(self.tree.id(), self.parent, [record])
        commit = self.signing.sshsig(b"git", before + after)
        header = b"gpgsig " + commit.armour().removesuffix("\n").replace("\n", "\n ").encode() + b"\n"
        self.parent = hashlib.sha1(b"commit %d\0" % len(before + header + after) + before + header + after).hexdigest()
        self.batches.append(commit)
        return record

    def add(self, kind, /, **members):
        """Appends a record; values may be wrong in any way."""
        last = self.records[-1]
        return self._admit(canonical({"node": self.id, "prev": str(last.address), "seq": last.seq + 1, "time": stamp(), "type": kind, **members}))

    def profile(self, pin, url):
        return self.add("profile/1", addresses=[url] if url else [], ledger="relayed", name={"en": "Mallory"}, pins=["sha256:" + pin])

    def entry(self, index):
        return self.records[index].entry(self.signatures[index])

    def leaves(self, size=None):
        return [merkle.leaf(self.entry(i)) for i in range(len(self.records) if size is None else size)]

    def note(self, size=None, moment=None, root=None):
        size = len(self.records) if size is None else size
        text = f"chama/{self.id}\n{size}\n{base64.b64encode(root or _root(self.leaves(size))).decode()}\ntime {stamp(moment)}\n"
        name = f"chama/{self.id}"
        blob = notes.key_id(name, self.log.public) + self.log.sign(text.encode())
        return f"{text}\n— {name} {base64.b64encode(blob).decode()}\n"

    def batch(self, index):
        return f"batch {index} 1 {base64.b64encode(self.batches[index].blob).decode()}\n".encode() + self.entry(index)

    def records_stream(self, first=0):
        return b"".join(self.batch(i) for i in range(first, len(self.records))) + b"end\n"

    def sparse_stream(self, kept=None, note=None):
        leaves, out = self.leaves(), b""
        for index in kept or range(len(self.records)):
            proof = _inclusion(index, leaves)
            out += f"entry {index} {len(proof)}\n".encode() + self.entry(index)
            out += b"".join(base64.b64encode(step) + b"\n" for step in proof)
        note = (note or self.note()).encode()
        return out + f"checkpoint 0 0 {len(note)}\n".encode() + note + b"end\n"

    def introduction(self):
        profile = next(r.seq for r in reversed(self.records) if r.type == "profile/1")
        return {"inception": self.entry(0).decode(), "profile": self.entry(profile).decode()}

    def open_version(self, name, root, details, version=1, **members):
        counts = json.loads(details)
        return self.add("manifest/1", name=name, version=version, share="open", files=members.pop("files", counts["files"] + counts["links"]),
                        bytes=members.pop("bytes", counts["bytes"]), listing="sha256:" + root.hex(), details=address(details), **members)


def leaf_page(items):
    """A page of level 0, and its totals."""
    level = building._Level(0)
    for item in items:
        level.entries.append(building._item_entry(item))
        level.data += level._encode(level.entries[-1])
        level.last = item.path
    return _close(level)


def branch_page(level_number, children):
    """A page above; @children are what these functions return."""
    level = building._Level(level_number)
    for _, entry in children:
        level.entries.append(entry)
        level.data += level._encode(entry)
        level.last = entry.path
    return _close(level)


def _close(level):
    page = b"chl1" + bytes([level.level, listing.CHUNKER]) + building._number(len(level.entries)) + level.data
    level.finish()
    return page, level.pages[-1]


def file_item(path, chunks, kind=listing.FILE, digest=None):
    """@chunks: (digest, size) each."""
    references = [listing.Reference(d, size, 1) for d, size in chunks]
    return listing.Item(kind, path, references, sum(size for _, size in chunks), digest or (chunks[0][0] if len(chunks) == 1 else bytes(32)))


def details(files, byte_count, chunks, folders=0, links=0):
    return canonical({"bytes": byte_count, "chunks": chunks, "files": files, "folders": folders, "links": links, "type": "details/1"})


def frame(kind, data, plain=None, codec=0):
    return struct.pack("<BBHII", kind, codec, 0, len(data), len(data) if plain is None else plain) + data


NOTHING = bytes(12)


def invite(node, host, pin):
    line = f"chama://{host}/{node}?tls={pin}&name=Mallory"
    return f"{line}&check={hashlib.sha256(line.encode()).hexdigest()[:8]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        self.server.asked.append((self.command, self.path, body, self.headers.get("Chama-Grant")))
        reply = self.server.answer(self.command, urllib.parse.urlsplit(self.path), body)
        status, out = reply if isinstance(reply, tuple) else (200, reply)
        try:
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in [out] if isinstance(out, bytes) else out:
                if piece:
                    self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_POST = _answer

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Answers by @answer(method, address, body), which may be changed at any time: bytes, pieces, or (status, either)."""
    daemon_threads = True

    def __init__(self, key, certificate, answer=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.answer, self.asked = answer, []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass


class Mallory:
    """A node, its server, and what it serves: ledgers by id, versions by address."""

    def __init__(self, folder, name="mallory"):
        self.folder = folder
        self.key, self.certificate, self.pin = make_certificate(folder, name)
        self.server = Server(self.key, self.certificate, self.answer)
        self.node = Node()
        self.node.profile(self.pin, "https://" + self.server.host)
        self.invite = invite(self.node.id, self.server.host, self.pin)
        self.objects = {}       # address of a manifest -> {"details": bytes, "pages": function, "chunks": function}
        self.overrides = {}     # path -> function of (query, body)
        self.reply_more = {}
        self.whole = True

    def offer(self, node=None, **changes):
        node = node or self.node
        return {"access": "whole" if self.whole else "sparse", "checkpoint": node.note(), "node": node.id, "size": len(node.records), **changes}

    def reply(self, **changes):
        return canonical({"ledgers": [self.offer()], "node": self.node.id, "openings": [], "peer": True, "type": "exchange-reply/1",
                          **self.reply_more, **changes})

    def answer(self, method, where, body):
        if where.path in self.overrides:
            return self.overrides[where.path](where.query, body)
        if where.path == "/v1/exchange":
            return self.reply()
        parts = where.path.split("/")
        if parts[2:3] == ["ledgers"] and parts[3] == self.node.id:
            first = int(where.query.removeprefix("from="))
            return self.node.records_stream(first) if parts[4] == "records" else self.node.sparse_stream()
        if parts[2:3] == ["versions"] and parts[3] in self.objects and parts[4] in self.objects[parts[3]]:
            held = self.objects[parts[3]][parts[4]]
            return held if isinstance(held, bytes) else held(body)
        return 404, canonical({"code": "not-found", "detail": "no", "status": 404, "title": "Not Found", "type": "about:blank"})

    def publish(self, name, root, document, pages, chunks, version=1, **members):
        """@pages, @chunks: functions of the body, or bytes.  The manifest's hex."""
        record = self.node.open_version(name, root, document, version, **members)
        self.objects[record.address.hex()] = {"details": document, "pages": pages, "chunks": chunks}
        return record.address.hex()
