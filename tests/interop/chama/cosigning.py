"""A client of C2SP tlog-witness, with a log of its own making: leaf hashes and the log's key are given (RFC 6962; openssl signs)."""

import base64
import hashlib
import http.client
import ssl
import subprocess
import tempfile
import time


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(count):
    """The largest power of two below it."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    return node(root(leaves[: split(len(leaves))]), root(leaves[split(len(leaves)) :]))


def consistency(old, leaves, whole=True):
    """RFC 6962, 2.1.2."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = split(len(leaves))
    if old <= half:
        return consistency(old, leaves[:half], whole) + [root(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [root(leaves[:half])]


def sign(state, leaves):
    """A checkpoint by the log's own key."""
    origin = state["origin"]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = f"{origin}\n{len(leaves)}\n{base64.b64encode(root(leaves)).decode()}\ntime {stamp}\n"
    with tempfile.NamedTemporaryFile() as message:
        message.write(text.encode())
        message.flush()
        blob = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", state["key"], "-rawin", "-in", message.name], check=True, capture_output=True).stdout
    return text + "\n— " + origin + " " + base64.b64encode(bytes.fromhex(state["id"]) + blob).decode() + "\n"


def request_body(old, proof, note):
    return f"old {old}\n" + "".join(base64.b64encode(h).decode() + "\n" for h in proof) + "\n" + note


def send(url, body):
    """Status, body and its type; None if the witness is not there."""
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(url, context=context, timeout=10)
    try:
        connection.request("POST", "/witness/add-checkpoint", body.encode())
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Content-Type")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def post(url, old, proof, note):
    """Status and body."""
    answer = send(url, request_body(old, proof, note))
    return answer and answer[:2]


def offer(url, old, leaves, note):
    return post(url, old, consistency(old, leaves) if 0 < old < len(leaves) else [], note)
