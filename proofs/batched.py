"""The dynamic programmes of `proofs.counting`, many at once, in torch: the same integers and operations on any device.

Counts are whole multiples of a unit of which all together are less than 2**53, so that no sum rounds, in whatever order a
device adds (`proofs.counting`). All else is done element by element: shifts by powers of two, rounding to whole units, and
products that IEEE 754 defines. So the results are those of the compiled programmes, bit by bit.

Terms, bins and the other small parts stay on the processor; a device gets the steps of all programmes of a query.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from proofs.counting import (
    DROPPED,
    completions,
    distinct,
    in_steps,
    largest_sum,
    ranges,
    terms_for_answers,
    terms_with_lead,
    units_after,
)
from proofs.enclosure import Array

AT_ONCE = 2**22
"""Additions on their way at a time: bounds the memory, not the result."""


@dataclass(frozen=True, eq=False)
class Programme:
    terms: Array
    """[position, token]"""
    base: float
    needs_last: bool


def reaching_with_lead(
    lead: Array, gain: Array, low: Array, high: Array, query: int, bins: int, device: str = "cpu"
) -> tuple[Array, int]:
    """`counting.reaching_with_lead` on a device."""
    n_ctx, d_vocab, _ = lead.shape
    found, operations = np.zeros(d_vocab), 0
    waiting: dict[int, Programme] = {}
    for m in range(query, d_vocab):
        terms, base = terms_with_lead(lead, gain, low, high, query, m)
        operations += 3 * (n_ctx - 1) * (m + 1) + 3 + (n_ctx - 1) * (m + 3) + 3
        if largest_sum(terms, base, query != m) >= 0:
            waiting[m] = Programme(terms, base, query != m)
    counts, spent = reaching(list(waiting.values()), bins, True, device)
    found[list(waiting)] = counts
    return found, operations + spent


def reaching_for_answers(
    ov: Array,
    direct: Array,
    low: Array,
    high: Array,
    open_answers: Array,
    margin: float,
    query: int,
    bins: int,
    groups: int,
    device: str = "cpu",
) -> tuple[Array, Array, int]:
    """`counting.reaching_for_answers` on a device."""
    n_ctx, d_vocab, _ = ov.shape
    at_most, at_least, operations = np.zeros(d_vocab), np.zeros(d_vocab), 0
    waiting: dict[tuple[int, int], tuple[Programme, Array]] = {}
    for m in range(query, d_vocab):
        for run, group in enumerate(_runs(np.flatnonzero(open_answers[m]), groups)):
            terms, base, spent = terms_for_answers(ov, direct, low, high, margin, query, m, group)
            operations += spent + (n_ctx - 1) * (m + 3) + 3
            if largest_sum(terms, base, query != m) >= 0:
                waiting[m, run] = Programme(terms, base, query != m), group
    counts, spent = reaching([programme for programme, _ in waiting.values()], bins, True, device)
    operations += spent
    rounds: dict[int, list[tuple[int, float, Array]]] = {}
    for ((m, run), (_, group)), count in zip(waiting.items(), counts, strict=True):
        at_most[m] = min(at_most[m] + count, 2.0 ** (53 + units_after(m + 1, n_ctx - 1)[n_ctx - 1]))
        operations += 2
        if group.shape[0] == 1:
            rounds.setdefault(run, []).append((m, count, group))
    for run in sorted(rounds):  # an answer is looked at from below only if it may beat those before
        chosen = [(m, group) for m, count, group in rounds[run] if count > at_least[m]]
        programmes = []
        for m, group in chosen:
            terms, base, spent = terms_for_answers(ov, direct, high, low, -margin, query, m, group)
            operations += spent + 1
            programmes.append(Programme(terms, base, query != m))
        counts, spent = reaching(programmes, bins, False, device)
        operations += spent
        for (m, _), count in zip(chosen, counts, strict=True):
            at_least[m] = max(at_least[m], count)
    return at_most, at_least, operations


def _runs(answers: Array, groups: int) -> list[Array]:
    runs = min(groups, len(answers))
    return [answers[len(answers) * run // runs : len(answers) * (run + 1) // runs] for run in range(runs)]


def reaching(programmes: Sequence[Programme], bins: int, upwards: bool, device: str) -> tuple[Array, int]:
    """`counting.reaching_at_most` (`upwards`) or `reaching_at_least` of each programme; all operations."""
    found, operations = np.zeros(len(programmes)), 0
    places, steps = [], []
    for place, programme in enumerate(programmes):
        mine, found[place], spent = in_steps(programme.terms, programme.base, programme.needs_last, bins, upwards)
        operations += spent
        if mine.shape[0]:
            places.append(place)
            steps.append(mine)
    if places:
        needs_last = np.array([programmes[place].needs_last for place in places])
        found[places], spent = _Batch(steps, needs_last, upwards, device).run()
        operations += spent
    return found, operations


class _Batch:
    """Programmes with as many positions each. State s of programme b is at [b, held, s + most[b]]."""

    def __init__(self, steps: list[Array], needs_last: Array, upwards: bool, device: str) -> None:
        self.steps, self.upwards, self.device = steps, upwards, device
        self.positions = steps[0].shape[0]
        found = [ranges(each)[:3] for each in steps]
        self.most, self.bare_most, self.least = (np.array(each) for each in zip(*found, strict=True))
        self.units = np.array([units_after(each.shape[1], self.positions) for each in steps])
        ways = [completions(each) for each in steps]
        self.ways_held, self.ways_bare = (np.array(each) for each in zip(*ways, strict=True))
        self.start = np.where(needs_last, 0, 1)
        self.operations = 0

    def run(self) -> tuple[Array, int]:
        size = len(self.steps)
        width = self.most - self.least
        now = self._zeros(size, 2, int(width[:, 0].max()))
        now[self._on(np.arange(size)), self._on(self.start), self._on(self.most[:, 0])] = 1.0
        found = self._zeros(size)
        for j in range(self.positions - 1):
            counts = self._whole(now * self._shrink(j, j + 1))
            after = self._zeros(size, 2, int(width[:, j + 1].max()))
            reached = self._advance(j, counts, after, width[:, j + 1])
            rest = 2.0 ** -(self.units[:, -1] - self.units[:, j + 1]).astype(float)
            for held, ways in ((1, self.ways_held), (0, self.ways_bare)):
                found += self._in_units(reached[:, held], self._on(ways[:, j + 1]), self._on(rest))
            now = after
        found += self._last(now, width[:, self.positions - 1])
        return found.cpu().numpy() * 2.0 ** self.units[:, -1].astype(float), self.operations

    def _advance(self, j: int, counts: torch.Tensor, after: torch.Tensor, width: Array) -> torch.Tensor:
        """Adds position j to every state; the counts that reach zero whatever follows, [programme, held]."""
        found = [distinct(each[j]) for each in self.steps]
        self.operations += sum(spent + 4 for _, _, spent in found)
        values = self._on(_padded([each for each, _, _ in found], DROPPED))
        ways = self._on(_padded([each for _, each, _ in found], 0.0))
        last = self._on(np.array([each[j, -1] for each in self.steps]))
        limit = self._on(width)
        programme, held, index = counts.nonzero(as_tuple=True)
        count = counts[programme, held, index]
        partial = index + self._on(self.most[:, j + 1] - self.most[:, j])[programme]
        bare = self._on(
            np.where(self.bare_most[:, j + 1] == DROPPED, -DROPPED, self.most[:, j + 1] - self.bare_most[:, j + 1])
        )
        lowest = torch.where(held == 1, 0, bare[programme])
        reached = self._zeros(len(self.steps), 2)
        self.operations += 11 * len(count)  # the last token, and the step that ends the loop
        chunk = max(1, AT_ONCE // max(1, values.shape[1]))
        for first in range(0, len(count), chunk):
            part = slice(first, first + chunk)
            b, h, at = programme[part, None], held[part, None], partial[part, None] + values[programme[part]]
            more = count[part, None] * ways[programme[part]]
            over, inside = at >= limit[b], (at >= lowest[part, None]) & (at < limit[b])
            self.operations += 6 * int((over | inside).sum())
            b, h = b.expand_as(at), h.expand_as(at)
            reached.index_put_((b[over], h[over]), more[over], accumulate=True)
            after.index_put_((b[inside], h[inside], at[inside]), more[inside], accumulate=True)
        at = partial + last[programme]
        over, inside = (last != DROPPED)[programme] & (at >= limit[programme]), (at >= 0) & (at < limit[programme])
        reached[:, 1].index_put_((programme[over],), count[over], accumulate=True)
        after[:, 1].index_put_((programme[inside], at[inside]), count[inside], accumulate=True)
        return reached

    def _last(self, now: torch.Tensor, width: Array) -> torch.Tensor:
        """The last position: for each state, the tokens whose step reaches zero."""
        final = self.positions - 1
        offset = self.most[:, final]
        reaching, bare = np.zeros((2, len(self.steps), now.shape[2]))
        for b, steps in enumerate(self.steps):
            at = np.maximum(offset[b] - steps[final], 0)
            np.add.at(reaching[b], at[at < width[b]], 1.0)
            if offset[b] - steps[final, -1] < now.shape[2]:
                bare[b, max(0, offset[b] - steps[final, -1]) :] = 1.0
            self.operations += 4 * steps.shape[1] + int(width[b])
        self.operations += 4 * int(now[:, 1].count_nonzero()) + 5 * int(now[:, 0].count_nonzero())
        counts = self._whole(now * self._shrink(final, final + 1))
        found = counts[:, 1] * self._on(reaching.cumsum(axis=1)) + counts[:, 0] * self._on(bare)
        return found.sum(dim=1)

    def _in_units(self, count: torch.Tensor, ways: torch.Tensor, shrink: torch.Tensor) -> torch.Tensor:
        product = count * ways
        guard = 1.0 + 2.0**-40 if self.upwards else 1.0 - 2.0**-40
        return self._whole(torch.where(product >= 2.0**53, product * guard, product) * shrink)

    def _shrink(self, j: int, after: int) -> torch.Tensor:
        return self._on(2.0 ** (self.units[:, j] - self.units[:, after]).astype(float))[:, None, None]

    def _whole(self, counts: torch.Tensor) -> torch.Tensor:
        return counts.ceil() if self.upwards else counts.floor()

    def _zeros(self, *shape: int) -> torch.Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self.device)

    def _on(self, values: Array) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(values), device=self.device)


def _padded(rows: list[Array], filling: float) -> Array:
    table = np.full((len(rows), max(1, *(len(row) for row in rows))) if rows else (0, 1), filling, rows[0].dtype)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
