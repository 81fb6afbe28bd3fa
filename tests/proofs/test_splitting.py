import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.splitting import SHARDS, queries, shards
from proofs.strategies import BY_NAME, SUBCUBIC
from proofs.task import MaxOfK


@given(d_vocab=st.integers(1, 300), of=st.integers(1, 40))
def test_all_shards_together_have_every_query_once(d_vocab: int, of: int) -> None:
    found = [query for shard in range(of) for query in queries(shard, of, d_vocab)]
    assert sorted(found) == list(range(d_vocab))


def test_shards_share_cheap_and_dear_queries_evenly() -> None:
    """A query costs the less the larger it is; here as its number of maxima, squared."""
    costs = [sum((512 - query) ** 2 for query in queries(shard, SHARDS, 512)) for shard in range(SHARDS)]
    assert max(costs) < 1.01 * min(costs)


@pytest.mark.parametrize(
    ("strategy", "d_vocab", "n_ctx"),
    [
        ("brute-force", 64, 5),
        ("separable-quartic", 128, 10),
        ("separable-joint", 512, 20),
        ("separable-cubic", 512, 20),
    ],
)
def test_long_proofs_are_split(strategy: str, d_vocab: int, n_ctx: int) -> None:
    assert shards(strategy, MaxOfK(d_vocab=d_vocab, n_ctx=n_ctx)) == SHARDS


@pytest.mark.parametrize("strategy", BY_NAME)
def test_no_proof_about_a_model_of_the_papers_size_is_split(strategy: str) -> None:
    assert shards(strategy, MaxOfK(d_vocab=64, n_ctx=4)) == 1


@pytest.mark.parametrize("strategy", [strategy.name for strategy in SUBCUBIC] + ["no-strategy"])
def test_a_strategy_with_a_search_of_its_own_is_never_split(strategy: str) -> None:
    assert shards(strategy, MaxOfK(d_vocab=4096, n_ctx=256)) == 1


def test_a_split_proof_has_no_more_shards_than_queries() -> None:
    assert shards("brute-force", MaxOfK(d_vocab=2, n_ctx=36)) == 2
