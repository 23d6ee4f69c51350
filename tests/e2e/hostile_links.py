"""For 36-links.sh: CHAMA HOME FOLDER.  Peers of the node in HOME that speak rubbish, or for ever; each by an alias of its own.  Prints ok and not ok; then "ready" and serves
`slow`, who sends a byte now and then, until it is killed."""

import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

CHAMA, HOME, FOLDER = sys.argv[1:4]
MEMORY_MAX = 96 * 1024   # KiB


class Raw:
    """A node whose TLS server sends what @speak(send) says, whatever it is asked."""

    def __init__(self, speak):
        key, certificate, self.pin = make_certificate(FOLDER, "raw")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.speak = speak
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.node = Node()
        self.node.profile(self.pin, "https://" + self.host)
        self.invite = invite(self.node.id, self.host, self.pin)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(65536)
                self.speak(stream.sendall)
        except OSError:
            pass


def again(piece, head=b"", pause=0):
    def speak(send):
        send(head)
        while True:
            send(piece)
            time.sleep(pause)
    return speak


OK = b"HTTP/1.1 200 OK\r\n"
CASES = (
    ("header lines without end", again(b"X-More: " + b"y" * 1000 + b"\r\n", OK), 3, "answer's head: want at most 65536 bytes"),
    ("a header line without end", again(b"y" * 65536, OK + b"X: "), 3, "answer's head: want at most 65536 bytes"),
    ("a status line without end", again(b"y" * 65536, b"HTTP/1.1 200 "), 3, "answer's head: want at most 65536 bytes"),
    ("answers before the answer without end", again(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), 3, "answer's head: want at most 65536 bytes"),
    ("early hints without end", again(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 100), 3, "answer's head: want at most 65536 bytes"),
    ("no HTTP", again(b"\0\xff\r\n220 smtp ready\r\n" * 1000), 5, "https://"),
    ("HTTP of another age", again(b"x" * 65536, b"HTTP/9.9 200 OK\r\n\r\n"), 5, "https://"),
    ("chunks of no length", again(b"zz\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"), 5, "https://"),
    ("a chunk of 2^70 bytes", again(b"x" * 65536, OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"4" + b"0" * 17 + b"\r\n"), 5, "https://"),
    ("trailers without end", again(b"X: " + b"y" * 1000 + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"), 3, "answer's head: want at most 65536 bytes"),
    ("a flood of chunks", again(b"2000\r\n" + b" " * 0x2000 + b"\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"), 3, "want at most 1048576 bytes"),
    ("compression that nobody asked for", again(b"\x1f\x8b" + b"x" * 60000, OK + b"Content-Encoding: gzip\r\n\r\n"), 3, "want at most 1048576 bytes"),
    ("a length that is a lie", again(b"", OK + b"Content-Length: -1\r\n\r\n", 0.2), 5, "https://"),
    ("two lengths", lambda send: send(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"), 3, ""),
    ("less than promised", lambda send: send(OK + b"Content-Length: 1000000\r\n\r\nabc"), 5, "https://"),
    ("nothing at all", lambda send: None, 5, "https://"),
)


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line) for line in ([] if good else more)), sep="", flush=True)


def chama(*words):
    return subprocess.run([CHAMA, "--home", HOME, *words], capture_output=True, text=True, timeout=60, check=False)


def run_all():
    servers = [Raw(case[1]) for case in CASES]
    for number, (case, server) in enumerate(zip(CASES, servers)):
        added = chama("peer", "add", "--alias", f"bad{number}", server.invite)
        if added.returncode:
            tell(False, case[0], added.stderr)
        done = chama("sync", f"bad{number}")
        lines = done.stderr.strip().split("\n")
        tell(done.returncode == case[2] and case[3] in done.stderr and len(lines) == 1, f"{case[0]}: exit {case[2]}, one line", done.returncode, *lines)
        chama("peer", "rm", f"bad{number}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    tell(memory < MEMORY_MAX, f"and no more than {MEMORY_MAX} KiB of memory", memory)


def slow():
    server = Raw(again(b" ", OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"100000\r\n", 0.3))
    chama("peer", "add", "--alias", "slow", server.invite)
    print("ready", flush=True)
    signal.pause()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if sys.argv[4] == "all":
    run_all()
else:
    slow()
