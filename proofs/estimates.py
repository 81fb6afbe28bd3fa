"""A model's accuracy where its inputs are too many to try: a stratified sample with an interval. Never a proof.

Strata are the keys of `proofs.sampling`, each with its share of all inputs as weight. One of a single sequence is tried,
not sampled. The interval is Hoeffding's over all draws: it holds whatever the
accuracies of the strata are. Inputs too near a tie for float64 are outside the estimate and inside the interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from proofs.ablations import answers, attention
from proofs.enclosure import Array
from proofs.errors import NotApplicable
from proofs.intervals import Interval, hoeffding
from proofs.model import Model
from proofs.prove import task_of
from proofs.sampling import Key, Tokens, keys, of_keys
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

CHUNK = 2048
MOST_STRATA = 5_000_000


@dataclass(frozen=True)
class Estimate:
    accuracy: float
    within: Interval
    draws: int
    strata: int
    tried: int
    """Strata of one sequence."""


def strata(task: MaxOfK) -> int:
    """How many keys there are, without listing them."""
    v, n = task.d_vocab, task.n_ctx
    smaller = v * (v - 1) // 2  # (maximum, a smaller token)
    both = (v - 1) * v * (2 * v - 1) // 6  # (maximum, two smaller tokens)
    query_is_maximum = v + (n - 1) * smaller
    query_is_smaller = smaller + (n - 2) * both if n > 1 else 0
    return query_is_maximum + query_is_smaller


def estimate(
    model: Model, *, draws: int, seed: int, report: Callable[[int, int], None] = lambda done, of: None
) -> Estimate:
    """With at least `draws` inputs, shared out by the strata's weights. Raises `NotApplicable` if there are too many strata.

    A stratum of weight w gets ceil(w * draws): then no draw weighs more than 1 / draws, and the interval is never wider than
    that of as many uniform draws.
    """
    task = task_of(model)
    count = strata(task)
    if count > MOST_STRATA:
        raise NotApplicable(f"There are {count:,} strata; up to {MOST_STRATA:,} are sampled. Sample uniformly instead.")
    tables, rng = Tables.of(model, Tally()), np.random.default_rng(seed)
    mean = near = spread = 0.0
    done = drawn = tried = 0
    for batch in _batches(keys(task)):
        sizes = [key.size(task) for key in batch]
        weights = np.array([size / task.total for size in sizes])
        times = np.where([size == 1 for size in sizes], 1, np.maximum(np.ceil(weights * draws), 1)).astype(np.int64)
        shares = weights / times
        for row, share in _chunks(batch, times, shares):
            tokens = of_keys(task, row, rng)
            found = answers(_logits(tables, tokens), tokens.max(axis=1))
            mean += float(share[found.margin > found.blur].sum())
            near += float(share[np.abs(found.margin) <= found.blur].sum())
        sampled = np.array([size > 1 for size in sizes])
        spread += float((weights * shares)[sampled].sum())  # w^2 / k
        drawn += int(times.sum())
        tried += int((~sampled).sum())
        done += len(batch)
        report(done, count)
    low, high = (hoeffding(end, [(spread**0.5, 1)]) for end in (mean, mean + near))
    return Estimate(mean, Interval(low.low, high.high), drawn, count, tried)


def _batches(every: Iterator[Key]) -> Iterator[list[Key]]:
    while batch := list(islice(every, CHUNK)):
        yield batch


def _chunks(batch: list[Key], times: Array, shares: Array) -> Iterator[tuple[list[Key], Array]]:
    """Each key as often as it is drawn, with what one draw weighs; not too many at a time."""
    places = np.repeat(np.arange(len(batch)), times)
    for start in range(0, len(places), CHUNK):
        part = places[start : start + CHUNK]
        yield [batch[place] for place in part], shares[part]


def _logits(tables: Tables, tokens: Tokens) -> Array:
    query = tokens[:, -1]
    weights = attention(
        np.take_along_axis(tables.score_token.value[query], tokens, axis=1) + tables.score_position.value[query]
    )
    values = tables.ov_token.value[tokens] + tables.ov_position.value
    mixed: Array = np.matmul(weights[:, None, :], values)[:, 0, :] + tables.direct.value[query]
    return mixed
