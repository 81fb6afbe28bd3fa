"""Writes the corpus: `python -m tests.certificates.generate`. One bundle for each way to be right, wrong or unreadable.

Add a case when a way to fool a checker is found; none ever leaves. The names say what each file is about. Expected exit
codes: valid/ 0, invalid/ 1, unreadable/ 2.
"""

import json
import struct
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from proofs.model import Array, Model
from proofs.strategies import CATALOGUE, Variant
from proofs.subcubic import hints as hints_of
from proofs.subcubic.directions import find
from proofs.subcubic.options import BY_CODE
from tests.certificates.bundles import (
    Json,
    blocks_of,
    bundled,
    canonical,
    certified,
    checkpoint,
    claim,
    close_calls,
    copier,
    files_of,
    lying_zip,
    zipped,
)  # fmt: skip
from tests.proofs.problems import from_tables, knows_nothing
from tests.proofs.references import FIXTURE_B, written_out

HERE = Path(__file__).parent
MODEL = copier(2)
EXACT = certified(MODEL, "separable-exact")
EXECUTED = certified(MODEL, "separable-exact", variant=Variant.AS_EXECUTED)
CUBIC = certified(MODEL, "cubic")
SUBCUBIC = certified(MODEL, "U4-A1-E9")
WEIGHTS = checkpoint(MODEL)
HONEST = files_of(canonical(EXACT), WEIGHTS)


def valid() -> dict[str, bytes]:
    models = {
        "copier": MODEL,
        "with-biases": copier(5, biases=True),
        "one-token-inputs": copier(0, n=1),
        "two-tokens": copier(1, v=2, n=4),
        "six-positions": copier(3, v=3, n=6),
        "attends-to-one-token-only": copier(4, focus=1000.0),
        "only-ties": knows_nothing(),
    }
    cases = {
        f"{name}-{strategy}": bundled(certified(model, strategy), model)
        for name, model in models.items()
        for strategy in (*(s.name for s in CATALOGUE), "U1-A1-E1", "U2-A2-E8", "U4-A1-E9")
        if name == "copier" or strategy in ("separable-exact", "separable-quartic", "cubic", "U1-A1-E1")
    }
    for name, model in {"copier": MODEL, "with-biases": models["with-biases"], "close-calls": close_calls()}.items():
        for strategy in ("separable-exact", "separable-quartic", "separable-sorted", "cubic", "U4-A1-E9"):
            root = certified(model, strategy, variant=Variant.AS_EXECUTED)
            cases[f"{name}-in-float32-{strategy}"] = bundled(root, model)
    cases["claims-nothing"] = bundled(blocks_of(CUBIC, lambda q, m: (0, 0)), MODEL)
    cases["claims-less-than-it-could"] = bundled(claim(EXACT, 0, 3, correct=-1, wrong=-1), MODEL)
    cases["deflated"] = zipped(HONEST)
    return cases


def invalid() -> dict[str, bytes]:
    cases = {
        "one-correct-too-many": claim(EXACT, 0, 3, correct=1, wrong=-1),
        "one-wrong-too-many": claim(EXACT, 0, 3, correct=-1, wrong=1),
        "one-more-than-the-theorem-gives": claim(CUBIC, 3, 3, correct=1),
        "more-than-the-block-holds": claim(EXACT, 1, 3, correct=64),
        "count-past-2-to-the-64": claim(EXACT, 0, 0, correct=2**64),
        "count-that-wraps-to-minus-one": claim(EXACT, 0, 0, correct=2**64 - 1),
        "the-same-block-twice": claim(EXACT, 3, 3, correct=int(EXACT["blocks"]["correct"][3][0])),
        "total-is-not-the-sum": EXACT | {"claim": EXACT["claim"] | {"correct": "64"}},
        "other-total": EXACT | {"claim": EXACT["claim"] | {"total": "65"}},
        "other-statement": EXACT | {"statement": "as-executed-in-float32-v1"},
        "as-published": certified(MODEL, "cubic", variant=Variant.AS_PUBLISHED),
        "other-task-name": EXACT | {"task": EXACT["task"] | {"name": "min-of-3"}},
        "other-length": EXACT | {"task": {"name": "max-of-2", "d_vocab": 4, "n_ctx": 2}},
        "wrong-hash": EXACT | {"model": EXACT["model"][:-1] + ("0" if EXACT["model"][-1] != "0" else "1")},
        "hash-of-nothing": EXACT | {"model": "0" * 64},
        "exact-count-by-a-quadratic-theorem": _by(EXACT, "separable-quadratic"),
        "exact-count-by-the-cubic-theorem": _by(EXACT, "cubic"),
        "zero-gap": _gaps(SUBCUBIC, lambda gaps: np.where(gaps == gaps.max(), 0, gaps)),
        "gaps-of-one": _gaps(SUBCUBIC, lambda gaps: np.ones_like(gaps), counted=True),
        "gaps-beyond-every-token": _gaps(SUBCUBIC, lambda gaps: np.full_like(gaps, 2**16 - 1)),
        "counts-off-by-one-maximum": _off_by_one_maximum(EXACT),
        "in-float32-one-too-many": claim(EXECUTED, 0, 3, correct=1, wrong=-1),
        "in-float32-by-the-cubic-theorem": _by(EXECUTED, "cubic"),
    }
    found = {name: bundled(root, MODEL) for name, root in cases.items()}
    found["weights-of-another-model"] = bundled(EXACT, copier(3))
    found["one-bit-of-a-weight"] = zipped(
        files_of(canonical(EXACT), WEIGHTS[:-4] + bytes([WEIGHTS[-4] ^ 1]) + WEIGHTS[-3:])
    )
    ties = knows_nothing()
    found["a-tie-counts-as-right"] = bundled(claim(certified(ties, "cubic"), 0, 0, correct=1), ties)
    found["published-option-a1"] = _published_option_a1()
    close = close_calls()
    relabelled = certified(close, "separable-exact") | {"statement": "float32-v1"}
    found["real-arithmetic-as-if-in-float32"] = bundled(relabelled, close)
    return found | _as_if_about_another_model()


def _by(root: Json, strategy: str) -> Json:
    return root | {
        "strategy": root["strategy"] | {"name": strategy},
        "hints": {"shells": 4} if "quad" in strategy else {},
    }


def _off_by_one_maximum(root: Json) -> Json:
    """What is claimed of a maximum is said of the one above, and of the greatest what is claimed of the least."""
    counts = {kind: [[int(count) for count in row] for row in root["blocks"][kind]] for kind in ("correct", "wrong")}
    return blocks_of(root, lambda q, m: (counts["correct"][q][m - q - 1], counts["wrong"][q][m - q - 1]))


def _gaps(root: Json, change: Callable[..., object], *, counted: bool = False) -> Json:
    """Other gaps; `counted`: and the number of inputs that they would stand for if every entry held."""
    options = BY_CODE["U4-A1-E9"]
    gaps, _ = hints_of.read(options, MODEL, root["hints"])
    changed = root | {"hints": hints_of.write(options, change(gaps), find(MODEL))}  # type: ignore[arg-type]
    if not counted:
        return changed
    return blocks_of(changed, lambda q, m: ((m + 1) ** 2 - (m**2 if q < m else 0), 0))


def _published_option_a1() -> bytes:
    """Fixture B: the published computation claims 15 of 64 inputs, of which 14 are right (audit U-1)."""
    model = written_out(FIXTURE_B)
    gaps = np.ones((model.d_vocab, model.d_vocab, model.n_ctx), np.int64)
    hints = hints_of.write(BY_CODE["U1-A1-E9"], gaps, find(model))
    root = certified(model, "U1-A1-E9", hints, Variant.AS_PUBLISHED)
    assert root["claim"]["correct"] == "15"
    root["strategy"]["variant"] = "strict"
    return bundled(root, model)


def _as_if_about_another_model() -> dict[str, bytes]:
    """What an engine counts that reads the wrong position for the query, or a table with its axes swapped."""
    v, n = 4, 3
    direct = 6 * np.random.default_rng(1).normal(size=(v, v))
    score, ov = np.tile(np.arange(v) * 2.0, (v, 1)), 6 * np.eye(v)
    model = from_tables(score, ov, direct, n_ctx=n)
    tensors = {name: tensor.copy() for name, tensor in model.tensors().items()}
    tensors["W_pos"][:, -v:] = [[0, 0, 0, 9], [0, 0, 0, 9], [9, 0, 0, 0]]  # what the unembedding reads
    shouts = Model.of(tensors)

    def misread(position: Array) -> Model:
        return Model.of(tensors | {"W_pos": np.vstack([tensors["W_pos"][:-1], position]).astype(np.float32)})

    cases = {
        "query-at-the-mean-position": (shouts, misread(tensors["W_pos"].mean(axis=0))),
        "query-at-the-first-position": (shouts, misread(tensors["W_pos"][0])),
        "swapped-axes-of-the-direct-path": (model, from_tables(score, ov, direct.T, n_ctx=n)),
        "swapped-axes-of-the-scores": (model, from_tables(score.T, ov, direct, n_ctx=n)),
    }
    return {
        name: bundled(certified(misread, "separable-exact") | {"model": read.digest}, read)
        for name, (read, misread) in cases.items()
    }


def unreadable() -> dict[str, bytes]:
    honest = canonical(EXACT)
    found = {
        f"certificate-{name}": zipped(files_of(content, WEIGHTS)) for name, content in _certificates(honest).items()
    }
    found |= {f"weights-{name}": zipped(files_of(honest, content)) for name, content in _weights().items()}
    return found | _zips() | {"in-float32-beyond-its-range": _beyond_float32()}


def _beyond_float32() -> bytes:
    """About programs whose numbers are larger than the statement covers."""
    large = Model.of(MODEL.tensors() | {"W_U": MODEL.W_U * np.float32(2**17)})
    return bundled(certified(large, "separable-exact") | {"statement": "float32-v1"}, large)


def _certificates(honest: bytes) -> Mapping[str, bytes]:
    def changed(**entries: object) -> bytes:
        return canonical(EXACT | entries)

    def counted(count: object) -> bytes:
        return changed(claim=EXACT["claim"] | {"correct": count})

    rows = EXACT["blocks"]["correct"]
    return {
        "truncated": honest[: len(honest) // 2],
        "empty": b"",
        "not-json": b"\x80\x04K\x01.",
        "not-an-object": b"[]\n",
        "nested-deeply": b'{"hints":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        "key-twice": honest.replace(b'{"blocks"', b'{"blocks":{},"blocks"', 1),
        "with-spaces": json.dumps(EXACT, sort_keys=True).encode() + b"\n",
        "unsorted": json.dumps(dict(reversed(EXACT.items())), separators=(",", ":")).encode() + b"\n",
        "no-final-newline": honest[:-1],
        "key-missing": canonical({key: value for key, value in EXACT.items() if key != "blocks"}),
        "key-too-many": changed(comment="please"),
        "version-0": changed(version=0),
        "version-2": changed(version=2),
        "version-true": changed(version=True),
        "version-1.0": changed(version=1.0),
        "strategy-version-1.0": changed(strategy=EXACT["strategy"] | {"version": 1.0}),
        "other-format": changed(format="proof"),
        "strategy-unknown": changed(strategy=EXACT["strategy"] | {"name": "separable-perfect"}),
        "strategy-a-path": changed(strategy=EXACT["strategy"] | {"name": "../../etc/passwd"}),
        "strategy-version-2": changed(strategy=EXACT["strategy"] | {"version": 2}),
        "count-nan": honest.replace(b'"correct":"47"', b'"correct":NaN', 1),
        "count-infinite": honest.replace(b'"correct":"47"', b'"correct":1e999', 1),
        "count-a-number": counted(47),
        "count-a-fraction": counted("47.0"),
        "count-negative": counted("-1"),
        "count-with-leading-zero": counted("047"),
        "count-in-other-digits": counted("\u0664\u0667"),
        "count-of-a-million-digits": counted("9" * 1_000_000),
        "number-of-a-million-digits": honest.replace(b'"version":1}', b'"version":' + b"9" * 1_000_000 + b"}", 1),
        "row-twice": changed(blocks=EXACT["blocks"] | {"correct": [rows[0], *rows]}),
        "row-missing": changed(blocks=EXACT["blocks"] | {"correct": rows[:-1]}),
        "axes-swapped": changed(blocks=EXACT["blocks"] | {"correct": rows[::-1]}),
        "ten-billion-tokens": changed(task=EXACT["task"] | {"d_vocab": 10**10}),
        "no-tokens": changed(task=EXACT["task"] | {"d_vocab": 0}),
        "gaps-missing": canonical(SUBCUBIC | {"hints": {}}),
        "gaps-too-few": canonical(SUBCUBIC | {"hints": {"gaps": "eJwDAAAAAAE="}}),
        "gaps-that-unpack-to-a-gigabyte": canonical(SUBCUBIC | {"hints": {"gaps": _a_gigabyte()}}),
        "gaps-no-base64": canonical(SUBCUBIC | {"hints": {"gaps": "\u2603"}}),
    }


def _a_gigabyte() -> str:
    """Zeros, packed a thousand to one."""
    packer = zlib.compressobj()
    first, other = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return b64encode(first + other * 1023).decode()


def _weights() -> Mapping[str, bytes]:
    length = int.from_bytes(WEIGHTS[:8], "little")
    header = json.loads(WEIGHTS[8 : 8 + length])
    body = WEIGHTS[8 + length :]

    def written(entries: object, content: bytes = body) -> bytes:
        text = json.dumps(entries).encode()
        return len(text).to_bytes(8, "little") + text + content

    def spoilt(**entry: object) -> bytes:
        return written(header | {"embed.W_E": header["embed.W_E"] | entry})

    return {
        "empty": b"",
        "truncated": WEIGHTS[:-10],
        "with-a-tail": WEIGHTS + b"\0",
        "header-longer-than-the-file": (2**63).to_bytes(8, "little") + WEIGHTS[8:],
        "header-truncated": WEIGHTS[: 8 + length // 2],
        "header-of-a-million-tensors": written({f"t{k}": 0 for k in range(75_000)}),
        "header-too-long": written({"__metadata__": {"a": "a" * 2**21}} | header),
        "tensor-twice": (lambda text: len(text).to_bytes(8, "little") + text + body)(
            WEIGHTS[8 : 8 + length].rstrip()[:-1] + b',"embed.W_E":{}}'
        ),
        "tensors-overlap": spoilt(data_offsets=[0, 80]),
        "offsets-negative": spoilt(data_offsets=[-80, 0]),
        "offsets-of-ten-gigabytes": spoilt(data_offsets=[0, 10**10]),
        "shape-of-a-tera": spoilt(shape=[2**20, 2**20]),
        "shape-negative": spoilt(shape=[-4, -5]),
        "shape-empty": spoilt(shape=[]),
        "float64": spoilt(dtype="F64"),
        "nan": WEIGHTS[:-4] + struct.pack("<f", float("nan")),
        "infinite": WEIGHTS[:-4] + struct.pack("<f", float("inf")),
        "two-layers": written(header | {"blocks.1.attn.W_Q": header["unembed.b_U"]}),
        "tensor-missing": written({name: entry for name, entry in header.items() if name != "unembed.W_U"}),
        "a-pickle": b"\x80\x02}q\x00.",
        "not-json": written(header).replace(b"{", b"(", 1),
    }


def _zips() -> dict[str, bytes]:
    whole = zipped(HONEST)
    others = {name: content for name, content in HONEST.items() if name != "weights.safetensors"}
    encrypted = bytearray(zipped(HONEST, method=zipfile.ZIP_STORED))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.find(magic) + flags] |= 1
    twice = bytearray(zipped(HONEST | {"certificate.jso_": b"{}"}, method=zipfile.ZIP_STORED))
    return {
        "zip-empty": b"",
        "zip-not": b"This is no zip file at all, however long one looks at it.",
        "zip-truncated": whole[:-30],
        "zip-with-a-tail": whole + b"\0",
        "zip-damaged": whole[:100] + bytes([whole[100] ^ 255]) + whole[101:],
        "zip-without-certificate": zipped({name: content for name, content in HONEST.items() if "json" not in name}),
        "zip-with-a-stranger": zipped(HONEST | {"../../etc/passwd": b"root"}),
        "zip-with-a-stranger-instead": zipped(others | {"/etc/passwd": b"root"}),
        "zip-with-certificate-twice": bytes(twice.replace(b"certificate.jso_", b"certificate.json")),
        "zip-encrypted": bytes(encrypted),
        "zip-lzma": zipped(HONEST, method=zipfile.ZIP_LZMA),
        "zip-bomb": zipped(others | {"weights.safetensors": bytes(30 * 2**20)}),
        "zip-announces-less-than-it-holds": lying_zip(
            "weights.safetensors", bytes(2**22), announced=2000, others=others
        ),
        "zip-announces-more-than-it-holds": lying_zip("weights.safetensors", WEIGHTS, announced=4000, others=others),
        "zip-announces-ten-gigabytes": _ten_gigabytes(whole),
        "zip-announces-four-gigabytes": lying_zip("weights.safetensors", WEIGHTS, announced=2**32 - 2, others=others),
    }


def _ten_gigabytes(whole: bytes) -> bytes:
    """The directory says, in the fields for large files, that the weights have 10 GB."""
    end = whole[-22:]
    begin = int.from_bytes(end[16:20], "little")
    place = whole.rfind(b"PK\x01\x02")  # the last entry, of the weights
    name = whole[place + 46 : len(whole) - 22]
    extra = struct.pack("<HHQ", 1, 8, 10**10)
    fields = bytearray(whole[place : place + 46])
    fields[24:28], fields[30:32] = b"\xff" * 4, struct.pack("<H", len(extra))
    directory = whole[begin:place] + bytes(fields) + name + extra
    return whole[:begin] + directory + end[:12] + struct.pack("<I", len(directory)) + end[16:]


def main() -> None:
    for folder, make in (("valid", valid), ("invalid", invalid), ("unreadable", unreadable)):
        (HERE / folder).mkdir(exist_ok=True)
        for name, content in make().items():
            (HERE / folder / f"{name}.zip").write_bytes(content)


if __name__ == "__main__":
    main()
