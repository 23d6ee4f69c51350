"""Keys, SSHSIG, node ids (keys/IDENTITY.md, parts 3 to 5) and their verification by programs that we did not write."""

import base64
import concurrent.futures
import os
import struct
import subprocess
import tempfile

from .canonical import Digest, base64_decode, parse_object
from .members import Members
from .report import Unknown, want

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
BLOB_MAX = 1024


def _point(encoded):
    """The point (x, y) of RFC 8032's 32 bytes, or None."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if v * x * x % _P != u or (x == 0 and sign):
        return None
    return (_P - x if x & 1 != sign else x), y


def _add(p, q):
    """Extended coordinates: X, Y, Z, T."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(number, point):
    result, power = (0, 1, 1, 0), (*point, 1, point[0] * point[1] % _P)
    while number:
        if number & 1:
            result = _add(result, power)
        power = _add(power, power)
        number >>= 1
    return result


class PublicKey:
    """K1-K3."""

    def __init__(self, data):
        self.data = data

    @classmethod
    def parse(cls, text):
        algorithm, _, value = text.partition(":")
        if algorithm != "ed25519":
            raise Unknown(f"key: K2: unsupported algorithm {algorithm!r}")
        data = base64_decode(value, 32)
        want(len(data) == 32, f"key: K1: want 32 bytes, have {len(data)}")
        key = cls(data)
        key.check()
        return key

    def check(self):
        """K3: a point of prime order, canonically written."""
        point = _point(self.data)
        want(point, "key: K3: no point of the curve, canonically encoded")
        x, y, z, _ = _multiply(_ORDER, point)
        want(point != (0, 1) and x == 0 and y == z, "key: K3: not of prime order")

    def __str__(self):
        return "ed25519:" + base64.b64encode(self.data).decode()

    def openssh(self):
        return "ssh-ed25519 " + base64.b64encode(_string(b"ssh-ed25519") + _string(self.data)).decode()

    def pem(self):
        der = bytes.fromhex("302a300506032b6570032100") + self.data
        return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"


def _string(data):
    return struct.pack(">I", len(data)) + data


class _Fields:
    """Reads SSH strings."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        want(self.at + size <= len(self.data), "signature: K7: it ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def string(self):
        return self.take(struct.unpack(">I", self.take(4))[0])

    def done(self, rule):
        want(self.at == len(self.data), f"signature: {rule}: something after the last field")


class Signature:
    """An SSHSIG blob (K7-K12)."""

    def __init__(self, blob):
        want(len(blob) <= BLOB_MAX, f"signature: K7: want at most {BLOB_MAX} bytes, have {len(blob)}")
        fields = _Fields(blob)
        want(fields.take(6) == b"SSHSIG", "signature: K7: want SSHSIG")
        version, = struct.unpack(">I", fields.take(4))
        if version != 1:
            raise Unknown(f"signature: K8: unsupported version {version}")
        self.blob = blob
        self.key = PublicKey(self._typed(fields.string(), 32))
        self.namespace = fields.string()
        want(fields.string() == b"", "signature: K10: the reserved field is not empty")
        self.hash = fields.string()
        if self.hash not in (b"sha512", b"sha256"):
            raise Unknown(f"signature: K11: unsupported hash {self.hash!r}")
        self.value = self._typed(fields.string(), 64)
        fields.done("K7")
        want(int.from_bytes(self.value[32:], "little") < _ORDER, "signature: K4: the second half is not below the order")

    @staticmethod
    def _typed(data, size):
        fields = _Fields(data)
        kind = fields.string()
        if kind != b"ssh-ed25519":
            raise Unknown(f"signature: K9: unsupported type {kind!r}")
        value = fields.string()
        want(len(value) == size, f"signature: K9: want {size} bytes, have {len(value)}")
        fields.done("K9")
        return value

    @classmethod
    def from_armour(cls, text):
        """K14: this one breaking of lines, of which the last line feed may be missing."""
        lines = text.removesuffix("\n").split("\n")
        want(lines[0] == "-----BEGIN SSH SIGNATURE-----" and lines[-1] == "-----END SSH SIGNATURE-----", "signature: K14: no armour")
        signature = cls(base64_decode("".join(lines[1:-1]), BLOB_MAX))
        want(signature.armour() == text.removesuffix("\n") + "\n", "signature: K14: lines are broken otherwise")
        return signature

    def armour(self):
        text = base64.b64encode(self.blob).decode()
        lines = [text[at:at + 70] for at in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])

    def check_made_by(self, key, namespace):
        """K12, K13: who made it, as far as it says; whether it holds is for ssh-keygen."""
        want(self.namespace == namespace, f"signature: K12: want namespace {namespace.decode()}, have {self.namespace!r}")
        want(self.key.data == key.data, f"signature: K13: want one by {key}, have one by {self.key}")


class Keys:
    """What inceptions and rotations have in common (N2, N6), and where it counts (N13)."""

    before = None
    since = epoch = 0

    def _read_keys(self, members):
        self.signing = PublicKey.parse(members.string("signing"))
        self.log = PublicKey.parse(members.string("log"))
        algorithm, _, value = members.string("encryption").partition(":")
        if algorithm != "x25519":
            raise Unknown(f"{members.what}: unsupported encryption {algorithm!r}")
        want(len(base64_decode(value, 32)) == 32, f"{members.what}: want an encryption key of 32 bytes")
        self.next = members.digest("next")
        want(self.next != self.commitment(), f"{members.what}: N3: next is the hash of signing itself")

    def commitment(self):
        return Digest.of(str(self.signing).encode())

    def states(self):
        """This one and those before it, newest first."""
        state = self
        while state:
            yield state
            state = state.before

    def at(self, seq):
        return next(state for state in self.states() if state.since <= seq)

    def allowed_signers(self):
        """N5."""
        return "".join(f'{self.id} namespaces="chama-record,git" {state.signing.openssh()}\n' for state in reversed([*self.states()]))


class Rotation(Keys):
    """The keys from a rotation on (N6-N12)."""

    SIZE_MAX, COUNT_MAX = 2048, 128

    def __init__(self, record, before):
        want(len(record.data) <= self.SIZE_MAX, f"rotation: N6: want at most {self.SIZE_MAX} bytes, have {len(record.data)}")
        self.before, self.since, self.id, self.epoch = before, record.seq, before.id, before.epoch
        members = Members("rotation: N6", record.object)
        for name in ("node", "prev", "seq", "time", "type"):
            members.left.pop(name)
        self._read_keys(members)
        want(len([*before.states()]) <= self.COUNT_MAX, f"rotation: N9: want at most {self.COUNT_MAX} rotations")
        want(self.commitment() == before.next, "rotation: N7: not the key that was committed to")
        want(self.log.data == before.log.data or self.log.data not in [state.log.data for state in before.states()], "rotation: N8: a log key given up")
        want(self.next not in [state.commitment() for state in before.states()], "rotation: N8: next is the hash of a key that has signed")
        self._read_recovery(members)
        if "disavowed" in members:
            want(members.integer("disavowed", 1) < self.since, "rotation: N12: want a record before it")
        self.endorsement = members.take("endorsed", str, None)
        want(self.endorsement or self.epoch > before.epoch, "rotation: N10: neither endorsed nor a recovery")
        members.done()

    def _read_recovery(self, members):
        if "recovery" not in members:
            return
        recovery = Members("rotation: N11", members.take("recovery", dict))
        self.epoch = recovery.integer("epoch", 1)
        want(self.epoch == self.before.epoch + 1, f"rotation: N11: want epoch {self.before.epoch + 1}, have {self.epoch}")
        want(recovery.integer("size", 1) <= self.since, "rotation: N11: want no more records than there are")
        recovery.done()

    def queue_endorsement(self, queue, record):
        """N10: what the old key signed is the record without the member, in canonical JSON: it is cut out of the bytes."""
        if not self.endorsement:
            return
        signature = Signature(base64_decode(self.endorsement, BLOB_MAX))
        signature.check_made_by(self.before.signing, b"chama-rotation")
        bare = record.data.replace(f'"endorsed":"{self.endorsement}",'.encode(), b"")
        queue.add(f"record {record.seq}: endorsement", self.before.signing, b"chama-rotation", bare, signature)


class Identity(Keys):
    """An inception and what follows from it (N1-N5)."""

    INCEPTION_MAX = 1024

    def __init__(self, inception):
        want(len(inception) <= self.INCEPTION_MAX, f"inception: N2: want at most {self.INCEPTION_MAX} bytes, have {len(inception)}")
        members = Members("inception: N2", parse_object(inception, self.INCEPTION_MAX))
        members.choice("type", "inception/1")
        want(members.integer("seq") == 0, "inception: N2: want seq 0")
        self.time = members.time("time")
        self._read_keys(members)
        members.done()
        self.digest = Digest.of(inception)
        self.id = node_id(self.digest)

    def spoken_fingerprint(self):
        return spoken_fingerprint(self.digest)


def node_id(digest):
    """N1."""
    return base64.b32encode(digest).decode().lower().rstrip("=")


def node_digest(text):
    """N1, the other way."""
    return Digest(base64.b32decode(text.upper() + "===="))


def spoken_fingerprint(digest):
    """N4."""
    digits = f"{int.from_bytes(digest, 'big') % 10**40:040d}"
    return " ".join(digits[at:at + 5] for at in range(0, 40, 5))


class SignatureQueue:
    """SSHSIG signatures of many messages, checked by as many ssh-keygens at once as there are cores."""

    def __init__(self, report):
        self.report = report
        self.jobs = []

    def add(self, subject, key, namespace, message, signature):
        self.jobs.append((subject, key, namespace, message, signature))

    def run(self):
        """Counts the good, reports the bad."""
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for index, (subject, holds) in enumerate(pool.map(lambda job: self._verify(folder, *job), enumerate(self.jobs))):
                if holds:
                    self.report.count(f"signatures of {self.jobs[index][2].decode()}")
                else:
                    self.report.problem(f"{subject}: K4: ssh-keygen says that the signature does not hold")
        self.jobs = []

    @staticmethod
    def _verify(folder, number, job):
        subject, key, namespace, message, signature = job
        allowed, armour = os.path.join(folder, f"{number}.allowed"), os.path.join(folder, f"{number}.sig")
        with open(allowed, "w", encoding="ascii") as file:
            file.write(f'signer namespaces="{namespace.decode()}" {key.openssh()}\n')
        with open(armour, "w", encoding="ascii") as file:
            file.write(signature.armour())
        run = subprocess.run(["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "signer", "-n", namespace.decode(), "-s", armour],
                             input=message, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        os.unlink(allowed)
        os.unlink(armour)
        return subject, run.returncode == 0


def verify_raw(key, message, signature):
    """A bare Ed25519 signature, by openssl."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        for path, data in zip(paths, (key.pem().encode(), message, signature)):
            with open(path, "wb") as file:
                file.write(data)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", paths[0], "-rawin", "-in", paths[1], "-sigfile", paths[2]],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
