"""For 11-cuts*.sh: FOLDER SEED MOST down|up, as most goes: to the caller, or from it.  A link to the HOST:PORT in FOLDER/target that is cut again and again: after a random number of bytes, at most MOST, in a random direction, in order or by a
reset.  In FOLDER: `address`, where it listens; `cuts`, how many there were; `bytes`, how many went that way; while there is a file `calm` nothing is cut; connections over which something is to go while
there is a file `frozen` carry nothing any more, and do not end."""

import os
import random
import select
import socket
import struct
import sys
import threading
import time

FOLDER, SEED, MOST, UP = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "up"
chance = random.Random(SEED)
lock = threading.Lock()
carried = cuts = 0
downwards, left = True, 0
frozen = set()


def note(name, value):
    with open(os.path.join(FOLDER, name + ".new"), "w", encoding="ascii") as file:
        file.write(str(value))
    os.replace(file.name, os.path.join(FOLDER, name))


def arm():
    global downwards, left
    downwards = chance.random() < 0.75
    # in an order of magnitude that is chosen first: heads, frames and whole requests are all cut
    left = int(2 ** chance.uniform(6, MOST.bit_length())) if downwards else int(2 ** chance.uniform(6, 14))


def count(down, size):
    """How many of @size bytes may go; fewer: then it is cut."""
    global carried, left, cuts
    with lock:
        if down:
            carried += size
            note("bytes", carried)
        if down != downwards or os.path.exists(os.path.join(FOLDER, "calm")):
            return size
        left -= size
        if left > 0:
            return size
        size += left
        cuts += 1
        note("cuts", cuts)
        arm()
        return max(size, 0) - 1


def carry(client, server):
    """Until one side ends, or a cut."""
    while True:
        for source in select.select([client, server], [], [])[0]:
            data = source.recv(65536)
            while os.path.exists(os.path.join(FOLDER, "frozen")) or client in frozen:
                frozen.add(client)
                time.sleep(0.05)
            if not data:
                return False
            allowed = count((source is server) != UP, len(data))
            (client if source is server else server).sendall(data[:max(allowed, 0)])
            if allowed < len(data):
                return True


def serve(client):
    with open(os.path.join(FOLDER, "target"), encoding="ascii") as file:
        host, port = file.read().strip().rsplit(":", 1)
    with client, socket.create_connection((host, int(port))) as server:
        try:
            cut = carry(client, server)
        except OSError:
            return
        if cut and chance.random() < 0.5:
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


arm()
note("cuts", 0)
note("bytes", 0)
listener = socket.create_server(("127.0.0.1", 0))
note("address", f"127.0.0.1:{listener.getsockname()[1]}")
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
