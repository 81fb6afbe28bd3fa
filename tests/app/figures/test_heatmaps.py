"""Heat maps say what the tables say."""

from collections.abc import Callable

import numpy as np
import pytest

from app.figures.heatmaps import PANELS, block_map, circuit_maps
from proofs.bound import Counts
from proofs.circuits import circuits
from proofs.task import MaxOfK
from tests.proofs.test_circuits import some_model


def counts(task: MaxOfK, certified: Callable[[int, int], int], wrong: Callable[[int, int], int]) -> list[Counts]:
    tokens = range(task.d_vocab)
    return [Counts(q, tuple(certified(q, m) for m in tokens), tuple(wrong(q, m) for m in tokens)) for q in tokens]


def test_every_circuit_is_drawn_as_it_is() -> None:
    tables = circuits(some_model())
    maps = circuit_maps(tables)
    assert set(maps) == {panel.key for panel in PANELS}
    for key, figure in maps.items():
        np.testing.assert_allclose(figure["data"][0]["z"], getattr(tables, key), rtol=1e-3)


def test_colours_are_symmetric_about_zero() -> None:
    for figure in circuit_maps(circuits(some_model())).values():
        (trace,) = figure["data"]
        assert trace["zmin"] == -trace["zmax"]
        assert trace["zmax"] == pytest.approx(np.abs(trace["z"]).max(), rel=1e-3)
        assert trace["colorscale"][1][0] == 0.5


def test_a_pooled_circuit_keeps_the_numbers_of_its_tokens() -> None:
    figure = circuit_maps(circuits(some_model(d_vocab=10), most_cells=4))["OV"]
    assert (figure["data"][0]["dx"], figure["data"][0]["dy"]) == (3, 3)
    assert len(figure["data"][0]["z"]) == 4


def test_blocks_are_certified_minus_wrong_over_all() -> None:
    task = MaxOfK(d_vocab=3, n_ctx=3)
    figure = block_map(task, counts(task, lambda q, m: task.block_size(q, m), lambda q, m: 0))
    assert figure["data"][0]["z"] == [[1, 1, 1], [None, 1, 1], [None, None, 1]]
    figure = block_map(task, counts(task, lambda q, m: 0, lambda q, m: task.block_size(q, m)))
    assert figure["data"][0]["z"] == [[-1, -1, -1], [None, -1, -1], [None, None, -1]]


def test_a_block_that_lacks_one_input_is_not_shown_as_whole() -> None:
    task = MaxOfK(d_vocab=64, n_ctx=20)
    figure = block_map(task, counts(task, lambda q, m: max(task.block_size(q, m) - 1, 0), lambda q, m: 0))
    assert figure["data"][0]["z"][5][60] == 0.999


def test_a_strategy_that_cannot_tell_what_is_wrong_leaves_it_undecided() -> None:
    task = MaxOfK(d_vocab=2, n_ctx=2)
    figure = block_map(task, [Counts(0, (1, 0)), Counts(1, (0, 1))])
    assert figure["data"][0]["customdata"][1][1] == "certified 1, undecided 1, wrong 0 of 2"


def test_a_large_vocabulary_is_summed_together_exactly() -> None:
    task = MaxOfK(d_vocab=300, n_ctx=2)
    figure = block_map(task, counts(task, lambda q, m: task.block_size(q, m), lambda q, m: 0))
    cells = figure["data"][0]["z"]
    assert len(cells) == 100
    assert figure["data"][0]["dx"] == 3
    assert all(cell == 1 for q, row in enumerate(cells) for cell in row[q:])
