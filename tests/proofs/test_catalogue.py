"""The whole catalogue at once claims exactly what each strategy claims alone."""

import pytest

from proofs.catalogue import prove_catalogue
from proofs.errors import NotApplicable
from proofs.prove import prove
from proofs.strategies import SUBCUBIC, Variant
from tests.proofs.problems import copies_its_largest_token
from tests.proofs.references import trained


@pytest.mark.parametrize("variant", Variant)
def test_each_claim_is_the_one_that_the_strategy_makes_alone(variant: Variant) -> None:
    model = trained("k2_v16_d16_seed123")
    together = list(prove_catalogue(model, variant))
    assert [claim.strategy for claim in together] == [strategy.name for strategy in SUBCUBIC]
    for strategy, claim in zip(SUBCUBIC, together, strict=True):
        assert claim == prove(model, strategy, variant)


def test_progress_is_reported_after_each_claim() -> None:
    seen: list[tuple[int, int]] = []
    for _ in prove_catalogue(copies_its_largest_token(), Variant.STRICT, report=lambda *step: seen.append(step)):
        pass
    assert seen == [(done, 100) for done in range(1, 101)]


def test_a_model_that_the_published_checks_would_get_wrong_is_refused() -> None:
    with pytest.raises(NotApplicable, match="strict variant"):
        next(prove_catalogue(copies_its_largest_token(), Variant.AS_PUBLISHED))
