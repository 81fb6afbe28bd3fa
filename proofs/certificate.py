"""A proof as an artefact: canonical JSON that says what is claimed, and a bundle that a stranger can check.

The bytes are a function of the claim: sorted keys, no spaces, ASCII, exact counts as decimal texts, arrays as base64 of
little-endian bytes. So the same proof is the same file, and its SHA-256 is its name. Reading is strict: any other bytes for
the same content are refused, and sizes, ranges and types are validated before use. Layout: `docs/certificates.md`.
"""

import hashlib
import io
import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from proofs.errors import InvalidCertificate
from proofs.strategies import BY_NAME, Variant
from proofs.task import MaxOfK

if TYPE_CHECKING:  # the web reads certificates without loading numpy
    from proofs.prove import Claim

FORMAT = "proofboard-certificate"
VERSION = 1
STATEMENTS = {
    Variant.STRICT: "real-arithmetic-v1",
    Variant.AS_EXECUTED: "float32-v1",
    Variant.AS_PUBLISHED: "real-arithmetic-v1",
}
"""docs/semantics.md: the model in real arithmetic on its float32 weights, or as any float32 program executes it; a tie is wrong.
A certificate names statement and theorem apart: what is proved as executed rests on the strict theorem."""
STRATEGY_VERSION = 1
"""Of every theorem in the catalogue. Raise it when one changes: a checker must know which theorem it re-derives."""

MOST_BYTES = 64 * 2**20
MOST_HINT_BYTES = 4 * 2**20
MOST_D_VOCAB = 4096
MOST_N_CTX = 256
COUNT = re.compile(r"0|[1-9][0-9]{0,999}")
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,199}", re.IGNORECASE)

README = """This bundle is a proof that a neural network is right on at least so many inputs.

  weights.safetensors   the network's weights, float32
  certificate.json      the claim: about which weights, which task, by which theorem, how many inputs

Check it without trusting whoever gave it to you, with Python 3.11 or later and nothing else:

  python -m proofs.checker BUNDLE.zip

from a copy of Proofboard's source, directory `proofs/checker` (standard library only, no floating point). It prints
ACCEPTED (exit code 0), or REJECTED (1) with what was expected and found, or UNREADABLE (2).

What an accepted certificate means is written in docs/semantics.md, the format in docs/certificates.md.
"""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says. Read, hence consistent with itself, but not checked."""

    model_digest: str
    task: MaxOfK
    strategy: str
    variant: Variant
    hints: Mapping[str, Any]
    correct: int
    wrong: int
    blocks_correct: tuple[tuple[int, ...], ...]
    """[query][maximum - query]"""
    blocks_wrong: tuple[tuple[int, ...], ...]
    lengths: Mapping[str, int]
    engine_version: str


def certificate_of(claim: "Claim") -> bytes:
    """The canonical certificate of a claim. The same claim gives the same bytes."""
    v = claim.task.d_vocab
    blocks = claim.bound.blocks
    return _canonical(
        {
            "format": FORMAT,
            "version": VERSION,
            "statement": STATEMENTS[claim.variant],
            "engine_version": claim.engine_version,
            "model": claim.model_digest,
            "task": {"name": claim.task.name, "d_vocab": v, "n_ctx": claim.task.n_ctx},
            "strategy": {"name": claim.strategy, "variant": str(_theorem(claim.variant)), "version": STRATEGY_VERSION},
            "hints": {name: _hint(value) for name, value in claim.hints.items()},
            "claim": {
                "correct": str(claim.bound.correct),
                "wrong": str(claim.bound.wrong),
                "total": str(claim.bound.total),
            },
            "blocks": {
                "correct": [[str(n) for n in row.certified[row.query :]] for row in blocks],
                "wrong": [[str(n) for n in (row.wrong or (0,) * v)[row.query :]] for row in blocks],
            },
            "lengths": {model: str(length) for model, length in claim.lengths.items()},
        }
    )


def digest_of(certificate: bytes) -> str:
    """The certificate's name: SHA-256 of its bytes."""
    return hashlib.sha256(certificate).hexdigest()


def read(data: bytes) -> Certificate:
    """The certificate in hostile bytes. Raises `InvalidCertificate` with a sentence that says what is wrong."""
    root = _parsed(data)
    task = _task(_record(root["task"], {"name", "d_vocab", "n_ctx"}, "task"))
    strategy = _record(root["strategy"], {"name", "variant", "version"}, "strategy")
    if repr(strategy["version"]) != repr(STRATEGY_VERSION):  # 1.0 and true are equal to 1
        raise InvalidCertificate(f"Version {strategy['version']!r:.20} of the strategy is unknown; prove it again.")
    claim = _record(root["claim"], {"correct", "wrong", "total"}, "claim")
    blocks = _record(root["blocks"], {"correct", "wrong"}, "blocks")
    lengths = root["lengths"]
    if not isinstance(lengths, dict) or len(lengths) > 20:
        raise InvalidCertificate("lengths must be an object with at most 20 cost models.")
    certificate = Certificate(
        model_digest=_match(root["model"], DIGEST, "model"),
        task=task,
        strategy=_known(_match(strategy["name"], NAME, "strategy")),
        variant=_variant(strategy["variant"], root["statement"]),
        hints=_hints(root["hints"]),
        correct=_count(claim["correct"], "claim.correct"),
        wrong=_count(claim["wrong"], "claim.wrong"),
        blocks_correct=_triangle(blocks["correct"], task),
        blocks_wrong=_triangle(blocks["wrong"], task),
        lengths={_match(model, NAME, "cost model"): _count(n, "length") for model, n in lengths.items()},
        engine_version=_match(root["engine_version"], NAME, "engine_version"),
    )
    _check_sums(certificate, _count(claim["total"], "claim.total"))
    return certificate


def bundle(certificate: bytes, weights: bytes) -> bytes:
    """A zip of the certificate, the checkpoint and how to check them; the same bytes for the same input."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (
            ("README.txt", README.encode()),
            ("certificate.json", certificate),
            ("weights.safetensors", weights),
        ):
            entry = zipfile.ZipInfo(name)  # dated 1980: no clock
            entry.compress_type = zipfile.ZIP_STORED  # compressed bytes would depend on the zlib at hand
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _canonical(root: Mapping[str, Any]) -> bytes:
    return json.dumps(root, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _hint(value: Any) -> Any:
    """Numbers, texts and numpy arrays. A float is written as the shortest text that reads as the same float."""
    if isinstance(value, str) or type(value) in (int, float):
        return value
    if isinstance(value, Mapping):
        return {name: _hint(entry) for name, entry in value.items()}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        plain = value.astype(value.dtype.newbyteorder("<"))
        return {"array": plain.dtype.str, "shape": list(plain.shape), "bytes": b64encode(plain.tobytes()).decode()}
    if isinstance(value, list | tuple):
        return [_hint(entry) for entry in value]
    raise TypeError(f"A hint of type {type(value).__name__} has no canonical form.")


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise InvalidCertificate(f"A certificate has at most {MOST_BYTES:,} bytes; this one has {len(data):,}.")
    try:
        root = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        canonical = _canonical(root)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCertificate(f"The certificate is not JSON: {error}") from error
    if canonical != data:  # also catches duplicate keys
        raise InvalidCertificate("The certificate is not in canonical form, so its SHA-256 does not name it.")
    keys = {
        "format", "version", "statement", "engine_version", "model", "task", "strategy", "hints", "claim", "blocks",
        "lengths",
    }  # fmt: skip
    root = _record(root, keys, "The certificate")
    said = repr((root["format"], root["version"]))
    if said != repr((FORMAT, VERSION)):
        raise InvalidCertificate(f"Expected {FORMAT} version {VERSION}, found {said[:120]}.")
    return root


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _record(value: Any, keys: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise InvalidCertificate(f"{what} must be an object with exactly {', '.join(sorted(keys))}.")
    return value


def _match(value: Any, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidCertificate(f"{what} must match {pattern.pattern}, found {str(value)[:80]!r}.")
    return value


def _count(value: Any, what: str) -> int:
    return int(_match(value, COUNT, what))


def _task(value: Mapping[str, Any]) -> MaxOfK:
    for axis, most in (("d_vocab", MOST_D_VOCAB), ("n_ctx", MOST_N_CTX)):
        if type(value[axis]) is not int or not 1 <= value[axis] <= most:
            raise InvalidCertificate(f"{axis} must be a whole number from 1 to {most}, found {str(value[axis])[:40]}.")
    task = MaxOfK(d_vocab=value["d_vocab"], n_ctx=value["n_ctx"])
    if value["name"] != task.name:
        raise InvalidCertificate(f"The task of n_ctx {task.n_ctx} is {task.name}, not {str(value['name'])[:40]!r}.")
    return task


def _known(strategy: str) -> str:
    if strategy not in BY_NAME:
        raise InvalidCertificate(f"The strategy {strategy!r} is unknown to this version of Proofboard.")
    return strategy


def _theorem(variant: Variant) -> Variant:
    return Variant.STRICT if variant is Variant.AS_EXECUTED else variant


def _variant(theorem: Any, statement: Any) -> Variant:
    for variant, about in STATEMENTS.items():
        if (theorem, statement) == (str(_theorem(variant)), about):
            return variant
    raise InvalidCertificate(
        f"Nothing is known about the variant {str(theorem)[:40]!r} with the statement {str(statement)[:40]!r}."
    )


def _hints(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(json.dumps(value)) > MOST_HINT_BYTES:
        raise InvalidCertificate(f"hints must be an object of at most {MOST_HINT_BYTES:,} bytes.")
    return cast("Mapping[str, Any]", value)


def _triangle(value: Any, task: MaxOfK) -> tuple[tuple[int, ...], ...]:
    v = task.d_vocab
    if not isinstance(value, list) or [len(r) if isinstance(r, list) else 0 for r in value] != list(range(v, 0, -1)):
        raise InvalidCertificate(f"blocks must have {v} rows of {v}, {v - 1}, ... 1 counts, one for each maximum.")
    return tuple(tuple(_count(entry, "A block's count") for entry in row) for row in value)


def _check_sums(certificate: Certificate, total: int) -> None:
    """No count may be more than its block holds, and the claim is the sum of the blocks."""
    task = certificate.task
    for query, rows in enumerate(zip(certificate.blocks_correct, certificate.blocks_wrong, strict=True)):
        for offset, (right, wrong) in enumerate(zip(*rows, strict=True)):
            size = task.block_size(query, query + offset)
            if right + wrong > size:
                raise InvalidCertificate(
                    f"Block ({query}, {query + offset}) has {size} inputs; expected no more, found {right} + {wrong}."
                )
    for what, expected, found in (
        ("total", task.total, total),
        ("correct", sum(map(sum, certificate.blocks_correct)), certificate.correct),
        ("wrong", sum(map(sum, certificate.blocks_wrong)), certificate.wrong),
    ):
        if expected != found:
            raise InvalidCertificate(f"claim.{what}: expected {expected}, found {found}.")
