"""Figures of one model's circuits beyond the plain heat maps: the decomposition as the paper draws it, and distributions."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from jaxtyping import Float64

from app.figures import Figure
from app.figures.heatmaps import circuit_maps
from proofs.circuits import Circuits
from proofs.diagnostics import copying_leads, singular_parts
from proofs.model import Array

PUBLISHED_NAMES = {"OV": "EVOU", "QK": "EQKE", "direct": "EUPU", "QK_position": "EQKP", "OV_position": "PVOU"}
"""Our panels by the names of the published figures."""

LARGEST_PARTS = 12


def decomposition(seen: Circuits, name: str) -> Figure:
    """One of the five tables, by its published name."""
    key = next(key for key, published in PUBLISHED_NAMES.items() if published == name)
    return _map(seen, key, name)


def _map(seen: Circuits, key: str, name: str) -> Figure:
    """The drawing of a table with every digit of it, since this one is exported too."""
    figure = circuit_maps(seen)[key]
    trace = {**figure["data"][0], "name": name, "z": getattr(seen, key).tolist()}
    return {**figure, "data": [trace]}


def centred_copying(seen: Circuits) -> Figure:
    """EVOU[k, x] - EVOU[k, k]: above zero, token k says x louder than itself."""
    shifted = seen.OV - np.diagonal(seen.OV)[:, None]
    return _map(replace(seen, OV=shifted), "OV", "EVOU, centred")


def singular_values(seen: Circuits) -> Figure:
    """Of EQKE / √d_head, the largest first, on a log scale: a model that ranks tokens has one large one."""
    _, values, _ = singular_parts(seen.QK)
    shown = [float(value) for value in values[:LARGEST_PARTS] if value > 0]
    places = [float(place) for place in range(1, len(shown) + 1)]
    return {
        "data": [_line("singular values", places, shown, "var(--family-3)", mode="lines+markers")],
        "layout": {
            "xaxis": {"title": {"text": "place"}},
            "yaxis": {"type": "log", "title": {"text": "singular value of EQKE / √d_head"}},
            "showlegend": False,
        },
    }


def directions(seen: Circuits) -> Figure:
    """How much each key is attended (size), and how strongly each query asks (query): EQKE's first singular vectors."""
    left, values, right = singular_parts(seen.QK)
    weight = sqrt(float(values[0]))
    tokens = [float(token * seen.token_block) for token in range(len(left))]
    return {
        "data": [
            _line("size direction (keys)", tokens, (right[0] * weight).tolist(), "var(--family-3)"),
            _line("query direction (queries)", tokens, (left[:, 0] * weight).tolist(), "var(--family-2)"),
        ],
        "layout": {
            "xaxis": {"title": {"text": "token"}},
            "yaxis": {"title": {"text": "first singular vector · √σ₁"}},
            "showlegend": True,
        },
    }


def residual(seen: Circuits) -> Figure:
    """EQKE without its first singular part, / √d_head: what low-rank proofs pay for."""
    left, values, right = singular_parts(seen.QK)
    rest = seen.QK - np.outer(left[:, 0] * values[0], right[0])
    return _map(replace(seen, QK=rest), "QK", "EQKE, residual")


def copying(seen: Circuits) -> Figure:
    """By how much each token says itself loudest when attended to; below zero it does not."""
    leads = copying_leads(seen)
    tokens = [float(token * seen.token_block) for token in range(len(leads))]
    return {
        "data": [
            {
                "type": "bar", "name": "lead", "x": tokens, "y": [float(f"{lead:.5g}") for lead in leads],
                "marker": {"color": "var(--family-3)"}, "hovertemplate": "token %{x}<br>%{y}<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": "token k"}},
            "yaxis": {"title": {"text": "EVOU[k, k] − largest other"}},
            "showlegend": False,
        },
    }  # fmt: skip


def attention_by_gap(seen: Circuits) -> Figure:
    """How much more a key is attended than one `gap` tokens smaller: mean and extremes over queries and keys."""
    table = seen.QK
    gaps = list(range(1, table.shape[1]))
    steps: list[Float64[Array, ...]] = [table[:, gap:] - table[:, :-gap] for gap in gaps]
    places = [float(gap * seen.token_block) for gap in gaps]
    low, mean, high = ([float(f"{pick(step):.5g}") for step in steps] for pick in (np.min, np.mean, np.max))
    band = _line("least to most", [*places, *reversed(places)], [*low, *reversed(high)], "var(--family-3)")
    return {
        "data": [
            {**band, "fill": "toself", "opacity": 0.28, "fillcolor": "var(--family-3)", "line": {"width": 0}},
            _line("mean", places, mean, "var(--family-3)"),
            _line("no preference", places, [0.0] * len(places), "var(--ink-3)"),
        ],
        "layout": {
            "xaxis": {"title": {"text": "gap between two keys, in tokens"}},
            "yaxis": {"title": {"text": "difference of attention scores"}},
            "showlegend": True,
        },
    }  # fmt: skip


def _line(name: str, x: Sequence[float], y: Sequence[float], colour: str, *, mode: str = "lines") -> Figure:
    return {
        "type": "scatter", "mode": mode, "name": name, "x": list(x), "y": list(y),
        "line": {"color": colour, "width": 2}, "marker": {"color": colour, "size": 7, "symbol": "circle"},
    }  # fmt: skip
