"""Tables as heat maps: a model's circuits, and what a proof says about each block of inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from app import numbers
from app.figures import Figure
from proofs.bound import Counts
from proofs.circuits import Circuits
from proofs.model import Array
from proofs.task import MaxOfK

MOST_BLOCKS = 128
"""Rows or columns of a drawn block map; more are summed together."""


@dataclass(frozen=True)
class Panel:
    """One circuit with its axes and one sentence on what it says."""

    key: str
    title: str
    says: str
    rows: str
    columns: str


PANELS = (
    Panel("OV", "OV circuit", "What a token says when it is attended to. A model that copies is bright on the "
          "diagonal.", "attended token", "output logit"),
    Panel("QK", "QK circuit", "How much a query attends to a token, divided by √d_head. A model that finds the maximum "
          "grows to the right.", "query token", "key token"),
    Panel("direct", "Direct path", "What the query says by itself, without attention. Noise for Max-of-K.",
          "query token", "output logit"),
    Panel("QK_position", "QK, position", "How much a query prefers a position, whatever stands there.",
          "query token", "position"),
    Panel("OV_position", "OV, position", "What a position adds to the logits when it is attended to.",
          "position", "output logit"),
)  # fmt: skip


def circuit_maps(tables: Circuits) -> dict[str, Figure]:
    """Each circuit's heat map by key. Colours diverge symmetrically about zero."""
    maps = {}
    for panel in PANELS:
        blocks = {"position": tables.position_block}
        rows, columns = (blocks.get(axis, tables.token_block) for axis in (panel.rows, panel.columns))
        maps[panel.key] = _diverging(getattr(tables, panel.key), panel, rows, columns)
    return maps


def _diverging(table: Array, panel: Panel, row_block: int, column_block: int) -> Figure:
    largest = float(np.abs(table).max()) or 1.0
    row, column = panel.rows.split()[-1], panel.columns.split()[-1]
    return {
        "data": [
            {
                "type": "heatmap",
                "z": [[float(f"{cell:.4g}") for cell in line] for line in table.tolist()],
                "dx": column_block,
                "dy": row_block,
                "zmin": -largest,
                "zmax": largest,
                "colorscale": DIVERGING,
                "colorbar": {"thickness": 8, "len": 1, "outlinewidth": 0},
                "hovertemplate": f"{row} %{{y}}, {column} %{{x}}<br>%{{z}}<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": panel.columns}},
            "yaxis": {"title": {"text": panel.rows}, "autorange": "reversed"},
        },
    }


DIVERGING = [[0, "var(--below)"], [0.5, "var(--zero)"], [1, "var(--above)"]]


def block_map(task: MaxOfK, blocks: Sequence[Counts]) -> Figure:
    """Certified, undecided and wrong inputs of each (query, maximum), as certified minus wrong over all.

    +1 is a block certified whole, -1 one that is wrong whole, 0 one of which nothing is known. Counts are summed exactly
    where the vocabulary is too large to draw; cells with query > maximum hold no input and stay empty.
    """
    side = ceil(task.d_vocab / MOST_BLOCKS)
    cells = ceil(task.d_vocab / side)
    totals = [[[0, 0, 0] for _ in range(cells)] for _ in range(cells)]
    for row in blocks:
        for maximum in range(row.query, task.d_vocab):
            cell = totals[row.query // side][maximum // side]
            cell[0] += row.certified[maximum]
            cell[1] += row.wrong[maximum] if row.wrong is not None else 0
            cell[2] += task.block_size(row.query, maximum)
    return {
        "data": [
            {
                "type": "heatmap",
                "z": [[_share(*cell) for cell in line] for line in totals],
                "dx": side,
                "dy": side,
                "customdata": [[_words(*cell) for cell in line] for line in totals],
                "zmin": -1,
                "zmax": 1,
                "colorscale": DIVERGING,
                "colorbar": {
                    "thickness": 8,
                    "len": 1,
                    "outlinewidth": 0,
                    "tickvals": [-1, 0, 1],
                    "ticktext": ["wrong", "undecided", "certified"],
                },
                "hovertemplate": "query %{y}, maximum %{x}<br>%{customdata}<extra></extra>",
                "hoverongaps": False,
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": "maximum"}},
            "yaxis": {"title": {"text": "query"}, "autorange": "reversed"},
            "plot_bgcolor": "var(--raised)",  # no input has query > maximum: unlike an undecided cell
        },
    }


def _share(certified: int, wrong: int, size: int) -> float | None:
    """Rounded towards zero: a block that is not certified whole never shows as 1."""
    if size == 0:
        return None
    net = certified - wrong
    thousandths = abs(net) * 1000 // size
    return (thousandths if net >= 0 else -thousandths) / 1000


def _words(certified: int, wrong: int, size: int) -> str:
    if size == 0:
        return ""
    undecided = size - certified - wrong
    return (
        f"certified {numbers.count(certified)}, undecided {numbers.count(undecided)}, "
        f"wrong {numbers.count(wrong)} of {numbers.count(size)}"
    )
