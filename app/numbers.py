"""Numbers as people read them: three significant digits, bounds rounded down, exact integers as text."""

from datetime import datetime
from math import ceil, floor, log10

MOST_DECIMALS = 12
"""A ratio that needs more is written as what it lacks: `1 − 7.53e-37`."""

PREFIXES = ((10**12, " T"), (10**9, " G"), (10**6, " M"), (10**3, " k"))


def at_least(correct: int | None, total: int) -> str:
    """`correct / total` rounded down, with three significant digits of what is there or of what is missing.

    The smaller of the two decides, so that 0.9997 and 0.9993 differ, and only a full count is ever shown as 1.
    """
    if correct is None:
        return "–"
    if correct in (0, total):
        return "0" if correct == 0 else "1"
    decimals = _decimals_before(min(correct, total - correct), total) + 3
    if decimals <= MOST_DECIMALS:
        digits = correct * 10**decimals // total
        return f"0.{digits:0{decimals}d}"
    if correct < total - correct:
        return _scientific(correct, total, up=False)
    return f"1 − {_scientific(total - correct, total, up=True)}"


def _decimals_before(part: int, total: int) -> int:
    """Zeros after the decimal point of `part / total`, exactly."""
    zeros = 0
    while part * 10 ** (zeros + 1) < total:
        zeros += 1
    return zeros


def _scientific(part: int, total: int, *, up: bool) -> str:
    """`part / total` with three digits, rounded up or down as asked, in integers: floats end at 1e-308."""
    zeros = _decimals_before(part, total)
    scaled = part * 10 ** (zeros + 3)
    digits = -(-scaled // total) if up else scaled // total
    if digits == 1000:  # rounding up carried into the next decade
        digits, zeros = 100, zeros - 1
    return f"{digits // 100}.{digits % 100:02d}e-{zeros + 1}"


def between(low: float, high: float) -> str:
    """An interval with three decimals, rounded outward: `0.995 – 1`."""
    down, up = (f"{end / 1000:.3f}".rstrip("0").rstrip(".") for end in (floor(low * 1000), ceil(high * 1000)))
    return f"{down} – {up}"


def ratio_at_least(value: float | None) -> str:
    """A stored ratio, a tightness say, as `at_least` shows it.

    Storing rounded it down to a multiple of 2**-52 already; that is taken back first, so that 0.999 does not show as 0.99899.
    """
    if value is None:
        return "–"
    if not 0 <= value <= 1:
        return significant(value)
    units = int(value * 2**52)
    return at_least(units + 1 if 0 < units < 2**52 - 1 else units, 2**52)


def count(value: int | None) -> str:
    """A length or count with three significant digits and a unit prefix: 35.2 M."""
    if value is None:
        return "–"
    if value < 1000:
        return str(value)
    for size, prefix in PREFIXES:
        if size <= value < size * 1000:
            return f"{_three_digits(value / size)}{prefix}"
    exponent = len(str(value)) - 1
    digits = value // 10 ** (exponent - 2)
    return f"{digits // 100}.{digits % 100:02d}e{exponent}"


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def exact(value: int | None) -> str:
    """Every digit, in groups of three."""
    return "–" if value is None else f"{value:,}"


def significant(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    decimals = 2 - floor(log10(abs(value)))
    return f"{value:.{decimals}f}" if 0 <= decimals <= 6 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """`1 m 12 s`, `3.42 s`, `12.3 ms`."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{_three_digits(seconds * 1000)} ms" if seconds >= 0.001 else "< 1 ms"
    if seconds < 60:
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"


def size(value: int | None) -> str:
    """Bytes with a decimal prefix, as disks are sold: 25.6 kB."""
    if value is None:
        return "–"
    for unit, prefix in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= unit:
            return f"{_three_digits(value / unit)} {prefix}"
    return f"{value} B"


def moment(value: datetime | None) -> str:
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def moment_short(value: datetime | None) -> str:
    """For tables; the whole moment is in the element's attributes."""
    return "–" if value is None else f"{value:%d %b %H:%M}".lstrip("0")
