"""asked.py STATE URL: every status of C2SP tlog-witness from the witness at URL, and each cosignature verified by openssl.  STATE as in tests/faults/cosign.py."""

import base64
import hashlib
import json
import os
import re
import sys

from chama.cosigning import consistency, request_body, root, send, sign
from chama.notes import cosigned_at

with open(sys.argv[1], encoding="utf-8") as file:
    state = json.load(file)
url = sys.argv[2]
leaves = [bytes.fromhex(h) for h in state["leaves"]]
failed = 0


def expect(what, status, body, kind=None, pattern=""):
    global failed
    answer = send(url, body)
    if answer[0] == status and (kind is None or answer[2] == kind) and re.fullmatch(pattern, answer[1]):
        print(f"ok - {status}: {what}")
    else:
        failed = 1
        print(f"not ok - {what}: want {status} {kind} {pattern!r}\n    have {answer}")
    return answer[1]


def more(count):
    return [os.urandom(32) for _ in range(count)]


SIZE, LINE, ANY = "text/x.tlog.size", "(— [^ +]+ [A-Za-z0-9+/=]+\n)+", "(?s).*"
held = len(leaves)

# 200: from one size to many others, each with its proof, each cosignature good.
for step in (1, 1, 2, 3, 5, 7, 13, 31, 64, 129):
    old = len(leaves)
    leaves += more(step)
    note = sign(state, leaves)
    line = expect(f"from {old} to {len(leaves)}", 200, request_body(old, consistency(old, leaves), note), None, LINE)
    if cosigned_at((note + line).encode(), state["vkey"]) is None:
        failed = 1
        print("not ok - a line that is not the witness's")
held = len(leaves)
note = sign(state, leaves)
expect("the same once more", 200, request_body(held, [], note), None, LINE)

# 409: with the size.
for old in (0, 1, held - 1):
    expect(f"from {old}", 409, request_body(old, consistency(old, leaves) if old else [], note), SIZE, f"{held}\n")
grown = leaves + more(5)
expect("from 0 with a larger one", 409, request_body(0, [], sign(state, grown)), SIZE, f"{held}\n")

# 422: proofs that do not hold.
proof, larger = consistency(held, grown), sign(state, grown)
expect("no proof", 422, request_body(held, [], larger), None, ANY)
expect("a hash too few", 422, request_body(held, proof[:-1], larger), None, ANY)
expect("a hash too many", 422, request_body(held, proof + proof[:1], larger), None, ANY)
expect("another order", 422, request_body(held, proof[::-1], larger), None, ANY)
expect("a flipped bit", 422, request_body(held, [bytes([proof[0][0] ^ 1]) + proof[0][1:]] + proof[1:], larger), None, ANY)
expect("a proof for the same size", 422, request_body(held, proof, note), None, ANY)
expect("another history of the same size", 422, request_body(held, [], sign(state, leaves[:-1] + more(1))), None, ANY)
other = leaves[:-1] + more(4)
expect("another history, larger", 422, request_body(held, consistency(held, other), sign(state, other)), None, ANY)

# 403, 404, 400.
head, _, signatures = larger.rpartition("\n\n")
blob = bytearray(base64.b64decode(signatures.split(" ")[2]))
blob[-1] ^= 1
forged = head + "\n\n" + signatures.rpartition(" ")[0] + " " + base64.b64encode(bytes(blob)).decode() + "\n"
expect("a signature with a flipped bit", 403, request_body(held, proof, forged), None, ANY)
blob[0] ^= 1
stranger = head + "\n\n" + signatures.rpartition(" ")[0] + " " + base64.b64encode(bytes(blob)).decode() + "\n"
expect("another key id", 403, request_body(held, proof, stranger), None, ANY)
expect("another text", 403, request_body(held, proof, larger.replace(f"\n{len(grown)}\n", f"\n{len(grown) + 1}\n", 1)), None, ANY)
expect("another log", 404, request_body(held, proof, larger.replace(state["origin"], "log.example")), None, ANY)
unknown = "chama/" + "a" * 52
expect("a node that is not known", 404, request_body(held, proof, larger.replace(state["origin"], unknown)), None, ANY)
for what, body in (
    ("nothing", ""),
    ("no old line", "\n" + larger),
    ("an old size above the new one", request_body(len(grown) + 1, [], larger)),
    ("a leading zero", f"old 0{held}\n\n{larger}"),
    ("a sign", f"old +{held}\n\n{larger}"),
    ("no empty line", f"old {held}\n{larger}"),
    ("CR LF", f"old {held}\r\n\r\n{larger}"),
    ("a hash of 31 bytes", f"old {held}\n{base64.b64encode(bytes(31)).decode()}\n\n{larger}"),
    ("64 hashes", request_body(held, [bytes(32)] * 64, larger)),
    ("no signature", f"old {held}\n\n{head}\n"),
    ("a size that is none", request_body(held, proof, larger.replace(f"\n{len(grown)}\n", "\nmany\n", 1))),
    ("a root that is none", request_body(held, proof, larger.replace(larger.split("\n")[2], "AAAA", 1))),
):
    expect(what, 400, body, None, ANY)
expect("and all that changed nothing", 200, request_body(held, proof, larger), None, LINE)
assert root(leaves) != hashlib.sha256(b"").digest()
sys.exit(failed)
