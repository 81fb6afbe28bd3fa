"""The reference project's CSV files, read strictly: a group's own old results, to stand beside ours.

Three files are known by their columns: brute force, cubic, and sub-cubic (one row for each seed and strategy). Further
columns are passed over, missing ones are an error, and every value is checked against the others: a bound that is no whole
number of sequences, or a strategy that does not exist, is refused with its line and column. All rows or none.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.published.rows import options_of
from proofs.task import MaxOfK

MOST_ROWS = 200_000
LONGEST_CELL = 1_000

BRUTE_FORCE = ("seed", "accuracy", "num_correct", "num_incorrect")
CUBIC = ("seed", "accuracy-bound", "correct-count-lower-bound")
SUBCUBIC = ("seed", "accuracy-bound", "tricks", "total-sequences", "proof-flop-estimate")

ROUNDING = 1e-6
"""Of a bound: the files hold float32 numbers."""

LEGACY = "ExactEQKE"
"""Old files write this before a strategy's name, with error option MaxDiffExact, for today's exact option."""


class MalformedResults(ValueError):
    """A results file that cannot be read; `line` counts from 1, the header included."""

    def __init__(self, why: str, *, line: int, column: str = "") -> None:
        self.line, self.column, self.why = line, column, why
        where = f"Line {line}" + (f", column {column!r}" if column else "")
        super().__init__(f"{where}: {why} Nothing was imported.")


@dataclass(frozen=True)
class ReferenceResult:
    """One proof as somebody's reference project reported it: `float`, whatever it says."""

    seed: int
    strategy: str
    """The short code of one of the 100, `cubic` or `brute-force`."""
    correct: int
    """Sequences certified; for a sampled brute force, of those drawn."""
    total: int
    normalised: float | None
    length: int | None
    """`proof-flop-estimate`."""
    error_bound: float | None
    search_seconds: float | None
    seconds: float | None
    estimated: bool
    """A brute force that sampled: not a proof."""

    @property
    def bound(self) -> float:
        return self.correct / self.total


def decoded(content: bytes) -> str:
    """The text of a file. Raises `MalformedResults` if it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MalformedResults("The file is not UTF-8 text.", line=line) from error


def read(text: str, task: MaxOfK) -> tuple[ReferenceResult, ...]:
    """Every row of a file about models of this task. Raises `MalformedResults`."""
    if "\0" in text:
        raise MalformedResults(
            "The file holds binary data; it must be a CSV file.", line=text[: text.index("\0")].count("\n") + 1
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        kind = _kind(header)
        found = tuple(_rows(reader, header, kind, task))
    except csv.Error as error:
        raise MalformedResults(f"The line is not CSV ({error}).", line=max(reader.line_num, 1)) from error
    if not found:
        raise MalformedResults("There is no row below the header.", line=1)
    _refuse_repetition(found)
    return found


def _kind(header: Sequence[str]) -> tuple[str, ...]:
    for kind in (SUBCUBIC, BRUTE_FORCE, CUBIC):
        if set(kind) <= set(header):
            repeated = next((name for name in header if name and header.count(name) > 1), None)
            if repeated:
                raise MalformedResults("The column is there twice.", line=1, column=repeated)
            return kind
    kinds = {"sub-cubic": SUBCUBIC, "brute force": BRUTE_FORCE, "cubic": CUBIC}
    nearest = max(kinds, key=lambda name: len(set(kinds[name]) & set(header)) / len(kinds[name]))
    lacking = next(name for name in kinds[nearest] if name not in header)
    raise MalformedResults(
        f"The column is missing. A {nearest} file has the columns {', '.join(kinds[nearest])}.", line=1, column=lacking
    )


def _rows(
    reader: Iterator[list[str]], header: Sequence[str], kind: tuple[str, ...], task: MaxOfK
) -> Iterator[ReferenceResult]:
    read_row = {SUBCUBIC: _subcubic, CUBIC: _cubic, BRUTE_FORCE: _brute_force}[kind]
    for count, cells in enumerate(reader, 1):
        line: int = reader.line_num  # type: ignore[attr-defined]  # of csv's reader
        if not cells:
            continue
        if count > MOST_ROWS:
            raise MalformedResults(f"The file has more than {MOST_ROWS:,} rows. Split it.", line=line)
        if len(cells) != len(header):
            raise MalformedResults(f"The row has {len(cells)} values; the header has {len(header)}.", line=line)
        yield read_row(_Cells(dict(zip(header, cells, strict=True)), line), task)


@dataclass(frozen=True)
class _Cells:
    """One row, read value by value."""

    values: Mapping[str, str]
    line: int

    def wrong(self, column: str, why: str) -> MalformedResults:
        return MalformedResults(why, line=self.line, column=column)

    def text(self, column: str) -> str:
        value = self.values[column].strip()
        if len(value) > LONGEST_CELL:
            raise self.wrong(column, f"The value is longer than {LONGEST_CELL} characters.")
        return value

    def whole(self, column: str) -> int:
        """A whole number, also as pandas writes one (`50.0`)."""
        text = self.text(column)
        digits = text.removesuffix(".0")
        if not (digits.isascii() and digits.isdigit()):
            raise self.wrong(column, f"{text[:40]!r} is not a whole number.")
        return int(digits)

    def share(self, column: str) -> float:
        value = self.number(column)
        if value is None or not 0 <= value <= 1 + ROUNDING:
            raise self.wrong(column, f"{self.text(column)[:40]!r} is not a number from 0 to 1.")
        return value

    def number(self, column: str) -> float | None:
        """None where the file has no such column or leaves it empty."""
        if column not in self.values or not (text := self.text(column)):
            return None
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(column, f"{text[:40]!r} is not a number.") from None
        if not math.isfinite(value):
            raise self.wrong(column, f"{text[:40]!r} is not a finite number.")
        return value


def _subcubic(cells: _Cells, task: MaxOfK) -> ReferenceResult:
    total = cells.whole("total-sequences")
    if total != task.total:
        raise cells.wrong("total-sequences", f"{total:,} is not {task.d_vocab}^{task.n_ctx} = {task.total:,}.")
    bound = cells.share("accuracy-bound")
    correct = round(bound * total)
    if abs(correct / total - bound) > ROUNDING:
        raise cells.wrong("accuracy-bound", f"{bound} of {total:,} sequences is not a whole number of them.")
    return ReferenceResult(
        seed=cells.whole("seed"), strategy=_strategy(cells), correct=correct, total=total,
        normalised=cells.number("normalized-accuracy-bound"), length=cells.whole("proof-flop-estimate"),
        error_bound=cells.number("err-upper-bound"), search_seconds=cells.number("duration-proof-search"),
        seconds=cells.number("duration"), estimated=False,
    )  # fmt: skip


def _strategy(cells: _Cells) -> str:
    name = cells.text("tricks")
    if name.startswith(LEGACY) and name.endswith("AttnErrMaxDiffExact"):
        name = name.removeprefix(LEGACY).removesuffix("MaxDiffExact") + "ExactEqkeMaxDiffExact"
    options = options_of(name)
    if options is None:
        raise cells.wrong("tricks", f"{name[:80]!r} is none of the 100 published strategies.")
    return options.code


def _cubic(cells: _Cells, task: MaxOfK) -> ReferenceResult:
    bound, correct = cells.share("accuracy-bound"), cells.whole("correct-count-lower-bound")
    if abs(correct / task.total - bound) > ROUNDING:
        raise cells.wrong(
            "correct-count-lower-bound",
            f"{correct:,} of {task.total:,} sequences is not the row's bound of {bound}. Is the file about max-of-{task.n_ctx}?",
        )
    return ReferenceResult(
        seed=cells.whole("seed"), strategy="cubic", correct=correct, total=task.total,
        normalised=cells.number("normalized-accuracy-bound"), length=None, error_bound=None,
        search_seconds=cells.number("duration-proof-search"), seconds=cells.number("duration"), estimated=False,
    )  # fmt: skip


def _brute_force(cells: _Cells, task: MaxOfK) -> ReferenceResult:
    """A sampled run is known by its number of sequences. Its accuracy is weighted, so its counts do not give it."""
    correct, incorrect = cells.whole("num_correct"), cells.whole("num_incorrect")
    accuracy, drawn = cells.share("accuracy"), correct + incorrect
    if drawn == 0:
        raise cells.wrong("num_correct", "No sequence was tried.")
    estimated = drawn != task.total
    if not estimated and abs(correct / drawn - accuracy) > ROUNDING:
        raise cells.wrong("accuracy", f"{accuracy} is not {correct:,} of {drawn:,}.")
    return ReferenceResult(
        seed=cells.whole("seed"), strategy="brute-force", correct=round(accuracy * task.total) if estimated else correct,
        total=task.total, normalised=1.0, length=None, error_bound=None, search_seconds=None,
        seconds=cells.number("duration"), estimated=estimated,
    )  # fmt: skip


def _refuse_repetition(found: Sequence[ReferenceResult]) -> None:
    """Which of two values is meant, nobody could say."""
    seen: dict[tuple[int, str], int] = {}
    for place, one in enumerate(found):
        first = seen.setdefault((one.seed, one.strategy), place)
        if first != place:
            raise MalformedResults(
                f"Seed {one.seed} with {one.strategy} is there twice (rows {first + 1} and {place + 1}).",
                line=place + 2, column="seed",
            )  # fmt: skip
