"""The front keeps exactly what no other proof beats."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proofs.frontier import front, staircase

Point = tuple[int, float]
points = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 10).map(lambda tenths: tenths / 10)), max_size=40)


def front_of(proofs: list[Point]) -> list[Point]:
    return front(proofs, length=lambda point: point[0], bound=lambda point: point[1])


def beats(one: Point, other: Point) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@given(points)
def test_keeps_exactly_the_proofs_that_no_other_beats(proofs: list[Point]) -> None:
    assert set(front_of(proofs)) == {p for p in proofs if not any(beats(other, p) for other in proofs)}


@given(points)
def test_length_and_bound_rise_strictly_along_the_front(proofs: list[Point]) -> None:
    kept = front_of(proofs)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(kept))


@given(points, st.randoms(use_true_random=False))
def test_the_order_of_the_proofs_does_not_matter(proofs: list[Point], random: object) -> None:
    shuffled = list(proofs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert front_of(shuffled) == front_of(proofs)


def test_of_two_equal_proofs_the_first_is_kept() -> None:
    kept = front([("first", 5, 0.5), ("second", 5, 0.5)], length=lambda p: p[1], bound=lambda p: p[2])
    assert [name for name, _, _ in kept] == ["first"]


def test_the_staircase_never_promises_a_bound_before_its_proof() -> None:
    assert staircase([(10, 0.5), (100, 0.8)]) == [(10, 0.5), (100, 0.5), (100, 0.8)]


def test_the_last_step_goes_on_to_the_right_edge() -> None:
    assert staircase([(10, 0.5)], until=1000) == [(10, 0.5), (1000, 0.5)]
    assert staircase([(10, 0.5)], until=10) == [(10, 0.5)]


def test_no_proofs_make_no_front() -> None:
    assert front_of([]) == []
    assert staircase([], until=10) == []
