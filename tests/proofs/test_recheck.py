"""The engine's second look accepts what it proved, and refuses what it did not."""

import pytest

from proofs.certificate import certificate_of, read
from proofs.errors import CheckRefused, InvalidCertificate, InvalidHints, NotReproduced
from proofs.prove import prove
from proofs.recheck import recheck
from proofs.strategies import CATALOGUE, Strategy, Variant, named
from tests.certificates.bundles import canonical, certified, claim, copier
from tests.proofs.references import trained

MODEL = copier(2)
PUBLISHED = named("U4-A1-E9")
assert PUBLISHED is not None


@pytest.mark.parametrize(
    ("strategy", "variant"),
    [(s, v) for s in (*CATALOGUE, PUBLISHED) for v in s.variants],
    ids=lambda value: str(getattr(value, "name", value)),
)
def test_what_was_proved_follows_again(strategy: Strategy, variant: Variant) -> None:
    seen: list[tuple[int, int]] = []
    model = trained("k3_v10_d8_seed123")
    recheck(read(certificate_of(prove(model, strategy, variant))), model, report=lambda *done: seen.append(done))
    assert seen[-1] == (10, 10)


def test_one_input_more_is_refused_with_what_was_expected_and_found() -> None:
    root = claim(certified(MODEL, "separable-exact"), 0, 3, correct=1, wrong=-1)
    with pytest.raises(
        CheckRefused, match=r"Block \(0, 3\): expected at most 4 right and 3 wrong inputs, found 5 and 2"
    ):
        recheck(read(canonical(root)), MODEL)


def test_what_another_engine_claimed_beyond_this_one_is_left_to_the_independent_checker() -> None:
    root = claim(certified(MODEL, "separable-exact"), 0, 3, correct=1, wrong=-1) | {"engine_version": "0.1"}
    with pytest.raises(NotReproduced, match=r"Engine 0\.1 claimed it; this is engine .* Ask the independent checker"):
        recheck(read(canonical(root)), MODEL)


def test_other_weights_are_refused() -> None:
    with pytest.raises(InvalidCertificate, match="other weights"):
        recheck(read(canonical(certified(MODEL, "cubic"))), copier(3))


def test_unusable_hints_are_refused() -> None:
    with pytest.raises(InvalidHints):
        recheck(read(canonical(certified(MODEL, "separable-cubic") | {"hints": {"bins": 0}})), MODEL)
