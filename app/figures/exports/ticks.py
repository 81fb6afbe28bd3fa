"""Round numbers along an axis."""

from math import ceil, floor, isfinite, log10

from app.figures.exports.chart import Axis

MOST_DECADES = 8


def window(axis: Axis, values: list[float]) -> tuple[float, float]:
    """What the axis shows: as set, or all finite values with a little room; on a log axis only positive ones."""
    if axis.window is not None and axis.window[0] < axis.window[1]:
        return axis.window
    known = [value for value in values if isfinite(value) and (value > 0 or not axis.is_log)]
    low, high = min(known, default=1.0), max(known, default=10.0)
    if axis.is_log:
        room = (high / low) ** 0.04 if high > low else 2.0
        return low / room, high * room
    room = 0.04 * (high - low) or abs(high) or 1.0
    return low - room, high + room


def ticks(axis: Axis, low: float, high: float, *, wanted: int = 6) -> list[tuple[float, str]]:
    """Places and what stands there."""
    if axis.labels:
        return [(place, text) for place, text in axis.labels.items() if low <= place <= high]
    return _powers(low, high) if axis.is_log else _steps(low, high, wanted)


def _powers(low: float, high: float) -> list[tuple[float, str]]:
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    if last - first < 1:  # less than two decades meet the window: 1, 2, 5 times a power
        places = [m * 10.0**e for e in range(floor(log10(low)), ceil(log10(high)) + 1) for m in (1, 2, 5)]
        return [(place, f"{place:.3g}") for place in places if low <= place <= high]
    every = max(1, ceil((last - first) / MOST_DECADES))
    return [(10.0**e, f"1e{e}" if abs(e) > 3 else f"{10.0**e:g}") for e in range(first, last + 1, every)]


def _steps(low: float, high: float, wanted: int) -> list[tuple[float, str]]:
    raw = (high - low) / wanted
    power = 10.0 ** floor(log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = ceil(low / step - 1e-9)
    places = list(dict.fromkeys(k * step for k in range(first, floor(high / step + 1e-9) + 1)))
    decimals = max(0, -floor(log10(step) + 1e-9))
    return [(place, f"{place:.{decimals}f}" if decimals <= 6 else f"{place:.3g}") for place in places]
