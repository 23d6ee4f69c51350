"""For 11-delay.sh: FOLDER MILLISECONDS.  A link to the HOST:PORT in FOLDER/target on which each byte takes so long, each way, however many there are; in FOLDER: `address`, where it listens."""

import collections
import os
import socket
import sys
import threading
import time

FOLDER, DELAY = sys.argv[1], float(sys.argv[2]) / 1000
UNDER_WAY_MAX = 64 * 1024 * 1024   # bytes: what a link of 5 Gbit/s holds in 100 ms


class Way:
    """From one socket to another."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.under_way, self.size = collections.deque(), 0
        self.changed = threading.Condition()
        for work in (self.take, self.give):
            threading.Thread(target=work, daemon=True).start()

    def put(self, data):
        with self.changed:
            self.changed.wait_for(lambda: self.size < UNDER_WAY_MAX)
            self.under_way.append((time.monotonic() + DELAY, data))
            self.size += len(data)
            self.changed.notify_all()

    def take(self):
        data = b"begin"
        while data:
            try:
                data = self.source.recv(1 << 18)
            except OSError:
                data = b""
            self.put(data)

    def give(self):
        data = b"begin"
        while data:
            with self.changed:
                self.changed.wait_for(lambda: self.under_way)
                due, data = self.under_way.popleft()
                self.size -= len(data)
                self.changed.notify_all()
            time.sleep(max(due - time.monotonic(), 0))
            try:
                self.target.sendall(data) if data else self.target.shutdown(socket.SHUT_WR)
            except OSError:
                return


listener = socket.create_server(("127.0.0.1", 0))
with open(os.path.join(FOLDER, "address.new"), "w", encoding="ascii") as note:
    note.write(f"127.0.0.1:{listener.getsockname()[1]}")
os.replace(note.name, os.path.join(FOLDER, "address"))
while True:
    client = listener.accept()[0]
    with open(os.path.join(FOLDER, "target"), encoding="ascii") as note:
        host, port = note.read().strip().rsplit(":", 1)
    server = socket.create_connection((host, int(port)))
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    Way(client, server)
    Way(server, client)
