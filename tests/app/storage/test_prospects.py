"""What is expected of an untried strategy rests on results of other models that are in no doubt."""

import pytest

from app.storage import checks, models
from app.storage.checks import NewCheck
from app.storage.engine import Database
from app.storage.prospects import Prospect, prospects
from tests.app.storage.samples import DIGESTS, TOTAL, ListQueue, add_model, finish, new_model, outcome, request


@pytest.fixture
def elsewhere(database: Database) -> list[int]:
    """Two models like the first one, with a cubic proof and a better one each; the numbers of the better ones."""
    queue = ListQueue()
    better = []
    for place, digest in enumerate(DIGESTS):
        add_model(database, new_model(digest))
        finish(database, request(database, queue, "cubic", digest=digest), outcome(TOTAL // 4, length=1000))
        if place:
            proof = request(database, queue, "separable-cubic", digest=digest)
            finish(database, proof, outcome(TOTAL // 2 * place, length=500))
            better.append(proof.id)
    return better


def expected(database: Database) -> list[Prospect]:
    with database.reading() as session:
        return prospects(session, models.get(session, DIGESTS[0]), {"cubic"})


def test_the_gain_is_the_mean_over_other_models(database: Database, elsewhere: list[int]) -> None:
    assert expected(database) == [Prospect("separable-cubic", 0.5, 500, 2)]


def test_what_is_in_doubt_promises_nothing(database: Database, elsewhere: list[int]) -> None:
    for proof, left in zip(elsewhere, ([Prospect("separable-cubic", 0.75, 500, 1)], []), strict=True):
        with database.writing() as session:
            checks.add(session, NewCheck(proof, "d" * 64, "engine 1", False, "expected 4, found 5", 0.1))
        assert expected(database) == left
