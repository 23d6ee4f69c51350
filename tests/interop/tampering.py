#!/usr/bin/env python3
"""Stands between a node and who asks it, with the node's own TLS key, and changes what passes: a relay that lies.

    tampering.py PORT UPSTREAM-HOST:PORT CERTIFICATE KEY CALLER-CERTIFICATE CALLER-KEY FILE

FILE names what is done, read for each request: "none", or one of the functions below; a second word: only where the path has it, or in the reply of an exchange."""

import http.client
import http.server
import json
import re
import ssl
import sys
import time


def entries(data):
    """A stream of records as [line or (record, signature)]."""
    lines, parts, left = data.split(b"\n"), [], 0
    at = 0
    while at < len(lines):
        if left:
            parts.append((lines[at], lines[at + 1]))
            at, left = at + 2, left - 1
            continue
        found = re.match(rb"batch \d+ (\d+) ", lines[at])
        left = int(found[1]) if found else 0
        parts.append(lines[at])
        at += 1
    return parts


def joined(parts):
    return b"\n".join(b"\n".join(part) if isinstance(part, tuple) else part for part in parts)


def edit(path, data):
    return data.replace(b'"version":2', b'"version":3') if path.endswith(("/records", "/sparse")) else data


def drop(path, data):
    """The last record of the stream, with its batch."""
    if not path.endswith("/records"):
        return data
    parts = entries(data)
    last = max(i for i, part in enumerate(parts) if isinstance(part, bytes) and part.startswith(b"batch "))
    return joined(parts[:last] + [part for part in parts[last:] if part in (b"end", b"")])


def reorder(path, data):
    """The last two records change places."""
    if not path.endswith("/records"):
        return data
    parts = entries(data)
    one, two = [i for i, part in enumerate(parts) if isinstance(part, tuple)][-2:]
    parts[one], parts[two] = parts[two], parts[one]
    return joined(parts)


def cut(path, data):
    return data[:-4] if path.endswith(("/records", "/sparse")) else data


def proofs(path, data):
    """One bit of the first hash of a proof."""
    return re.sub(rb"(\nentry [^\n]*\n[^\n]*\n[^\n]*\n)(.)", lambda m: m[1] + (b"A" if m[2] != b"A" else b"B"), data, count=1) if path.endswith("/sparse") else data


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def details(path, data):
    return flip(data, len(data) // 2) if path.endswith("/details") else data


def pages(path, data):
    return flip(data, len(data) - 1) if path.endswith("/pages") else data


def chunks(path, data):
    return flip(data, len(data) - 1) if path.endswith("/chunks") else data


def silence(path, data):
    if path.endswith("/chunks"):
        time.sleep(60)
    return data


def death(path, data):
    if path.endswith("/chunks"):
        raise ConnectionAbortedError
    return data


def fewer(path, data):
    """Not the last frame's last bytes."""
    return data[:-5] if path.endswith("/chunks") else data


def checkpoint(path, data):
    """One more record than the owner signed."""
    return re.sub(rb'(chama/[a-z2-7]{52}\\n)(\d+)', lambda m: m[1] + str(int(m[2]) + 1).encode(), data) if path.endswith("/exchange") else data


def hide(data, node):
    """An exchange does not offer the ledger of @node."""
    reply = json.loads(data)
    reply["ledgers"] = [offer for offer in reply["ledgers"] if offer["node"] != node]
    return json.dumps(reply, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        upstream = http.client.HTTPSConnection(UPSTREAM, context=CALLER, timeout=30)
        upstream.request(self.command, self.path, body)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        with open(MODE, encoding="ascii") as file:
            mode, _, where = file.read().strip().partition(" ")
        if mode != "none" and answer.status == 200 and (where in self.path or self.path.endswith("/exchange")):
            data = hide(data, where) if mode == "hide" else globals()[mode](self.path.partition("?")[0], data)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer


PORT, UPSTREAM, CERTIFICATE, KEY, CALLER_CERTIFICATE, CALLER_KEY, MODE = sys.argv[1:]
CALLER = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CALLER.check_hostname, CALLER.verify_mode = False, ssl.CERT_NONE
CALLER.load_cert_chain(CALLER_CERTIFICATE, CALLER_KEY)
OWN = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
OWN.load_cert_chain(CERTIFICATE, KEY)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
server.daemon_threads = True
server.socket = OWN.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
