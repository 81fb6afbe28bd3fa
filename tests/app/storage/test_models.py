from typing import Any

import pytest

from app.errors import InvalidParameter, ModelNotFound
from app.storage import models
from app.storage.engine import Database
from app.storage.records import Filter, Op
from tests.app.storage.samples import DIGESTS, add_model, new_model

HOSTILE = "<script>alert(1)</script>'; DROP TABLE models;-- =cmd|' /C calc'!A0 \u202e \U0001f600"


def test_a_new_model_knows_nothing_of_its_accuracy(database: Database) -> None:
    with database.writing() as session:
        record, is_new = models.add(session, new_model(n_ctx=20))
    assert is_new
    assert (record.accuracy.lower, record.accuracy.upper) == (0, 64**20)  # every digit, past 2**63
    assert record.accuracy.label == "unknown"
    assert record.created_at.tzinfo is not None
    with database.reading() as session:
        assert models.get(session, DIGESTS[0]) == record


def test_the_same_weights_again_are_the_model_that_is_there(database: Database) -> None:
    first = add_model(database)
    with database.writing() as session:
        again = models.add(session, new_model(name="another name"))
    assert again == (first, False)


def test_an_unknown_model_is_not_found(database: Database) -> None:
    with pytest.raises(ModelNotFound), database.reading() as session:
        models.get(session, "0" * 64)
    with pytest.raises(ModelNotFound), database.writing() as session:
        models.annotate(session, "0" * 64, name="x")


def test_a_model_is_found_by_its_file(database: Database) -> None:
    record = add_model(database)
    with database.reading() as session:
        assert models.find_by_blob(session, record.blob) == record
        assert models.find_by_blob(session, "f" * 64) is None


def test_annotating_changes_what_is_given_only(database: Database) -> None:
    add_model(database, new_model(tags=("old",)))
    with database.writing() as session:
        models.annotate(session, DIGESTS[0], notes=HOSTILE)
    with database.writing() as session:
        models.annotate(session, DIGESTS[0], tags=["b", " a  c ", "b", ""])
    with database.reading() as session:
        record = models.get(session, DIGESTS[0])
    assert (record.name, record.notes, record.tags) == ("demo", HOSTILE, ("a c", "b"))


def test_text_that_a_database_cannot_hold_is_made_harmless(database: Database) -> None:
    add_model(database, new_model(name="nul\0 lone\ud800"))
    with database.writing() as session:
        models.annotate(session, DIGESTS[0], tags=["nul\0"], notes="\udfff")
    with database.reading() as session:
        record = models.get(session, DIGESTS[0])
        assert models.page(session, filters=[Filter("name", Op.EQ, "nul\0")]).items == []
    assert (record.name, record.tags, record.notes) == ("nul\ufffd lone\ufffd", ("nul\ufffd",), "\ufffd")


TOO_MUCH: list[dict[str, Any]] = [
    {"name": " "},
    {"name": "x" * 201},
    {"notes": "x" * 20_001},
    {"tags": ["x" * 65]},
    {"tags": [str(number) for number in range(51)]},
]


def test_too_much_text_is_refused(database: Database) -> None:
    before = add_model(database)
    for changes in TOO_MUCH:
        with pytest.raises(InvalidParameter), database.writing() as session:
            models.annotate(session, DIGESTS[0], **changes)
    with database.reading() as session:
        assert models.get(session, DIGESTS[0]) == before


def test_filters_find_by_text_number_and_tag(database: Database) -> None:
    add_model(database, new_model(DIGESTS[0], "Alpha 100%", tags=("demo", "50%_off")))
    add_model(database, new_model(DIGESTS[1], "beta", n_ctx=5, tags=("demonstration",)))

    def found(field: str, op: Op, value: str) -> list[str]:
        with database.reading() as session:
            page = models.page(session, filters=[Filter(field, op, value)], sort="name")
        assert page.total == len(page.items)
        return [record.name for record in page.items]

    assert found("name", Op.CONTAINS, "ALPHA 100%") == ["Alpha 100%"]
    assert found("name", Op.CONTAINS, "a_p") == []  # not a pattern
    assert found("tags", Op.CONTAINS, "demo") == ["Alpha 100%"]  # the whole tag
    assert found("tags", Op.CONTAINS, "50%_off") == ["Alpha 100%"]
    assert found("n_ctx", Op.GTE, "5") == ["beta"]
    assert found("n_ctx", Op.IN, "4,5,6") == ["Alpha 100%", "beta"]
    assert found("has_biases", Op.EQ, "false") == ["Alpha 100%", "beta"]
    assert found("created_at", Op.LT, "2020-01-31") == []
    assert found("seed", Op.EQ, "1") == []


NONSENSE = [
    ("nothing", Op.EQ, "1"),
    ("id", Op.EQ, "1"),
    ("n_ctx", Op.EQ, "four"),
    ("n_ctx", Op.EQ, str(2**63)),
    ("n_ctx", Op.CONTAINS, "4"),
    ("accuracy", Op.GT, "nan"),
    ("has_biases", Op.EQ, "maybe"),
    ("created_at", Op.LT, "yesterday"),
    ("created_at", Op.LT, "9999-12-31T23:59:59-23:59"),
    ("tags", Op.EQ, "demo"),
]


def test_a_filter_that_makes_no_sense_is_refused(database: Database) -> None:
    for nonsense in NONSENSE:
        with pytest.raises(InvalidParameter, match=nonsense[0]), database.reading() as session:
            models.page(session, filters=[Filter(*nonsense)])
