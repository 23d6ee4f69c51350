"""For 34-stdio.sh: CHAMA HOME NODE PEER OPEN CONDITIONAL FOLDER.  Callers of `chama serve --stdio`, by pipes and by a socket; PEER is an accepted peer with a
grant of the version CONDITIONAL."""

import os
import socket
import subprocess
import sys
import time

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

CHAMA, HOME, NODE, PEER, OPEN, CONDITIONAL, FOLDER = sys.argv[1:8]
NOTHING_HEX = "0" * 64


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line)[:500] for line in ([] if good else more)), sep="", flush=True)


class Caller:
    """One process, and the two ends to it."""

    def __init__(self, *arguments, joined=False):
        command = [CHAMA, "--home", HOME, "serve", "--stdio", *arguments]
        if joined:
            ours, theirs = socket.socketpair()
            self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
            theirs.close()
            self.into, self.out = ours.makefile("wb"), ours.makefile("rb")
            self.socket = ours
        else:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.into, self.out, self.socket = self.process.stdin, self.process.stdout, None

    def ask(self, method, path, body=None, **headers):
        """Status and body."""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        self.into.write(head.encode() + b"\r\n" + (body or b""))
        self.into.flush()
        return self.answer()

    def answer(self):
        status = self.out.readline()
        if not status:
            return 0, b""
        fields = {}
        while (line := self.out.readline().strip()):
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        if b"content-length" in fields:
            return int(status[9:12]), self.out.read(int(fields[b"content-length"]))
        body = b""
        while (size := int(self.out.readline(), 16)) > 0:
            body += self.out.read(size)
            self.out.readline()
        self.out.readline()
        return int(status[9:12]), body

    def shut(self):
        try:
            if self.socket:
                self.into.flush()
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.close()
            else:
                self.into.close()
        except OSError:
            pass

    def end(self):
        """What is left on both outputs, and the exit status, once standard input has ended."""
        self.shut()
        try:
            rest = self.out.read()
        except ConnectionResetError:    # of a socket whose other side had not read all
            rest = b""
        self.out.close()
        error = self.process.stderr.read()
        self.process.stderr.close()
        return rest, error, self.process.wait(10)


def once(data, *arguments, joined=False):
    """All that comes back to @data, after which there is no more."""
    caller = Caller(*arguments, joined=joined)
    try:
        caller.into.write(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return caller.end()


def exchange(**members):
    return canonical({"ledgers": [], "openings": 0, "sparse": [], "type": "exchange/1", **members})


def roads():
    for joined in (False, True):
        what = "a socket" if joined else "pipes"
        caller = Caller(joined=joined)
        for turn in range(3):
            status, body = caller.ask("GET", "/v1/node")
            tell(status == 200 and NODE.encode() in body, f"{what}: request {turn + 1} of one connection", status, body)
        status, body = caller.ask("POST", f"/v1/versions/{OPEN}/chunks", b"0\n")
        tell(status == 200 and len(body) > 12, f"{what}: anyone gets what is open", status)
        tell(caller.end() == (b"", b"", 0), f"{what}: it ends with standard input, and says nothing besides")
    rest, error, status = once(b"GET /v1/node HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "--log")
    tell(rest.startswith(b"HTTP/1.1 200") and b"from=stdio" in error and b"status=200" in error and status == 0, "--log writes to standard error", error)


def callers():
    nobody, peer, stranger = Caller(), Caller("--as", PEER), Caller("--as", "a" * 52)
    where = f"/v1/versions/{CONDITIONAL}/details"
    tell(peer.ask("GET", where)[0] == 200, "A15: whom --as names gets what is granted to it")
    there, nothing = (nobody.ask("GET", f"/v1/versions/{hex_digits}/details") for hex_digits in (CONDITIONAL, NOTHING_HEX))
    tell(there[0] == 404 and there == nothing, "I4: without --as it is as if it were not there", there, nothing)
    tell(stranger.ask("GET", where) == nothing, "A15: nor does a node get it that has no grant")
    tell(peer.ask("GET", f"/v1/ledgers/{NODE}/records?from=0")[0] == 200, "A11: an accepted peer gets the ledger whole")
    tell(nobody.ask("GET", f"/v1/ledgers/{NODE}/records?from=0")[0] == 404 and stranger.ask("GET", f"/v1/ledgers/{NODE}/records?from=0")[0] == 404, "and nobody else does")
    status, body = nobody.ask("POST", "/v1/exchange", exchange(node=PEER))
    tell(status == 200 and b'"peer":false' in body, "without --as who says that it is a peer is nobody", body)
    tell(nobody.ask("GET", where) == nothing, "and gets nothing by it")
    tell(b'"peer":true' in peer.ask("POST", "/v1/exchange", exchange(node=PEER))[1], "E5: the peer itself")
    status, words = peer.ask("POST", "/v1/exchange", exchange(node="a" * 52))[:2]
    tell(status == 400 and ("E5: want node %s, " % PEER).encode() in words and b"have " + b"a" * 52 in words, "E5: a peer that says that it is another")
    tell(stranger.ask("POST", "/v1/exchange", exchange(node=PEER))[0] == 400, "E5: a stranger that says that it is a peer")
    tell(nobody.ask("POST", "/v1/brought", b"{}")[0] == 404, "W24: nobody brings anything")
    for caller in (nobody, peer, stranger):
        caller.end()


def introductions():
    pin = "ab" * 32
    node, other = Node(), Node()
    for one in (node, other):
        one.profile(pin, "")
    shown, nobody = Caller("--as", node.id), Caller()
    tell(shown.ask("POST", "/v1/exchange", exchange(node=node.id, introduction=other.introduction()))[0] == 400, "E6: another's introduction")
    broken = node.introduction()
    broken["profile"] = broken["profile"][:60] + ("A" if broken["profile"][60] != "A" else "B") + broken["profile"][61:]
    tell(shown.ask("POST", "/v1/exchange", exchange(node=node.id, introduction=broken))[0] == 400, "E6: a broken profile")
    tell(nobody.ask("POST", "/v1/exchange", exchange(node=node.id, introduction=node.introduction()))[0] == 200, "E6: without --as an introduction is passed over")
    pending = subprocess.run([CHAMA, "--home", HOME, "peer", "pending"], check=True, capture_output=True).stdout
    tell(node.id.encode() not in pending, "and nobody is pending", pending)
    tell(shown.ask("POST", "/v1/exchange", exchange(node=node.id, introduction=node.introduction()))[0] == 200, "E6: whom --as names introduces itself")
    pending = subprocess.run([CHAMA, "--home", HOME, "peer", "pending"], check=True, capture_output=True).stdout
    tell(node.id.encode() in pending, "and is pending", pending)
    for caller in (shown, nobody):
        caller.end()


def garbage():
    for what, data in (("nothing", b""), ("noise", os.urandom(100000)), ("zeros", bytes(100000)), ("half a request", b"GET /v1/no"), ("half a body", b"POST /v1/exchange HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"),
                       ("a TLS handshake", b"\x16\x03\x01" * 1000), ("a line without end", b"G" * 200000)):
        for joined in (False, True):
            rest, error, status = once(data, joined=joined)
            tell(status == 0 and error == b"" and (rest == b"" or rest.startswith(b"HTTP/1.")), f"{what}: {'a socket' if joined else 'pipes'}", status, error, rest[:100])
    rest = once(b"GET /v1/node HTTP/1.1\r\nHost: x\r\nX: " + b"h" * 20000 + b"\r\n\r\n")[0]
    tell(rest[9:12] in (b"413", b"431"), "E2: a head of 20 kB", rest[:100])
    rest = once(b"POST /v1/exchange HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n" + b" " * 1048577)[0]
    tell(rest.startswith(b"HTTP/1.1 413"), "E2: a body of 1 MiB and a byte", rest[:100])
    rest = once(b"GET /v1/node HTTP/1.1\r\nHost: x\r\n\r\n" * 5)[0]
    tell(rest.count(b"HTTP/1.1 200") == 5, "five requests at once, and the end: all are answered", rest[:200])


def leaving():
    """Who does not read, and who leaves in the middle, hold nothing."""
    for joined in (False, True):
        caller = Caller("--as", PEER, joined=joined)
        caller.into.write(b"POST /v1/versions/%s/chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n0\n" % OPEN.encode() * 200)
        caller.into.flush()
        time.sleep(0.2)
        with open(f"/proc/{caller.process.pid}/status", encoding="ascii") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
        tell(memory < 64 * 1024, "who does not read fills no memory", memory)
        caller.shut()
        caller.out.close()
        caller.into.close()
        caller.process.stderr.close()
        tell(caller.process.wait(10) == 0, f"who leaves in the middle leaves nothing behind: {'a socket' if joined else 'pipes'}")
    many = [Caller("--as", PEER) for _ in range(6)]
    tell(all(caller.ask("GET", f"/v1/versions/{CONDITIONAL}/details")[0] == 200 for caller in many), "six at once")
    tell(all(caller.end()[2] == 0 for caller in many), "and all end")


for part in (roads, callers, introductions, garbage, leaving):
    part()
