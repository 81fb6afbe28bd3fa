"""Reads a bundle: a zip of `weights.safetensors`, `certificate.json` and a README, all hostile."""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs.checker.refusals import Unreadable
from proofs.checker.weights import MOST_OF, Weights, read_json, read_weights

MOST_BUNDLE_BYTES = 32 * 2**20
MOST_BYTES = {"weights.safetensors": 24 * 2**20, "certificate.json": 8 * 2**20, "README.txt": 2**16}
FORMAT = "proofboard-certificate"
VERSION = 1
KEYS = {
    "format",
    "version",
    "statement",
    "engine_version",
    "model",
    "task",
    "strategy",
    "hints",
    "claim",
    "blocks",
    "lengths",
}
COUNT = re.compile(r"0|[1-9][0-9]{0,699}")


@dataclass(frozen=True)
class Certificate:
    model: str
    task: str
    d_vocab: int
    n_ctx: int
    strategy: str
    strategy_version: int
    variant: str
    statement: str
    hints: Mapping[str, Any]
    correct: int
    wrong: int
    total: int
    blocks_correct: tuple[tuple[int, ...], ...]
    """[query][maximum - query]"""
    blocks_wrong: tuple[tuple[int, ...], ...]


def read_bundle(data: bytes) -> tuple[Certificate, Weights]:
    files = _files(data)
    return read_certificate(files["certificate.json"]), read_weights(files["weights.safetensors"])


def _files(data: bytes) -> dict[str, bytes]:
    if len(data) > MOST_BUNDLE_BYTES:
        raise Unreadable(f"The bundle has more than {MOST_BUNDLE_BYTES} bytes.")
    # The end record must stand at the very end and describe a directory of a few files: nothing else is even searched for.
    if data[-22:-18] != b"PK\x05\x06" or data[-42:-38] == b"PK\x06\x07":
        raise Unreadable("This is not a plain zip file.")
    entries, directory_bytes = struct.unpack("<HI", data[-12:-6])
    if entries != len(MOST_BYTES) or directory_bytes > 1000:
        raise Unreadable(f"A bundle holds exactly {', '.join(MOST_BYTES)}; this zip has {entries} entries.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = sorted(info.filename for info in archive.infolist())
            if names != sorted(MOST_BYTES):
                raise Unreadable(f"A bundle holds exactly {', '.join(MOST_BYTES)}; found {', '.join(names)[:200]!r}.")
            return {info.filename: _content(archive, info) for info in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Unreadable(f"The zip is damaged: {str(error)[:200]}") from error


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    most = MOST_BYTES[info.filename]
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise Unreadable(f"{info.filename} is encrypted or packed in an unusual way.")
    if info.file_size > most:
        raise Unreadable(f"{info.filename} has {info.file_size} bytes; at most {most} are read.")
    with archive.open(info) as file:
        content = file.read(most + 1)  # never more, whatever the directory says
        if len(content) != info.file_size or file.read(1):
            raise Unreadable(f"{info.filename} does not have the {info.file_size} bytes that the zip announces.")
    return content


def read_certificate(data: bytes) -> Certificate:
    """Raises `Unreadable` unless the bytes are the canonical form of a certificate of this version."""
    if len(data) > MOST_BYTES["certificate.json"]:
        raise Unreadable(f"The certificate has more than {MOST_BYTES['certificate.json']} bytes.")
    root = _object(read_json(data), KEYS, "certificate")
    if root["format"] != FORMAT or not _is(root["version"], VERSION):
        raise Unreadable(
            f"Expected {FORMAT} version {VERSION}, found {root['format']!r:.60} version {root['version']!r:.20}."
        )
    if json.dumps(root, sort_keys=True, separators=(",", ":")).encode() + b"\n" != data:
        raise Unreadable(
            "The certificate is not in canonical form (sorted keys, no spaces, ASCII, one newline at the end)."
        )
    task = _object(root["task"], {"name", "d_vocab", "n_ctx"}, "task")
    strategy = _object(root["strategy"], {"name", "variant", "version"}, "strategy")
    claim = _object(root["claim"], {"correct", "wrong", "total"}, "claim")
    blocks = _object(root["blocks"], {"correct", "wrong"}, "blocks")
    if not isinstance(root["hints"], dict) or not isinstance(root["lengths"], dict):
        raise Unreadable("hints and lengths must be objects.")
    d_vocab = _whole(task["d_vocab"], "d_vocab", MOST_OF["d_vocab"])
    return Certificate(
        model=_text(root["model"], "model"),
        task=_text(task["name"], "task"),
        d_vocab=d_vocab,
        n_ctx=_whole(task["n_ctx"], "n_ctx", MOST_OF["n_ctx"]),
        strategy=_text(strategy["name"], "strategy"),
        strategy_version=_whole(strategy["version"], "strategy version", 10**6),
        variant=_text(strategy["variant"], "variant"),
        statement=_text(root["statement"], "statement"),
        hints=root["hints"],
        correct=_count(claim["correct"]),
        wrong=_count(claim["wrong"]),
        total=_count(claim["total"]),
        blocks_correct=_triangle(blocks["correct"], d_vocab),
        blocks_wrong=_triangle(blocks["wrong"], d_vocab),
    )


def _is(value: Any, whole: int) -> bool:
    """1.0 and true are equal to 1, and something else."""
    return type(value) is int and value == whole


def _object(value: Any, keys: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise Unreadable(f"{what} must be an object with exactly {', '.join(sorted(keys))}.")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise Unreadable(f"{what} must be a text of at most 200 characters.")
    return value


def _whole(value: Any, what: str, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise Unreadable(f"{what} must be a whole number from 1 to {most}, found {value!r:.40}.")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, str) or not COUNT.fullmatch(value):
        raise Unreadable(f"A count must be a whole number in decimal digits, as a text; found {value!r:.40}.")
    return int(value)


def _triangle(value: Any, d_vocab: int) -> tuple[tuple[int, ...], ...]:
    """One count for each (query, maximum), query <= maximum."""
    if not isinstance(value, list) or [len(row) if isinstance(row, list) else 0 for row in value] != [
        *range(d_vocab, 0, -1)
    ]:
        raise Unreadable(f"blocks must have {d_vocab} rows, with {d_vocab}, {d_vocab - 1}, ... 1 counts.")
    return tuple(tuple(_count(count) for count in row) for row in value)
