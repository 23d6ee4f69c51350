"""Typed members of a document of which all members are known, and text that people will see (manifests/FORMAT.md, M6)."""

import re

from .canonical import INTEGER_MAX, Digest, base64_decode, parse_time
from .report import Broken, want

_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                     "\U000e0000-\U000e007f]")
NODE_ID = re.compile("[a-z2-7]{51}[aq]")
NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def check_text(what, text, limit, lines=False):
    """M6: 1 to @limit bytes of text; with @lines, line feeds are allowed."""
    want(isinstance(text, str), f"{what}: want a string")
    size = len(text.encode())
    want(1 <= size <= limit, f"{what}: M6: want 1 to {limit} bytes, have {size}")
    bad = _UNSEEN.search(text.replace("\n", "") if lines else text)
    want(not bad, f"{what}: M6: U+{ord(bad[0]) if bad else 0:04X} cannot be seen")
    return text


class Members:
    """Takes the members of an object one by one; done() refuses what nobody took."""

    _REQUIRED = object()

    def __init__(self, what, value):
        want(isinstance(value, dict), f"{what}: want an object")
        self.what = what
        self.left = dict(value)

    def __contains__(self, name):
        return name in self.left

    def take(self, name, kind, default=_REQUIRED):
        if name not in self.left:
            want(default is not self._REQUIRED, f"{self.what}: {name} is missing")
            return default
        value = self.left.pop(name)
        want(type(value) is kind, f"{self.what}: {name}: want {kind.__name__}, have {type(value).__name__}")
        return value

    def integer(self, name, low=0):
        value = self.take(name, int)
        want(low <= value <= INTEGER_MAX, f"{self.what}: {name}: want {low} to 2^53-1, have {value}")
        return value

    def string(self, name, pattern=None):
        value = self.take(name, str)
        want(not pattern or re.fullmatch(pattern, value), f"{self.what}: {name}: {value!r} is not spelt as it should be")
        return value

    def choice(self, name, *choices):
        value = self.take(name, str)
        want(value in choices, f"{self.what}: {name}: want one of {choices}, have {value!r}")
        return value

    def text(self, name, limit, lines=False, optional=False):
        if optional and name not in self.left:
            return None
        return check_text(f"{self.what}: {name}", self.take(name, str), limit, lines)

    def texts(self, name, count, limit, empty=False):
        """An optional list of texts; M16: none rather than empty."""
        if name not in self.left:
            return []
        values = self.take(name, list)
        want(empty or values, f"{self.what}: {name}: M16: an empty list")
        want(len(values) <= count, f"{self.what}: {name}: want at most {count}, have {len(values)}")
        return [check_text(f"{self.what}: {name}", value, limit) for value in values]

    def digest(self, name):
        try:
            return Digest.parse(self.take(name, str))
        except Broken as broken:
            raise type(broken)(f"{self.what}: {name}: {broken}") from broken

    def time(self, name):
        return parse_time(self.take(name, str))

    def base64(self, name, limit):
        return base64_decode(self.take(name, str), limit)

    def done(self):
        want(not self.left, f"{self.what}: {', '.join(sorted(self.left))}: no such member")
