"""The reference project's files: read as they are, refused with line and column, never in part."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.published.results import MalformedResults, decoded, read
from proofs.task import MaxOfK

SUBCUBIC = """\
seed,accuracy-bound,normalized-accuracy-bound,duration-proof-search,duration,tricks,err-upper-bound,err-upper-bound-is-max,total-sequences,dropped-sequences,dropped-sequences-frac,most-gap-below-value,most-gap-below-value-frac,most-gap-below-value-num-std,max-gap,perf-time-enabled-ns,perf-instruction-count,perf-branch-misses,perf-page-faults,proof-flop-estimate,proof-int-op-estimate,proof-branch-estimate
50,0.4220941523090005,0.4223676916962766,44.13786578178406,2.1865224838256836,EUPUGlobalMaxDiffExactAttnDropAverageQueryPerOutputLogitReasoningAttnErrExactEqkeMaxDiffExact,0.0,False,1073741824,96324334,0.0897090267390012,5,0.9957995414733888,1.5,16,,,,,2903885,0,0
50,0.3655575131997466,0.36579441384768935,43.90043234825134,2.1689019203186035,EUPUGlobalMaxDiffExactAttnDropAverageQueryPerOutputLogitReasoningAttnErrMaxDiff,7.799983501434326,True,1073741824,119111766,0.1109314765781164,6,0.9966815710067748,1.5,16,,,,,3880654,0,0
"""
"""Two rows of all-models-subcubic-values.csv at K = 5 (data repository @ 12a5a147)."""

CUBIC = """\
seed,accuracy-bound,normalized-accuracy-bound,correct-count-lower-bound,duration-proof-search,duration
50.0,0.9386501079425216,0.9392584029733546,1007867879.0,1.9073486328125e-06,52.93157386779785
104.0,0.9543308252468704,0.9551455103910794,1024704921.0,1.6689300537109375e-06,52.60688781738281
"""

SAMPLED = """\
seed,loss,accuracy,num_correct,num_incorrect,cpu,duration
50,0.0030340440002431584,0.9993256343277732,6187113,733921,,255.28169226646423
"""

FIVE, TEN = MaxOfK(64, 5), MaxOfK(64, 10)


def test_a_sub_cubic_file_is_read_as_it_is_written() -> None:
    first, second = read(SUBCUBIC, FIVE)
    assert (first.seed, first.strategy, first.total) == (50, "U5-A2-E9", 64**5)
    assert first.bound == pytest.approx(0.4220941523090005, abs=1e-9)
    assert first.correct == round(0.4220941523090005 * 64**5)
    assert (second.strategy, second.error_bound, second.length) == ("U5-A2-E2", 7.799983501434326, 3880654)
    assert second.search_seconds == 43.90043234825134
    assert not second.estimated


def test_a_cubic_file_is_read_with_its_counts() -> None:
    found = read(CUBIC, FIVE)
    assert [(one.seed, one.strategy, one.correct) for one in found] == [
        (50, "cubic", 1007867879), (104, "cubic", 1024704921),
    ]  # fmt: skip


def test_a_sampled_brute_force_is_an_estimate() -> None:
    (one,) = read(SAMPLED, TEN)
    assert one.estimated
    assert one.bound == pytest.approx(0.9993256343277732, abs=1e-12)


def test_an_exhaustive_brute_force_is_not() -> None:
    (one,) = read("seed,loss,accuracy,num_correct,num_incorrect,cpu,duration\n1,0,0.75,12,4,,1\n", MaxOfK(4, 2))
    assert (one.correct, one.total, one.estimated) == (12, 16, False)


def test_old_names_of_the_exact_option_are_understood() -> None:
    old = SUBCUBIC.replace("EUPUGlobal", "ExactEQKEEUPUGlobal").replace(
        "AttnErrExactEqkeMaxDiffExact", "AttnErrMaxDiffExact"
    )
    first, *_ = read("\n".join(old.split("\n")[:2]), FIVE)
    assert first.strategy == "U5-A2-E9"


def test_files_of_spreadsheets_with_a_mark_and_other_line_ends_are_read() -> None:
    assert read(decoded(b"\xef\xbb\xbf" + CUBIC.replace("\n", "\r\n").encode()), FIVE) == read(CUBIC, FIVE)


@pytest.mark.parametrize(
    ("change", "line", "column", "says"),
    [
        (lambda text: text.replace("104.0,", "104.5,"), 3, "seed", "'104.5' is not a whole number"),
        (lambda text: text.replace("104.0,", "x,"), 3, "seed", "'x' is not a whole number"),
        (lambda text: text.replace("1024704921.0", "1024704999999"), 3, "correct-count-lower-bound", "max-of-5"),
        (lambda text: text.replace("0.9543308252468704", "1.5"), 3, "accuracy-bound", "from 0 to 1"),
        (lambda text: text.replace("0.9543308252468704", "nan"), 3, "accuracy-bound", "finite"),
        (lambda text: text.replace("0.9551455103910794", "inf"), 3, "normalized-accuracy-bound", "finite"),
        (lambda text: text.replace("correct-count-lower-bound", "count"), 1, "correct-count-lower-bound", "missing"),
        (lambda text: text.replace("duration\n", "seed\n"), 1, "seed", "twice"),
        (lambda text: text.replace("104.0,", "50,"), 3, "seed", "twice"),
        (lambda text: text + "1,2\n", 4, "", "2 values; the header has 6"),
        (lambda text: text.split("\n")[0], 1, "", "no row"),
        (lambda text: "", 1, "", "missing"),
        (lambda text: text + '"never closed', 4, "", "not CSV"),
        (lambda text: text.replace("104.0", "104\0"), 3, "", "binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_line_and_column(
    change: Callable[[str], str], line: int, column: str, says: str
) -> None:
    with pytest.raises(MalformedResults, match="Nothing was imported") as caught:
        read(change(CUBIC), FIVE)
    assert caught.value.line == line
    assert caught.value.column == column or not column
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "column"),
    [
        ("EUPUGlobalMaxDiffExactAttnDropAverageQueryPerOutputLogitReasoningAttnErrMaxDiff,", "EUPUNothing,", "tricks"),
        ("True,1073741824", "True,16777216", "total-sequences"),
        ("0.3655575131997466", "-0.1", "accuracy-bound"),
        ("3880654", "many", "proof-flop-estimate"),
    ],
)
def test_a_sub_cubic_file_is_checked_too(before: str, after: str, column: str) -> None:
    with pytest.raises(MalformedResults) as caught:
        read(SUBCUBIC.replace(before, after), FIVE)
    assert (caught.value.line, caught.value.column) == (3, column)


def test_a_bound_that_is_no_whole_number_of_sequences_is_refused() -> None:
    small = "seed,accuracy-bound,tricks,total-sequences,proof-flop-estimate\n1,0.3,U1-A1-E1,16,5\n"
    with pytest.raises(MalformedResults, match="whole number"):
        read(small, MaxOfK(4, 2))


def test_a_file_about_another_task_is_refused() -> None:
    with pytest.raises(MalformedResults, match=r"64\^4"):
        read(SUBCUBIC, MaxOfK(64, 4))


def test_binary_files_are_refused_with_their_line() -> None:
    with pytest.raises(MalformedResults, match="Line 2: The file is not UTF-8"):
        decoded(b"seed,x\n\xff\xfe\n")


@given(st.text(max_size=400))
@settings(deadline=None)
def test_nothing_but_the_named_refusal_ever_comes_out(text: str) -> None:
    for content in (text, CUBIC + text, SUBCUBIC[:900] + text):
        with suppress(MalformedResults):
            assert read(content, FIVE)
