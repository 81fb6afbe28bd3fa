"""The trainer against a model that the published training code made (tests/data/k3_v10_d8_seed123)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from proofs.checkpoint import read_model
from proofs.model import Model
from worker.trainer import Recipe, checkpoint, initial_weights, reseed, train

REFERENCE = Path(__file__).parents[1] / "data" / "k3_v10_d8_seed123"
SMALL = Recipe(seed=123, n_ctx=3, d_vocab=10, d_model=8)
SHORT = Recipe(seed=5, n_ctx=2, d_vocab=7, d_model=4, steps=20)


def reference(name: str) -> Model:
    return read_model((REFERENCE / name).read_bytes())


@pytest.mark.parametrize(
    ("seed", "label", "derived"),
    [
        (123, "model", 613947648),
        (123, "dataset_seed", 1914904320),
        (1914904320, "train", 3402695680),
        (1914904320, "test", 3741094656),
    ],
)
def test_seeds_are_derived_as_published(seed: int, label: str, derived: int) -> None:
    assert reseed(seed, label) == derived


def test_the_initial_weights_are_the_published_ones_bit_for_bit() -> None:
    drawn = Model.of({name: tensor.numpy() for name, tensor in initial_weights(SMALL).items()})
    assert drawn.digest == reference("init_weights.safetensors").digest


def test_training_ends_at_the_published_weights() -> None:
    """Bit for bit on the processor that made them; elsewhere the last bits of a sum may differ."""
    trained = train(SMALL).tensors()
    for name, expected in reference("weights.safetensors").tensors().items():
        np.testing.assert_allclose(trained[name], expected, rtol=0, atol=1e-4, err_msg=name)


def test_the_same_recipe_gives_the_same_file_whatever_the_global_seed() -> None:
    torch.manual_seed(1)
    first = checkpoint(train(SHORT), SHORT)
    torch.manual_seed(2)
    assert checkpoint(train(SHORT), SHORT) == first


def test_another_seed_gives_another_model() -> None:
    other = Recipe(seed=6, n_ctx=2, d_vocab=7, d_model=4, steps=20)
    assert train(other).digest != train(SHORT).digest


def test_training_leaves_the_random_state_and_the_threads_alone() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(SHORT)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_trained_model_survives_its_file_with_biases_spelled_out() -> None:
    model = train(SHORT)
    data = checkpoint(model, SHORT)
    assert read_model(data).digest == model.digest
    assert b"blocks.0.attn.b_Q" in data
    assert b'\\"seed\\": 5' in data


def test_progress_is_reported_after_each_step_and_may_stop_the_training() -> None:
    seen: list[int] = []

    def report(step: int, loss: float) -> None:
        assert loss > 0
        seen.append(step)
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(SHORT, report=report)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("field", ["n_ctx", "d_vocab", "d_model", "steps", "batch_size"])
def test_a_recipe_without_size_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="Training needs"):
        Recipe(**{"seed": 1, field: 0})
