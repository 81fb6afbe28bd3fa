"""The programme behind separable-paired, on terms that no model has to have: never fewer tuples than there are."""

from itertools import product

import numpy as np
import pytest

from proofs.enclosure import Array
from proofs.pairing import DROPPED, FAINT, _below, _columns, _programme, _reaching, _terms, _units_after


@pytest.mark.parametrize("seed", range(60))
def test_counts_every_tuple_that_reaches_zero_with_some_answer(seed: int) -> None:
    random = np.random.default_rng(seed)
    exact, found = 0.0, 0.0
    for _ in range(20):
        answers, free, tokens = (int(random.integers(1, most)) for most in (4, 5, 5))
        first = int(random.integers(0, free))
        end = int(random.integers(first + 1, free + 1))
        needs_last = bool(random.random() < 0.7)
        terms = random.normal(size=(answers, free, tokens)) * random.choice([0.3, 1.0, 3.0], size=(answers, 1, tokens))
        terms[random.random(terms.shape) < 0.1] = -np.inf  # no tuple with this token reaches zero
        bases = random.normal(size=answers) * 2 - 2
        ways = np.ones(tokens)
        ways[0] = 3.0 if tokens > 1 else 1.0
        there_are = _tuples(terms, bases, ways, (first, end) if needs_last else None)
        if not needs_last:
            first, end = 0, free
        for bins in (1, 20, 4096):
            counted, _ = _reaching(terms.copy(), bases.copy(), needs_last, bins, first, end, ways)
            assert counted >= there_are
        exact, found = exact + there_are, found + counted
    assert found < 3 * exact + 100  # and says something


@pytest.mark.parametrize("needs_last", [True, False])
@pytest.mark.parametrize("share", [0.5, 1e-2, 1e-8, 1e-12])
def test_long_programmes_round_up_and_lose_no_faint_state(share: float, needs_last: bool) -> None:
    """Counts beyond 2^53, in whole steps: only units and faint states are rounded, and only up."""
    random = np.random.default_rng(0)
    free, tokens = 40, 6
    ways = np.array([7.0, *np.ones(tokens - 1)])
    everything = int(ways.sum()) ** free
    units = _units_after(int(ways.sum()), free)
    assert units[free] > 60
    for first, end in [(0, free), (3, 17)] if needs_last else [(0, free)]:
        steps = random.integers(0, 4, size=(free, tokens))
        steps[:, 0] = 0
        sums = _sums(steps, ways, (first, end) if needs_last else None)
        reaching = dict(
            zip(sorted(sums), np.cumsum([sums[total] for total in sorted(sums, reverse=True)])[::-1], strict=True)
        )
        need = max(total for total, n in reaching.items() if n >= share * sum(sums.values()))
        steps[-1] -= need
        event = np.where((np.arange(free) >= first) & (np.arange(free) < end) & needs_last, steps[:, -1], DROPPED)
        want = np.zeros((free, tokens), np.int64)
        counted, _ = _programme(steps[None], event, want, needs_last, end, ways, units)
        found = int(counted) << int(units[free])
        assert reaching[need] <= found <= reaching[need] * (1 + 1e-9) + everything * FAINT * free


@pytest.mark.parametrize("grows_at", [1, 2, 3, 4])
def test_a_unit_that_grows_anywhere_rounds_up(grows_at: int) -> None:
    random = np.random.default_rng(grows_at)
    free, tokens = 4, 6
    units = np.where(np.arange(free + 1) < grows_at, 0, 3)
    for _ in range(50):
        steps = random.integers(0, 9, size=(free, tokens))
        sums = _sums(steps, np.ones(tokens), None)
        need = int(random.integers(8, 25))
        steps[-1] -= need
        nowhere, unpaired = np.full(free, DROPPED), np.zeros((free, tokens), np.int64)
        counted, _ = _programme(steps[None], nowhere, unpaired, False, free, np.ones(tokens), units)
        assert int(counted) * 8 >= sum(n for total, n in sums.items() if total >= need)


@pytest.mark.parametrize("seed", range(20))
def test_quiet_tokens_together_push_no_less_than_each_of_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_ctx, v, query, m, x = 4, 9, 3, 7, 5
    token, position, direct = random.normal(size=(v, v)), random.normal(size=(n_ctx, v)), random.normal(size=v)
    low = random.random((n_ctx, v))
    high = low * random.uniform(1, 1.5, size=low.shape)
    low_below, high_below, _ = _below(low, high)

    def terms(loud: int) -> Array:
        """With the tokens below `loud` as one group."""
        lows, highs = _columns(low, low_below, loud, m, query), _columns(high, high_below, loud, m, query)
        out = np.empty((n_ctx - 1, m - loud + 2))
        _terms(token, position, direct, lows, highs, 1e-9, query, m, x, out)
        return out

    each = terms(0)[:, 1:]
    for loud in range(1, m + 1):
        grouped = terms(loud)
        assert (grouped[:, 0] >= each[:, :loud].max(axis=1)).all()
        assert (grouped[:, 1:] == each[:, loud:]).all()


def _sums(terms: Array, ways: Array, first_copy: tuple[int, int] | None) -> dict[int, int]:
    """How many tuples have which sum, exactly; with `first_copy`, of those with the first last token in this run."""
    last = terms.shape[1] - 1
    now = {(first_copy is None, 0): 1}
    for p, row in enumerate(terms):
        after: dict[tuple[bool, int], int] = {}
        for (held, total), n in now.items():
            for t, term in enumerate(row):
                if t == last and not held and first_copy is not None and not first_copy[0] <= p < first_copy[1]:
                    continue
                state = held or t == last, total + int(term)
                after[state] = after.get(state, 0) + n * int(ways[t])
        now = after
    sums: dict[int, int] = {}
    for (held, total), n in now.items():
        if held:
            sums[total] = sums.get(total, 0) + n
    return sums


def _tuples(terms: Array, bases: Array, ways: Array, first_copy: tuple[int, int] | None) -> float:
    _, free, tokens = terms.shape
    count = 0.0
    for chosen in product(range(tokens), repeat=free):
        if first_copy is not None and (
            tokens - 1 not in chosen or not first_copy[0] <= chosen.index(tokens - 1) < first_copy[1]
        ):
            continue
        if (bases + terms[:, np.arange(free), chosen].sum(axis=1) >= 0).any():
            count += float(np.prod(ways[list(chosen)]))
    return count
