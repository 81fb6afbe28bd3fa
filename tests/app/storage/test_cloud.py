"""The columns of all results are what the rows say, and those that may lead are never left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage import attempts, cloud, proofs
from app.storage.cloud import Cloud, Clouds, Kind, leading
from app.storage.engine import Database
from app.storage.records import FrontPoint, Job
from proofs.frontier import front
from tests.app.storage import samples
from tests.app.storage.samples import DIGESTS, TOTAL, ListQueue, finish, new_model, outcome, request


@pytest.fixture
def queue(database: Database) -> ListQueue:
    samples.add_model(database)
    samples.add_model(database, new_model(DIGESTS[1], "long", n_ctx=20))
    return ListQueue()


def now(database: Database, clouds: Clouds) -> Cloud:
    with database.reading() as session:
        return clouds.now(session)


def result(database: Database, queue: ListQueue, strategy: str, correct: int, *, digest: str = DIGESTS[0]) -> int:
    proof = request(database, queue, strategy, digest=digest)
    assert finish(database, proof, outcome(correct, length=10 * correct))
    return proof.id


def agrees(found: Cloud, points: list[FrontPoint]) -> bool:
    """All columns against the points as they are read one by one."""
    assert found.ids.tolist() == [point.proof_id for point in points]
    assert [found.kinds[place] for place in found.kind] == [Kind(p.variant, p.n_ctx, p.d_vocab) for p in points]
    assert found.enumerates.tolist() == [point.strategy == "brute-force" for point in points]
    assert found.bound.tolist() == [point.bound for point in points]
    heights = [np.nan if point.tightness is None else point.tightness for point in points]
    assert np.array_equal(found.tightness, heights, equal_nan=True)
    for name in ("measured-v1", "reference-v1"):
        lengths = [float(point.lengths.get(name, np.nan)) for point in points]
        assert np.allclose(found.lengths[name], lengths, rtol=1e-15, atol=0, equal_nan=True)
    return True


def test_the_columns_follow_every_write(database: Database, queue: ListQueue) -> None:
    clouds = Clouds()
    assert len(now(database, clouds)) == 0
    result(database, queue, "cubic", TOTAL // 2)
    assert len(now(database, clouds)) == 1
    request(database, queue, "separable-quartic")  # has no result yet
    result(database, queue, "brute-force", 64**20 // 3, digest=DIGESTS[1])
    result(database, queue, "separable-cubic", TOTAL // 3)
    with database.reading() as session:
        assert agrees(clouds.now(session), proofs.front(session))
        assert agrees(Clouds().now(session), proofs.front(session))


def test_a_result_that_comes_into_doubt_leaves_the_columns(database: Database, queue: ListQueue) -> None:
    clouds = Clouds()
    honest = result(database, queue, "cubic", TOTAL // 4)
    result(database, queue, "separable-cubic", TOTAL)
    assert len(now(database, clouds)) == 2
    brute = request(database, queue, "brute-force")
    finish(database, brute, outcome(TOTAL // 2, TOTAL // 2))
    assert now(database, clouds).ids.tolist() == [honest]


def test_a_result_that_is_computed_again_is_not_there_twice(database: Database, queue: ListQueue) -> None:
    clouds = Clouds()
    result(database, queue, "cubic", TOTAL // 2)
    proof = request(database, queue, "separable-cubic")
    now(database, clouds)
    with database.writing() as session:
        attempts.start(session, Job(proof.id, 1))
        attempts.progress(session, Job(proof.id, 1), 0.5)
    assert len(now(database, clouds)) == 1
    finish(database, proof, outcome(TOTAL // 3))
    assert len(now(database, clouds)) == 2


def test_nothing_is_read_again_while_nobody_writes(database: Database, queue: ListQueue) -> None:
    clouds = Clouds()
    result(database, queue, "cubic", TOTAL // 2)
    assert now(database, clouds) is now(database, clouds)


def test_a_restored_backup_is_read_afresh(database: Database, queue: ListQueue) -> None:
    clouds = Clouds()
    result(database, queue, "cubic", TOTAL // 2)
    clouds._last = cloud._columns([], (), 10**9)  # as if much more had been written before the restore
    assert len(now(database, clouds)) == 1


def test_one_task_is_picked_out(database: Database, queue: ListQueue) -> None:
    short = result(database, queue, "cubic", TOTAL // 2)
    result(database, queue, "cubic", TOTAL // 2, digest=DIGESTS[1])
    found = now(database, Clouds())
    assert found.tasks == [(4, 64), (20, 64)]
    picked = found.where(found.is_of_task(4, 64))
    assert (picked.ids.tolist(), picked.tasks) == ([short], [(4, 64)])
    assert not found.is_of_task(9, 9).any()


def test_points_are_read_in_batches_and_by_id(
    database: Database, queue: ListQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "MOST_PARAMETERS", 2)
    ids = [result(database, queue, one, TOTAL // 2) for one in ("cubic", "separable-cubic", "brute-force")]
    waiting = request(database, queue, "separable-quartic").id
    with database.reading() as session:
        assert [point.proof_id for point in proofs.points(session, [*reversed(ids), waiting])] == ids
        assert proofs.points(session, []) == []


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.one_of(st.integers(1, 8), st.integers(2**50 - 3, 2**50 + 3), st.integers(2**80 - 4, 2**80 + 4)),
            st.integers(0, 6),
        ),
        max_size=30,
    )
)
def test_what_may_lead_contains_every_exact_front(drawn: list[tuple[int, int, int]]) -> None:
    kind, lengths, heights = (np.array(column) for column in zip(*drawn, strict=True)) if drawn else (np.empty(0),) * 3
    ids = np.arange(len(drawn))
    every = Cloud(1, (Kind("strict", 1, 1), Kind("strict", 2, 2)), ids, kind.astype(int), ids == 0, heights, heights)
    kept = leading(every, lengths.astype(np.float64), heights.astype(np.float64)).tolist()
    for place in (0, 1):
        mine = [number for number in range(len(drawn)) if drawn[number][0] == place]
        exact = front(mine, length=lambda number: drawn[number][1], bound=lambda number: drawn[number][2])
        assert set(exact) <= set(kept)
        again = [number for number in kept if drawn[number][0] == place]
        assert front(again, length=lambda number: drawn[number][1], bound=lambda number: drawn[number][2]) == exact
    assert len(kept) == len(set(kept))


def test_few_of_many_may_lead() -> None:
    chance = np.random.default_rng(1)
    ids = np.arange(10_000)
    lengths = chance.choice([100.0, 200.0, 500.0, 1e5, 2e5, 1e6], ids.size)
    every = Cloud(1, (Kind("strict", 4, 64),), ids, np.zeros_like(ids), ids < 0, chance.random(ids.size), lengths)
    assert len(leading(every, lengths, every.bound)) <= 6
