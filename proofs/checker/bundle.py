"""Reads a bundle: a zip of `weights.safetensors`, `certificate.json` and a README, all hostile.

Sizes are looked at before anything is unpacked, and no more than is allowed is ever unpacked.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from typing import Any

from proofs.checker.refusals import Unreadable
from proofs.checker.weights import Json, Weights, read_json, read_weights

MOST_BUNDLE_BYTES = 32 * 2**20
MOST_BYTES = {"weights.safetensors": 24 * 2**20, "certificate.json": 8 * 2**20, "README.txt": 2**16}
FORMAT = ("proofboard-certificate", 1)
TYPES = {
    "format": str, "version": int, "statement": str, "engine_version": str, "model": str,
    "task": {"name": str, "d_vocab": int, "n_ctx": int},
    "strategy": {"name": str, "variant": str, "version": int}, "hints": dict,
    "claim": {"correct": str, "wrong": str, "total": str},
    "blocks": {"correct": list, "wrong": list}, "lengths": dict,
}  # fmt: skip
COUNT = re.compile(r"0|[1-9][0-9]{0,699}")
DAMAGE = (
    ValueError, TypeError, LookupError, RuntimeError, EOFError, OSError, struct.error, zlib.error, zipfile.BadZipFile
)  # fmt: skip
"""What the standard library raises where bytes are not what they should be."""


def read_bundle(data: bytes) -> tuple[Json, Weights]:
    """The certificate and the weights. Raises `Unreadable` for anything but a bundle, and nothing else."""
    try:
        files = _files(data)
        return read_certificate(files["certificate.json"]), read_weights(files["weights.safetensors"])
    except DAMAGE as error:
        raise Unreadable(f"The bundle is damaged: {error!r:.200}") from error


def _files(data: bytes) -> dict[str, bytes]:
    # The end record must stand at the very end and describe a directory of a few files: nothing else is even searched for.
    end = data[-22:]
    plain = end[:4] == b"PK\x05\x06" and int.from_bytes(end[12:16], "little") < 1000 and data[-42:-38] != b"PK\x06\x07"
    if len(data) > MOST_BUNDLE_BYTES or not plain:
        raise Unreadable(f"This is not a plain zip of {len(MOST_BYTES)} files and at most {MOST_BUNDLE_BYTES} bytes.")
    files = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name, size, most = info.filename, info.file_size, MOST_BYTES.get(info.filename, -1)
            if name in files or size > most or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unreadable(f"{name[:80]!r} is no file of a bundle, or there twice, too large, or not deflated.")
            with archive.open(info) as file:
                files[name] = file.read(most + 1)  # never more, whatever the directory says
            if len(files[name]) != size:
                raise Unreadable(f"{name} does not have the {size} bytes that the zip announces.")
    if len(files) != len(MOST_BYTES):
        raise Unreadable(f"A bundle holds exactly {', '.join(MOST_BYTES)}; found {', '.join(files)}.")
    return files


def read_certificate(data: bytes) -> Json:
    """The certificate with its counts as numbers.

    Raises `Unreadable`, or one of `DAMAGE`, unless the bytes are the canonical form of a certificate of this version.
    """
    root = read_json(data, TYPES, "certificate")
    if json.dumps(root, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n" != data:
        raise Unreadable("The certificate is not in canonical form: sorted keys, no spaces, ASCII, one newline.")
    if (root["format"], root["version"]) != FORMAT:
        raise Unreadable(f"Expected {FORMAT}, found {root['format']:.60} version {root['version']}.")
    root["claim"] = {kind: _count(count) for kind, count in root["claim"].items()}
    for kind, rows in root["blocks"].items():
        lengths = [len(row) for row in rows if type(row) is list]
        if lengths != [*range(len(rows), 0, -1)] or len(rows) != root["task"]["d_vocab"]:
            raise Unreadable("blocks must have a row for each token, each shorter by one than the one before.")
        root["blocks"][kind] = [[_count(count) for count in row] for row in rows]
    return root


def _count(value: Any) -> int:
    if not isinstance(value, str) or not COUNT.fullmatch(value):
        raise Unreadable(f"A count must be a whole number in decimal digits, as a text; found {value!r:.40}.")
    return int(value)
