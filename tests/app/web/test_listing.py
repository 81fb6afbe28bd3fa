"""An address becomes the state of a list, and the state an address again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from app.errors import InvalidParameter
from app.storage.records import Filter, Op
from app.web import listing

FIELDS = ("bound", "name")
filters = st.builds(Filter, st.sampled_from(FIELDS), st.sampled_from(Op), st.text(min_size=1))


def read(query: str) -> listing.Listing:
    return listing.read("/proofs", QueryParams(query), FIELDS, sort="-bound")


@given(st.lists(filters, max_size=4), st.sampled_from(["bound", "-bound", "name"]))
def test_an_address_reads_back_as_the_state_it_was_made_of(chosen: list[Filter], sort: str) -> None:
    state = listing.Listing("/proofs", tuple(chosen), sort, standard_sort="-bound")
    assert read(state.query) == state


@given(st.text())
def test_any_address_is_read_or_refused(query: str) -> None:
    try:
        read(query)
    except InvalidParameter:
        assert "limit" in query


def test_unknown_names_and_operators_are_told() -> None:
    assert read("colour=red&bound__near=1&bound__gte=0.5").unknown == ("colour", "bound__near")
    with pytest.raises(InvalidParameter, match="colour"):
        listing.strict(read("colour=red"))


def test_a_column_sorts_best_first_and_then_the_other_way() -> None:
    assert read("").sort_url("name") == "/proofs?sort=-name"
    assert read("sort=-name").sort_url("name") == "/proofs?sort=name"
    assert read("sort=-name").direction("name") == "descending"


def test_a_form_that_was_left_empty_filters_nothing() -> None:
    assert read("name=&bound__gte=").filters == ()


def test_one_filter_is_taken_away_and_the_others_stay() -> None:
    state = read("bound__gte=0.5&name=x")
    assert state.without(state.filters[0]) == "/proofs?name=x"
