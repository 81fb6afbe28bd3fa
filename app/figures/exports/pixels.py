"""A table as an image inside an SVG: one pixel for each cell, since 128 x 128 shapes would be a megabyte."""

import struct
import zlib
from base64 import b64encode

from app.figures.exports.chart import COLOURS, Series


def image(series: Series, *, left: float, top: float, width: float, height: float, from_below: bool) -> str:
    """The cells in the given rectangle; the first row of `z` at the top, or `from_below`."""
    rows = series.z[::-1] if from_below else series.z
    pixels = b"".join(b"\0" + b"".join(_rgb(series, value) for value in row) for row in rows)
    header = struct.pack(">IIBBBBB", len(series.z[0]), len(rows), 8, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(pixels, 9)), _chunk(b"IEND", b""))
    content = b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()
    return (
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'style="image-rendering: pixelated" href="data:image/png;base64,{content}"/>'
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _rgb(series: Series, value: float | None) -> bytes:
    if value is None:
        return bytes.fromhex(COLOURS["raised"][1:])
    low, high = series.limits
    place = min(1.0, max(0.0, (value - low) / (high - low) if high > low else 0.0))
    for (a, first), (b, second) in zip(series.scale, series.scale[1:], strict=False):
        if place <= b:
            share = (place - a) / (b - a) if b > a else 0.0
            ends = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
            return bytes(round(p + share * (q - p)) for p, q in ends)
    return bytes.fromhex(series.scale[-1][1][1:])
