from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.splitting import MOST, MOST_INPUTS, queries, shards
from proofs.strategies import BY_NAME, SUBCUBIC, brute_force, separable_exact
from proofs.task import MaxOfK


@given(d_vocab=st.integers(1, 300), of=st.integers(1, 40))
def test_all_shards_together_have_every_query_once(d_vocab: int, of: int) -> None:
    found = [query for shard in range(of) for query in queries(shard, of, d_vocab)]
    assert sorted(found) == list(range(d_vocab))


def test_shards_share_cheap_and_dear_queries_evenly() -> None:
    """A query costs the less the larger it is; here as its number of maxima, squared."""
    costs = [sum((512 - query) ** 2 for query in queries(shard, 16, 512)) for shard in range(16)]
    assert max(costs) < 1.01 * min(costs)


@pytest.mark.parametrize(
    ("strategy", "d_vocab", "n_ctx"),
    [
        ("brute-force", 64, 5),
        ("separable-quartic", 128, 10),
        ("separable-joint", 512, 20),
        ("separable-paired", 512, 20),
    ],
)
def test_long_proofs_are_split(strategy: str, d_vocab: int, n_ctx: int) -> None:
    assert 1 < shards(strategy, MaxOfK(d_vocab=d_vocab, n_ctx=n_ctx)) <= MOST


def test_the_longer_a_proof_the_more_shards_it_has_up_to_a_limit() -> None:
    found = [shards("separable-joint", MaxOfK(d_vocab=64, n_ctx=n_ctx)) for n_ctx in range(1, 16000, 100)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (1, MOST)


@pytest.mark.parametrize("strategy", [brute_force, separable_exact])
def test_what_a_strategy_refuses_at_once_is_not_split(strategy: ModuleType) -> None:
    assert strategy.MOST_INPUTS == MOST_INPUTS
    name = strategy.__name__.rpartition(".")[2].replace("_", "-")
    assert [shards(name, MaxOfK(d_vocab=64, n_ctx=n_ctx)) > 1 for n_ctx in (6, 7)] == [True, False]


@pytest.mark.parametrize("strategy", BY_NAME)
def test_no_proof_about_a_model_of_the_papers_size_is_split(strategy: str) -> None:
    assert shards(strategy, MaxOfK(d_vocab=64, n_ctx=4)) == 1


@pytest.mark.parametrize("strategy", [strategy.name for strategy in SUBCUBIC] + ["no-strategy"])
def test_a_strategy_with_a_search_of_its_own_is_never_split(strategy: str) -> None:
    assert shards(strategy, MaxOfK(d_vocab=4096, n_ctx=256)) == 1


def test_a_split_proof_has_no_more_shards_than_queries() -> None:
    assert shards("brute-force", MaxOfK(d_vocab=2, n_ctx=36)) == 2
