"""zstd and XXH3 from their own shared libraries: Python 3.11 brings neither."""

import ctypes
import sys

from .report import Broken


def _load(name, package):
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        sys.exit(f"reader.py: {name} is missing (Debian package {package}): {error}")


_zstd = _load("libzstd.so.1", "libzstd1")
_xxhash = _load("libxxhash.so.0", "libxxhash0")
_zstd.ZSTD_decompress.restype = ctypes.c_size_t
_zstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
_zstd.ZSTD_isError.argtypes = [ctypes.c_size_t]
_zstd.ZSTD_createDCtx.restype = ctypes.c_void_p
_zstd.ZSTD_DCtx_refPrefix.restype = ctypes.c_size_t
_zstd.ZSTD_DCtx_refPrefix.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_zstd.ZSTD_decompressDCtx.restype = ctypes.c_size_t
_zstd.ZSTD_decompressDCtx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
_zstd.ZSTD_findFrameCompressedSize.restype = ctypes.c_size_t
_zstd.ZSTD_findFrameCompressedSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
_context = _zstd.ZSTD_createDCtx()
_xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
_xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


def decompress(data, size):
    """Exactly @size bytes."""
    room = ctypes.create_string_buffer(max(size, 1))
    return _expanded(room, size, _zstd.ZSTD_decompress(room, size, data, len(data)))


def decompress_with_prefix(data, size, prefix):
    """The same of one frame that refers to @prefix."""
    room = ctypes.create_string_buffer(max(size, 1))
    if _zstd.ZSTD_findFrameCompressedSize(data, len(data)) != len(data):
        raise Broken("object: P25: not one zstd frame")
    _zstd.ZSTD_DCtx_refPrefix(_context, prefix, len(prefix))
    return _expanded(room, size, _zstd.ZSTD_decompressDCtx(_context, room, size, data, len(data)))


def _expanded(room, size, result):
    if _zstd.ZSTD_isError(result):
        raise Broken("object: P13: zstd cannot read it")
    if result != size:
        raise Broken(f"object: P13: want {size} plain bytes, have {result}")
    return room.raw[:size]


def xxh3(data, seed=0):
    return _xxhash.XXH3_64bits_withSeed(data, len(data), seed)
