"""Reading an image's structure without decoding a pixel.

A file is taken for an image only when its parts are where the format puts them; a signature alone would let anything
else follow it. Sizes are in pixels.
"""

import struct
import zlib

Size = tuple[int, int]


class BrokenImageError(ValueError):
    """The bytes are not one whole image of that format."""


def image_size(data: bytes, content_type: str) -> Size:
    """Width and height of a PNG, JPEG, GIF or WebP image; raises BrokenImageError."""
    try:
        return _READERS[content_type](data)
    except (struct.error, IndexError) as error:
        raise BrokenImageError("The image ends before it should.") from error


def _png(data: bytes) -> Size:
    size: Size | None = None
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(data[at + 4 : end - 4]) != checksum:
            raise BrokenImageError("A part of the PNG image is damaged.")
        if name == b"IHDR":
            size = struct.unpack_from(">II", data, at + 8)
        at = end
        if name == b"IEND":
            break
    if size is None or at != len(data):
        raise BrokenImageError("Something follows the end of the PNG image.")
    return size


# Start-of-frame markers carry the size; C4, C8 and CC in their range mean something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA


def _jpeg(data: bytes) -> Size:
    size: Size | None = None
    at = 2
    while True:
        if data[at] != 0xFF:
            raise BrokenImageError("A part of the JPEG image is not where it should be.")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = (width, height)
        if marker == _START_OF_SCAN:
            break
        at += 2 + length
    # Telephones append a film or a second picture, so the end marker need not be the last byte.
    if size is None or data.find(b"\xff\xd9", at) < 0:
        raise BrokenImageError("The JPEG image has no end.")
    return size


def _gif(data: bytes) -> Size:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _colour_table(flags)
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at = _after_blocks(data, at + 2)
        elif data[at] == 0x2C:
            at = _after_blocks(data, at + 10 + _colour_table(data[at + 9]) + 1)
        else:
            raise BrokenImageError("A part of the GIF image is not where it should be.")
    if at + 1 != len(data):
        raise BrokenImageError("Something follows the end of the GIF image.")
    return width, height


def _colour_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _webp(data: bytes) -> Size:
    (length,) = struct.unpack_from("<I", data, 4)
    # The length may leave out one byte of padding.
    if len(data) - 8 not in {length, length + length % 2}:
        raise BrokenImageError("The WebP image is longer or shorter than it says.")
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise BrokenImageError("The WebP image holds no picture.")


_READERS = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
