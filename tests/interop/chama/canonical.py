"""Canonical JSON (keys/IDENTITY.md, part 2, C1-C9) and digests and base64 (part 1, D1-D4)."""

import base64
import binascii
import calendar
import hashlib
import json
import re
import time

from .report import Broken, Unknown, want

DEPTH_MAX = 16
MEMBERS_MAX = 4096
INTEGER_MAX = 2**53 - 1


class Digest(bytes):
    """32 bytes of SHA-256."""

    @classmethod
    def of(cls, data):
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def parse(cls, text):
        """D1, D2."""
        algorithm, colon, value = text.partition(":")
        want(colon, f"digest: D1: want sha256: and 64 hex digits, have {text!r}")
        if algorithm != "sha256":
            raise Unknown(f"digest: D2: unsupported algorithm {algorithm!r}")
        want(re.fullmatch("[0-9a-f]{64}", value), f"digest: D1: want 64 lower-case hex digits, have {value!r}")
        return cls(bytes.fromhex(value))

    def __str__(self):
        return "sha256:" + self.hex()


def base64_decode(text, limit):
    """D3, D4."""
    want(len(text) <= (limit + 2) // 3 * 4, f"base64: D4: want at most {limit} bytes")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken(f"base64: D3: {error}") from error
    want(len(data) <= limit, f"base64: D4: want at most {limit} bytes, have {len(data)}")
    want(base64.b64encode(data).decode() == text, "base64: D3: not the one spelling")
    return data


def _check_depth(text):
    """C2, on the bytes, so that no parser has to follow what is too deep."""
    depth = 0
    for bracket in re.findall(r"[][{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.S)):
        depth += 1 if bracket in "[{" else -1
        want(depth <= DEPTH_MAX, f"canonical JSON: C2: want at most {DEPTH_MAX} levels")


def _unique(pairs):
    names = [name for name, _ in pairs]
    want(len(names) == len(set(names)), f"canonical JSON: C6: a name stands twice in {names}")
    return dict(pairs)


def _integer(text):
    value = int(text)
    want(abs(value) <= INTEGER_MAX, f"canonical JSON: C4: {text} is beyond 2^53-1")
    return value


def _refuse_number(text):
    raise Broken(f"canonical JSON: C4: {text} is no integer")


def _check_string(text):
    want("\0" not in text, "canonical JSON: C7: U+0000 in a string")
    want(not re.search("[\ud800-\udfff]", text), "canonical JSON: C7: a lone surrogate in a string")


def _check_value(value):
    """C5, C7; the number of members, for C3."""
    if isinstance(value, dict):
        for name in value:
            _check_string(name)
        return len(value) + sum(_check_value(member) for member in value.values())
    if isinstance(value, list):
        return len(value) + sum(_check_value(element) for element in value)
    if isinstance(value, str):
        _check_string(value)
    want(value is not None, "canonical JSON: C5: null")
    return 0


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def _quote(text):
    return '"' + re.sub(r'[\x00-\x1f"\\]', lambda m: _ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04x}", text) + '"'


def _sorted(members):
    """C8: by UTF-16 code units."""
    return sorted(members.items(), key=lambda member: member[0].encode("utf-16-be"))


def _scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _quote(value)


def _serialise(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(name)}:{_serialise(member)}" for name, member in _sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_serialise, value)) + "]"
    return _scalar(value)


def serialise(value):
    return _serialise(value).encode()


def _indent(value, level):
    inner, outer = "\n" + "  " * (level + 1), "\n" + "  " * level
    if isinstance(value, dict) and value:
        lines = (f"{_quote(name)}: {_indent(member, level + 1)}" for name, member in _sorted(value))
        return "{" + inner + ("," + inner).join(lines) + outer + "}"
    if isinstance(value, list) and value:
        return "[" + inner + ("," + inner).join(_indent(element, level + 1) for element in value) + outer + "]"
    return _serialise(value)


def indented(value):
    """The form for people."""
    return (_indent(value, 0) + "\n").encode()


def parse(data, limit):
    """C1-C8: the object or array that @data spells, or Broken."""
    want(len(data) <= limit, f"canonical JSON: C1: want at most {limit} bytes, have {len(data)}")
    try:
        text = data.decode()
        _check_depth(text)
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_refuse_number,
                           parse_constant=_refuse_number)
    except UnicodeDecodeError as error:
        raise Broken(f"canonical JSON: C7: {error}") from error
    except (ValueError, RecursionError) as error:
        raise Broken(f"canonical JSON: C1: {error}") from error
    want(isinstance(value, (dict, list)), "canonical JSON: C1: want an object or array")
    want(_check_value(value) <= MEMBERS_MAX, f"canonical JSON: C3: want at most {MEMBERS_MAX} members")
    want(serialise(value) == data, "canonical JSON: C8: another spelling than the canonical one")
    return value


def parse_object(data, limit):
    value = parse(data, limit)
    want(isinstance(value, dict), "canonical JSON: want an object, have an array")
    return value


def parse_time(text):
    """C9: seconds since 1970."""
    want(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII), f"time: C9: want YYYY-MM-DDThh:mm:ssZ, have {text!r}")
    try:
        parsed = time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as error:
        raise Broken(f"time: C9: {error}") from error
    want(parsed.tm_year >= 1970 and parsed.tm_sec < 60, f"time: C9: want a year from 1970 and no leap second, have {text!r}")
    return calendar.timegm(parsed)
