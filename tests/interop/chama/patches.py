"""Objects stored as their difference from others (manifests/FORMAT.md, P25-P28)."""

from dataclasses import dataclass

from .canonical import Digest
from .libraries import decompress_with_prefix
from .report import want

BASES_MAX, REACH_MAX, BASE_SIZE_MAX = 4, 30, 256 * 1024


@dataclass
class Patch:
    reach: int
    bases: list
    delta: bytes

    @classmethod
    def parse(cls, stored, digest):
        """P25, P26."""
        want(len(stored) >= 2, "P25: no head")
        reach, count = stored[0], stored[1]
        want(1 <= count <= BASES_MAX, f"P25: {count} bases")
        want(count <= reach <= REACH_MAX, f"P26: a reach of {reach} with {count} bases")
        head = 2 + 32 * count
        want(len(stored) > head, "P25: no zstd frame")
        bases = [Digest(stored[at:at + 32]) for at in range(2, head, 32)]
        want(digest not in bases, "P25: against itself")
        return cls(reach, bases, stored[head:])

    def open(self, size, find_base):
        """P13, P25."""
        plain = [find_base(base) for base in self.bases]
        want(all(len(base) <= BASE_SIZE_MAX for base in plain), "P25: a base of more than 256 KiB")
        return decompress_with_prefix(self.delta, size, b"".join(plain))
