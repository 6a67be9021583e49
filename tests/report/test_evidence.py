"""Emphasis only where there is evidence, and the three sentences that a run ends with."""

import numpy as np
import pytest
from made import ROWS, made_results

from similitude.benchmark.results import Results
from similitude.report.evidence import Cell, Row, read_grades, smoke_tests, strongest, why_no_emphasis
from similitude.report.findings import findings
from similitude.report.verdicts import row_verdict

VERDICTS = ["tells", "leading", "apart", "every", "every_low", "every_high"]


def states(results, row=0):
    return {m: cell.state for m, cell in read_grades(results).rows[row].cells.items()}


def edited(results, row, measure, **values):
    frame = results.frame.copy()
    subtask, functionality = ROWS[row]
    chosen = (frame["subtask"] == subtask) & (frame["functionality"] == functionality) & (frame["measure"] == measure)
    for name, value in values.items():
        frame.loc[chosen, name] = value
    return Results(frame, results.provenance)


def test_a_cell_leads_only_where_it_tells():
    results = made_results(("a", "b"))
    assert states(results) == {"a": "leading", "b": "tells"}
    leading_by_default = edited(results, 5, "a", leading=True, tells=False, every_low=-0.1, every_high=0.1)
    assert states(leading_by_default, 5)["a"] == "undecided"
    below = edited(results, 5, "b", tells=False, every=-0.3, every_low=-0.4, every_high=-0.2)
    assert states(below, 5)["b"] == "against"
    assert states(edited(results, 0, "b", every=np.nan, tells=False))["b"] == "missing"


def test_rows_say_in_words_what_cells_cannot():
    grades = read_grades(made_results())
    assert grades.rows[0].verdict == ""
    assert grades.rows[-1].verdict == "none tracks it"
    tied = made_results(("a", "b"))
    tied.frame["tells"] = tied.frame["leading"] = True
    tied.frame["apart"] = False
    assert read_grades(tied).rows[0].verdict == "measures tie"


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (made_results(scales={"vision": "quick", "language": "quick"}), "mean nothing"),
        (made_results(smoke_test=True), "mean nothing"),
        (Results(made_results().frame.drop(columns=VERDICTS), {"protocol": "published"}), "published protocol"),
        (Results(made_results().frame.drop(columns=["tells"]), {"protocol": "corrected"}), "holds no verdicts"),
    ],
)
def test_no_emphasis_without_evidence_and_the_reason_is_given(results, reason):
    assert reason in why_no_emphasis(results)
    assert {state for i in range(len(ROWS)) for state in states(results, i).values()} == {"plain"}


def test_a_smoke_test_counts_for_no_mean_rank():
    mixed = made_results(scales={"vision": "embedded", "language": "quick"})
    grades = read_grades(mixed)
    assert smoke_tests(mixed) == {"language"}
    assert why_no_emphasis(mixed) == ""
    assert [row.smoke for row in grades.rows] == [False] * 4 + [True] * 2
    assert grades.counted == 4
    real = Results(mixed.frame[mixed.frame["suite"] == "vision"], {})
    assert {m: s.mean_rank for m, s in grades.standings.items()} == {
        m: s.mean_rank for m, s in read_grades(real).standings.items()
    }
    assert read_grades(made_results(smoke_test=True)).standings == {}


@pytest.mark.parametrize(
    ("results", "found", "sure"),
    [
        (made_results(), "At least one measure tracks 5 of 6 functionalities", "of 42 values"),
        (made_results(signal=0), "No measure tracks any of 6 functionalities", "0 of 42 values"),
        (made_results(("cka",)), "cka tracks 4 of 6 functionalities", "40 models"),
        (made_results(("cka",), signal=0), "cka tracks none of 6", "0 of 6 values"),
        (made_results(failed=[(1, "cka")]), "At least one measure", "1 value is missing pairs that failed"),
        (made_results(smoke_test=True), "Smoke test", "no measure can be told from another"),
        (made_results(scales={"language": "quick"}), "tracks 4 of 4", "2 functionalities of a smoke test"),
        (
            Results(made_results().frame.drop(columns=VERDICTS), {"protocol": "published"}),
            "procrustes has the highest ρ with the best model",
            "no intervals",
        ),
        (
            Results(made_results(("cka",)).frame.drop(columns=VERDICTS), {"protocol": "published"}),
            "cka has a ρ above 0",
            "no intervals",
        ),
        (Results(made_results().frame[:0], {}), "Nothing was graded", "nothing can be said"),
    ],
)
def test_three_sentences(results, found, sure):
    sentences = findings(results, "out", ["vision"])
    assert len(sentences) == 3
    assert found in sentences[0]
    assert sure in sentences[1]
    assert all(sentence.endswith(".") and "nan" not in sentence for sentence in sentences)


def test_the_sentences_count_what_the_table_shows():
    results = made_results()
    grades = read_grades(results)
    telling = sum(len(row.measures("leading", "tells")) for row in grades.rows)
    assert f"{telling} of 42" in findings(results)[1]
    top = max(((c.value, m) for row in grades.rows for m, c in row.cells.items()))[1]
    assert f"({top}, ρ" in findings(results)[2]


def test_strongest_evidence_is_the_highest_lower_end():
    results = made_results(("a", "b"))
    assert strongest(read_grades(results).rows)[1] == "a"
    narrow = edited(results, 1, "b", tells=True, leading=True, every=0.3, every_low=0.29)
    wide = edited(narrow, 0, "a", every=0.9, every_low=0.05)
    row, measure = strongest(read_grades(wide).rows)
    assert (row.subtask, row.functionality, measure) == (*ROWS[1], "b")
    assert f"look at {', '.join(ROWS[1])}, where the evidence is strongest (b" in findings(wide)[2]
    nothing = made_results(("a", "b"))
    nothing.frame["tells"] = False
    assert strongest(read_grades(nothing).rows) is None


def test_worst_has_the_interval_of_its_cell():
    grades = read_grades(made_results(("a", "b")))
    for measure, standing in grades.standings.items():
        cells = [row.cells[measure] for row in grades.rows if row.apart]
        worst = min(cells, key=lambda cell: cell.every)
        assert (standing.worst, standing.worst_low, standing.worst_high) == (worst.every, worst.low, worst.high)


def test_the_other_statistic_has_its_own_evidence():
    results = made_results(("a", "b"))
    results.frame.loc[results.frame["statistic"] == "kendall", "tells"] = False
    assert states(results) == {"a": "leading", "b": "tells"}
    row = read_grades(results, statistic="kendall").rows[0]
    assert not row.tracked
    assert row.cells["a"].every == pytest.approx(0.7 * read_grades(results).rows[0].cells["a"].every)


def said(states, *, apart=True, smoke=False, groups=None, weak=False, failed=0):
    intervals = {"leading": (0.5, 0.4, 0.6), "tells": (0.3, 0.2, 0.4), "undecided": (0.0, -0.1, 0.1)}
    intervals |= {"against": (-0.3, -0.4, -0.2), "missing": (np.nan,) * 3, "plain": (np.nan,) * 3}
    cells = {m: Cell(*intervals[state], 0.1, failed * (m == "a"), state) for m, state in states.items()}
    row = Row("s", "f", "f", "f", "", "", "", 40, 39, groups, None, weak, smoke, apart, cells)
    return " ".join(row_verdict(row, "No verdicts."))


def test_verdicts_in_words():
    text = said({"a": "leading", "b": "tells", "c": "undecided", "d": "against"}, groups=5)
    assert "a tracks this best: ρ = .500 [.400, .600]." in text
    assert "b tracks it too, distinguishably less well." in text
    assert "Undecided, since the interval includes 0: c." in text
    assert "Inverted, since the interval lies below 0: d" in text
    assert "95 % intervals over 40 models in 5 groups" in text
    two = said({"a": "leading", "b": "leading"}, apart=False)
    assert "a and b track this, and none of them is distinguishably better than another" in two
    assert "cannot tell measures apart" in two
    assert "no measure tracks this: every interval includes 0." in said({"a": "undecided", "b": "undecided"}).lower()
    assert "includes 0 or lies below it" in said({"a": "undecided", "b": "against"})
    assert "a does not track this" in said({"a": "undecided"})
    assert "a tracks this: ρ" in said({"a": "leading"})
    assert "none of them can be told to lead" in said({"a": "tells", "b": "tells"})
    assert "a and c failed on some pairs." in said({"a": "leading", "b": "tells", "c": "missing"}, failed=2)
    assert "noise of the test items" in said({"a": "leading"}, weak=True)
    assert said({"a": "plain"}, smoke=True) == "Smoke test: values mean nothing."
    assert said({"a": "plain"}) == "No verdicts."
    assert "m0, m1, m2, m3, m4, m5 and 14 others track this" in said({f"m{i}": "leading" for i in range(20)})
