"""fastcdc/1 (manifests/FORMAT.md, part 5): where files are cut into chunks."""

import hashlib
import struct

SIZE_MIN, SIZE_AVERAGE, SIZE_MAX = 16 * 1024, 64 * 1024, 256 * 1024
_BEFORE, _AFTER = 64 - 18, 64 - 14
_MASK = 2**64 - 1
GEAR = [struct.unpack("<Q", hashlib.sha256(b"chama fastcdc/1" + bytes([byte])).digest()[:8])[0] for byte in range(256)]


def cut(data):
    """The length of the first chunk of @data."""
    end = min(len(data), SIZE_MAX)
    if end <= SIZE_MIN:
        return end
    average = min(end, SIZE_AVERAGE)
    total = 0
    for low, high, shift in ((SIZE_MIN, average, _BEFORE), (average, end, _AFTER)):
        for at in range(low, high):
            total = (total << 1) + GEAR[data[at]] & _MASK
            if not total >> shift:
                return at + 1
    return end


def chunks(data):
    at = 0
    while at < len(data):
        size = cut(data[at:at + SIZE_MAX])
        yield data[at:at + size]
        at += size
