"""For 32-hostile-client.sh: HOST:PORT NODE MANIFEST (open) SECRET (not open) PID FOLDER.  Callers who mean harm, of a node that must not mind."""

import os
import socket
import ssl
import sys
import time

# pylint: disable=wildcard-import,unused-wildcard-import
from hostile import *

HOST, PORT = sys.argv[1].rsplit(":", 1)
NODE, OPEN, SECRET, PID, FOLDER = sys.argv[2:7]
NOTHING_HEX = "0" * 64


def tell(good, what, *more):
    print(f"{'ok' if good else 'not ok'} - {what}", *("\n    " + str(line) for line in ([] if good else more)), sep="", flush=True)


def connect(certificate=None, most=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = most
    if certificate:
        context.load_cert_chain(certificate[1], certificate[0])
    return context.wrap_socket(socket.create_connection((HOST, int(PORT)), timeout=20))


def read_all(connection):
    out = b""
    try:
        while piece := connection.recv(65536):
            out += piece
    except (OSError, ssl.SSLError):
        pass
    return out


def send(data, certificate=None):
    """Everything that comes back until the node hangs up."""
    connection = connect(certificate)
    connection.settimeout(5)     # some of what is sent is no whole request, and the node waits for the rest
    try:
        connection.sendall(data)
    except (OSError, ssl.SSLError):
        pass
    return read_all(connection)


def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def request(method, path, body=None, certificate=None, **headers):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    if body is not None:
        head += f"Content-Length: {len(body)}\r\n"
    return send(head.encode() + b"\r\n" + (body or b""), certificate)


def rest(answer):
    """What a caller sees, but for the date."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return sorted(line for line in head.split(b"\r\n") if not line.startswith(b"Date:")), body


def measured():
    """Anonymous memory in KiB, descriptors."""
    with open(f"/proc/{PID}/status", encoding="ascii") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
    return memory, len(os.listdir(f"/proc/{PID}/fd"))


def addresses():
    for path in ("/v1/../v1/node", "/v1/%6eode", "/v1//node", "/v1/node/", "/V1/node", "/v1/node%00", "/v1/ledgers/../../etc/passwd/records?from=0",
                 "/v1/ledgers/%2e%2e/records?from=0", f"/v1/ledgers/{NODE}/records/../sparse?from=0", f"/v1/versions/{OPEN.upper()}x/details",
                 f"/v1/versions/{OPEN}%2f/details", f"/v1/versions/{OPEN}/", "/" + "a" * 10000, "*"):
        tell(status(request("GET", path)) == 404, f"E1: {path[:50]} is not found", path)
    for query in ("", "?", "?from=", "?from=-1", "?from=01", "?from=0&from=1", "?from=9007199254740992", "?from=0%00", "?from=99"):
        tell(status(request("GET", f"/v1/ledgers/{NODE}/sparse{query}")) == 400, f"E3: the query \"{query}\" is malformed")
    tell(status(request("BREW", "/v1/node")) == 405, "E1: an unknown method")
    tell(b"root:" not in send(b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "no file by path")


def bodies():
    chunks = f"/v1/versions/{OPEN}/chunks"
    for body in (b"", b"0", b"0 \n", b"5-5\n", b"1\n0\n", b"0-9007199254740992\n", b"00\n", b"-1\n", b"0\n0\n", b"0\0\n", b"0-99999999\n", b"0\r\n"):
        tell(status(request("POST", chunks, body)) == 400, f"W13, E16: the range {body!r} is malformed")
    tell(status(request("POST", chunks, b"0\n" * 90000)) == 413, "W13: 180 kB of ranges are too many")
    tell(status(request("POST", "/v1/exchange", b" " * (1 << 20) + b" ")) == 413, "E2: a body of 1 MiB and a byte")
    tell(status(request("POST", "/v1/exchange", b"[" * (1 << 20))) in (400, 413), "C2: a million brackets")
    chunked = b"POST /v1/exchange HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 100
    tell(status(send(chunked + b"0\r\n\r\n")) == 413, "E2: 6 MiB in pieces")
    tell(status(request("GET", "/v1/node", X="h" * 20000)) in (413, 431), "E2: a head of 20 kB is refused")
    tell(status(request("GET", f"/v1/versions/{OPEN}/details", Chama_Grant="!")) == 400, "W6: a grant that is no base64")
    tell(status(request("GET", f"/v1/versions/{OPEN}/details", Chama_Grant="QUJD")) == 200, "W6: a grant that is none matters not where none is needed")


def smuggling():
    inner = f"GET /v1/versions/{SECRET}/details HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    for what, head in (("two lengths", b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(inner)),
                       ("a length and pieces", b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(inner)),
                       ("a negative length", b"Content-Length: -5\r\n"), ("a length of 2^70", b"Content-Length: 1180591620717411303424\r\n"),
                       ("a header over two lines", b"X: a\r\n b\r\n"), ("a header without colon", b"XXXX\r\n"), ("a space before the colon", b"Content-Length : 5\r\n")):
        answer = send(b"POST /v1/exchange HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head + b"\r\n" + inner)
        tell(b"details/1" not in answer and status(answer) in (0, 400, 404, 413, 501), f"{what}: nothing is opened", answer[:200])
    tell(status(send(b"\x16\x03\x01" * 1000)) in (0, 400), "noise for a request")
    plain = socket.create_connection((HOST, int(PORT)), timeout=20)
    plain.sendall(b"GET /v1/node HTTP/1.1\r\nHost: x\r\n\r\n")
    tell(b"node/1" not in read_all(plain), "HTTP without TLS gets nothing")
    try:
        connect(most=ssl.TLSVersion.TLSv1_2)
        tell(False, "TLS 1.2 is refused")
    except (OSError, ssl.SSLError):
        tell(True, "TLS 1.2 is refused")


def oracles():
    stranger = make_certificate(FOLDER, "stranger")
    for who, certificate in (("nobody", None), ("a stranger", stranger)):
        for method, what, body in (("GET", "content", None), ("GET", "details", None), ("POST", "pages", b"16 0\n"), ("POST", "chunks", b"0\n"), ("POST", "chunks", b"x")):
            secret, nothing = (request(method, f"/v1/versions/{hex_digits}/{what}", body, certificate) for hex_digits in (SECRET, NOTHING_HEX))
            tell(status(secret) == 404 and rest(secret) == rest(nothing), f"I4: {what} of what {who} may not have is that of what is not there", secret, nothing)
        whole, nothing = (request("GET", f"/v1/ledgers/{node}/records?from=0", None, certificate) for node in (NODE, "a" * 52))
        tell(status(whole) == 404 and rest(whole) == rest(nothing), f"I4: the same of the ledger for {who}", whole, nothing)


def identities():
    """Who calls is who holds the key, whatever the exchange says."""
    key = make_certificate(FOLDER, "liar")
    other = make_certificate(FOLDER, "other")
    liar, victim = Node(), Node()
    liar.profile(key[2], "")
    victim.profile(other[2], "")

    def exchange(**members):
        return request("POST", "/v1/exchange", canonical({"ledgers": [], "openings": 0, "sparse": [], "type": "exchange/1", **members}), key)

    tell(status(exchange(node=NODE)) == 200 and b'"peer":false' in exchange(node=NODE), "who says that it is the node itself gets what a stranger gets")
    tell(b'"yours"' not in exchange(node=NODE), "and nothing of what is the node's own")
    tell(status(exchange(node=victim.id, introduction=victim.introduction())) == 400, "E6: another's introduction under one's own key")
    tell(status(exchange(node=victim.id, introduction=liar.introduction())) == 400, "E6: one's own introduction under another's name")
    forged = liar.introduction()
    forged["profile"] = forged["profile"][:-20] + forged["profile"][-19:]
    tell(status(exchange(node=liar.id, introduction=forged)) == 400, "E6: a profile with a broken signature")
    tell(status(exchange(introduction=liar.introduction())) == 400, "W4: an introduction of nobody")
    tell(status(exchange(node=liar.id, introduction=liar.introduction())) == 200, "E6: an introduction that is right")
    many = [{"node": base64.b32encode(sha256(b"%d" % i)).decode().lower().rstrip("="), "root": "sha256:" + NOTHING_HEX, "size": 1, "time": stamp(0)} for i in range(641)]
    tell(status(exchange(ledgers=many)) in (400, 413), "W3: 641 ledgers")
    tell(status(exchange(ledgers=many[:2] + many[:1])) == 400, "W3: a ledger twice")
    for i in range(40):
        node = Node()
        node.profile(key[2], "")
        exchange(node=node.id, introduction=node.introduction())


def endurance():
    connection = connect()
    ask = f"GET /v1/versions/{OPEN}/details HTTP/1.1\r\nHost: x\r\n\r\nPOST /v1/versions/{OPEN}/chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n0\n".encode()
    memory, files = 0, 0
    for turn in range(500):
        connection.sendall(ask)
        got = b""
        while got.count(b"\r\n0\r\n\r\n") < 2:
            got += connection.recv(65536)
        if turn == 100:
            memory, files = measured()
    connection.close()
    later, files_later = measured()
    tell(later < memory + 4096, "memory stays flat over 1000 requests", memory, later)
    tell(files_later <= files, "and so do descriptors", files, files_later)

    slow = []
    for _ in range(100):
        try:
            slow.append(connect())
            slow[-1].sendall(b"POST /v1/versions/%s/chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n0-30\n" % OPEN.encode())
            slow.append(connect())
            slow[-1].sendall(b"GET /v1/no")
        except (OSError, ssl.SSLError):
            break
    begun = time.monotonic()
    tell(status(request("GET", "/v1/node")) == 200 and time.monotonic() - begun < 5, f"{len(slow)} callers who do not read or finish hold up nobody", len(slow))
    tell(measured()[0] < 400 * 1024, "and fill no memory", measured())
    for connection in slow:
        connection.close()
    for _ in range(50):
        if measured()[1] < files + 400:
            break
        time.sleep(0.1)
    tell(measured()[1] < files + 400, "their descriptors come back, but for homes that are kept", files, measured())


for part in (addresses, bodies, smuggling, oracles, identities, endurance):
    part()
