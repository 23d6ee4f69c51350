"""A C2SP tlog-witness that knows nothing of chama, in Python's standard library; Ed25519 by openssl.

  witness.py make FOLDER NAME                 a key; the verifier key to stdout
  witness.py serve FOLDER LOG-VKEY PORT       https://127.0.0.1:PORT/add-checkpoint, what it does wrong said by FOLDER/mode; requests to FOLDER/requests

FOLDER has the state: key, vkey, certificate, latest (size and root).  Modes: good; an HTTP status to answer with; and what hostile() below says."""

import base64
import hashlib
import http.server
import os
import re
import socket
import ssl
import subprocess
import sys
import time

MAX = 1 << 20


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, input=data).stdout


def key_id(name, algorithm, key):
    return hashlib.sha256(name.encode() + b"\n" + algorithm + key).digest()[:4]


def make(folder, name):
    os.mkdir(folder)
    openssl("genpkey", "-algorithm", "ed25519", "-out", f"{folder}/key")
    key = openssl("pkey", "-in", f"{folder}/key", "-pubout", "-outform", "DER")[-32:]
    vkey = name + "+" + key_id(name, b"\4", key).hex() + "+" + base64.b64encode(b"\4" + key).decode()
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt", "-days", "2", "-subj", "/CN=witness")
    for file, text in ("vkey", vkey), ("mode", "good"), ("latest", f"0 {hashlib.sha256(b'').hexdigest()}"), ("requests", ""):
        with open(f"{folder}/{file}", "w", encoding="utf-8") as out:
            out.write(text)
    print(vkey)


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def continues(size1, root1, size2, root2, proof):
    """RFC 9162, 2.1.4.2."""
    if size1 == 0 or size1 == size2:
        return not proof and (size1 == 0 or root1 == root2)
    path = list(proof)
    if size1 & (size1 - 1) == 0:
        path.insert(0, root1)
    if not path:
        return False
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = node(step, first), node(step, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node(second, step)
        fn, sn = fn >> 1, sn >> 1
    return first == root1 and second == root2 and sn == 0


class Refused(Exception):
    pass


class Witness(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = log = None

    def log_message(self, *_):
        pass

    def file(self, name, text=None):
        path = f"{self.folder}/{name}"
        if text is None:
            with open(path, encoding="utf-8") as file:
                return file.read().strip()
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)
        return None

    def answer(self, status, body, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["Content-Length"]), MAX)).decode()
        mode = self.file("mode")
        with open(f"{self.folder}/requests", "a", encoding="utf-8") as out:
            out.write(body.split("\n", 1)[0] + "\n")
        if mode.isdigit():
            return self.answer(int(mode), b"no\n")
        if mode != "good" and self.hostile(mode):
            return None
        try:
            return self.answer(200, self.cosign(body, mode).encode())
        except Refused as refusal:
            status, text = refusal.args
            return self.answer(status, text.encode(), "text/x.tlog.size" if status == 409 else "text/plain")

    def hostile(self, mode):
        if mode == "garbage":
            self.answer(200, os.urandom(300))
        elif mode == "empty":
            self.answer(200, b"")
        elif mode == "size":
            self.answer(409, b"many\n")
        elif mode == "ahead":
            self.answer(409, b"1000000\n")
        elif mode == "same":
            self.answer(409, b"0\n")
        elif mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "https://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            self.pour(b"x" * 65536, 0)
        elif mode == "trickle":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.pour(b"x", 0.5)
        else:
            return False
        return True

    def pour(self, piece, pause):
        try:
            for _ in range(20000):
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            pass

    def cosign(self, body, mode):
        head, empty, note = body.partition("\n\n")
        lines = head.split("\n")
        if not empty or not re.fullmatch("old (0|[1-9][0-9]*)", lines[0]):
            raise Refused(400, "malformed\n")
        old, proof = int(lines[0][4:]), [base64.b64decode(line, validate=True) for line in lines[1:]]
        text, _, signatures = note.rpartition("\n\n")
        origin, size, root = (text.split("\n") + ["", ""])[:3]
        size, root, text = int(size), base64.b64decode(root), text + "\n"
        name, number, coded = self.log.split("+", 2)
        if origin != name:
            raise Refused(404, "unknown log\n")
        self.check_log(text, signatures, name, number, base64.b64decode(coded)[1:])
        latest, latest_root = self.file("latest").split()
        if old != int(latest):
            raise Refused(409, latest + "\n")
        if not continues(old, bytes.fromhex(latest_root), size, root, proof):
            raise Refused(422, "no\n")
        line = self.sign(text, mode)
        self.file("latest", f"{size} {root.hex()}")
        return line

    def check_log(self, text, signatures, name, number, key):
        for line in signatures.splitlines():
            blob = base64.b64decode(line.split(" ")[2])
            if line.split(" ")[1] == name and blob[:4].hex() == number and self.holds(text, blob[4:], key):
                return
        raise Refused(403, "no signature\n")

    def holds(self, text, signature, key):
        for name, data in ("message", text.encode()), ("signature", signature), ("log.der", bytes.fromhex("302a300506032b6570032100") + key):
            with open(f"{self.folder}/{name}", "wb") as out:
                out.write(data)
        verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f"{self.folder}/log.der", "-rawin", "-in", f"{self.folder}/message"]
        return subprocess.run([*verify, "-sigfile", f"{self.folder}/signature"], capture_output=True, check=False).returncode == 0

    def sign(self, text, mode):
        name, number, _ = self.file("vkey").split("+", 2)
        now = int(time.time())
        signed = text.replace("\n", "\nx", 1) if mode == "forged" else text
        with open(f"{self.folder}/message", "wb") as out:
            out.write(f"cosignature/v1\ntime {now}\n{signed}".encode())
        blob = openssl("pkeyutl", "-sign", "-inkey", f"{self.folder}/key", "-rawin", "-in", f"{self.folder}/message")
        other = "other.example" if mode == "other" else name
        line = f"— {other} " + base64.b64encode(bytes.fromhex(number) + now.to_bytes(8, "big") + blob).decode() + "\n"
        return {"twice": line + f"— stranger {base64.b64encode(bytes(80)).decode()}\n", "gap": "text\n\n" + line, "open": line[:-1]}.get(mode, line)


def serve(folder, log, port):
    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET

    Witness.folder, Witness.log = folder, log
    server = Server(("127.0.0.1", int(port)), Witness)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/tls.crt", f"{folder}/tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(f"{folder}/listening", "w", encoding="utf-8"):
        pass
    server.serve_forever()


{"make": make, "serve": serve}[sys.argv[1]](*sys.argv[2:])
