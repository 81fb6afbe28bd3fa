"""The certificate of a sub-cubic proof: a table of gaps and a few directions. Hostile until read here.

    gaps         base64 of zlib of little-endian uint16, [query, maximum, n_ctx] in C order
    directions   name -> list of floats, those that the options use
    search       for proofs as published: which tables the search saw; informative only

Directions may be any finite vectors of the right length. Gaps must be at least 1: a smaller one would speak about tokens
beyond the maximum and count more inputs than exist (audit U-6).
"""

import base64
import binascii
import math
import zlib
from dataclasses import fields
from typing import Any

import numpy as np
from jaxtyping import Int64

from proofs.enclosure import Array
from proofs.errors import InvalidHints
from proofs.model import Model
from proofs.strategies import Hints
from proofs.subcubic.directions import Directions
from proofs.subcubic.options import PEELED, RANK_ONE, Direct, Options

SCORE_DIRECTIONS = ("query", "key")
PEELED_DIRECTIONS = (*SCORE_DIRECTIONS, "second_query", "second_key", "w_query", "w_key")


def used_directions(options: Options) -> tuple[str, ...]:
    of_error = SCORE_DIRECTIONS if options.error in RANK_ONE else PEELED_DIRECTIONS if options.error in PEELED else ()
    return (*of_error, "direct") if options.direct is Direct.U2 else of_error


def write(options: Options, gaps: Int64[Array, "query maximum n_ctx"], directions: Directions) -> dict[str, Any]:
    packed = base64.b64encode(zlib.compress(gaps.astype("<u2").tobytes()))
    used = {name: getattr(directions, name).tolist() for name in used_directions(options)}
    return {"gaps": packed.decode("ascii"), "directions": used}


def read(options: Options, model: Model, hints: Hints) -> tuple[Int64[Array, "query maximum n_ctx"], Directions]:
    """Raises `InvalidHints` for anything that the checks must not be given."""
    return _read_gaps(model, hints.get("gaps")), _read_directions(options, model, hints.get("directions"))


def _read_gaps(model: Model, packed: object) -> Int64[Array, "query maximum n_ctx"]:
    shape = (model.d_vocab, model.d_vocab, model.n_ctx)
    size = 2 * math.prod(shape)
    if not isinstance(packed, str):
        raise InvalidHints("gaps must be text: base64 of zlib of little-endian uint16.")
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), size + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise InvalidHints(f"gaps cannot be unpacked ({error}); expected base64 of zlib of uint16.") from error
    if len(data) != size:
        raise InvalidHints(f"gaps must hold {size // 2} numbers, one for each of {shape}.")
    gaps = np.frombuffer(data, dtype="<u2").reshape(shape).astype(np.int64)
    if (gaps < 1).any():
        raise InvalidHints("Every gap must be at least 1: smaller ones speak about tokens beyond the maximum.")
    return gaps


def _read_directions(options: Options, model: Model, given: object) -> Directions:
    found = given if isinstance(given, dict) else {}
    used = used_directions(options)
    vectors = {}
    for field in fields(Directions):
        length = model.d_vocab if field.name in PEELED_DIRECTIONS[:4] else model.d_model
        vectors[field.name] = (
            _vector(field.name, found.get(field.name), length) if field.name in used else np.zeros(length)
        )
    return Directions(**vectors)


def _vector(name: str, given: object, length: int) -> Array:
    if not isinstance(given, list) or len(given) != length or not all(type(number) is float for number in given):
        raise InvalidHints(f"direction {name} must be a list of {length} floats.")
    vector = np.array(given)
    if not (np.abs(vector) <= 1e6).all():
        raise InvalidHints(f"direction {name} must be finite and reasonably short; scale it to length 1.")
    return vector
