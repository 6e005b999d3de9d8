"""`runs show`: the cells of each score, with the denominator that a verdict has."""

from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.reports.run_text import run_summary, score_summary


def judged() -> Run:
    """Four items; a judge was asked of three of them, and failed once."""
    items = tuple(f"q{i}" for i in range(4))
    return Run(
        RunHeader(run="a", dataset="cases", candidate="v1", expected_items=4),
        tuple(RunItem(item, 0, "ok") for item in items),
        (
            Score("q0", 0, "tone", 8.0),
            Score("q1", 0, "tone", 6.0),
            Score("q2", 0, "tone", None, "error", "no JSON"),
            Score("q3", 0, "tone", None, "not_applicable", "json_valid did not pass"),
        ),
    )


def test_valid_cells_are_counted_of_those_that_the_score_applies_to() -> None:
    (row,) = (line.split() for line in run_summary(judged()).splitlines() if line.startswith("tone  "))
    assert row == ["tone", "7", "2", "of", "3", "1", "1"]


def test_as_json_every_expected_cell_is_valid_not_applicable_or_failed() -> None:
    assert score_summary(judged())["tone"] == {
        "expected": 4,
        "valid": 2,
        "not_applicable": 1,
        "failed": 1,
        "mean_of_valid": 7.0,
    }


def failed(errors: dict[str, str]) -> Run:
    items = tuple(RunItem(item, 0, "error", error) for item, error in errors.items())
    return Run(RunHeader(run="a", dataset="cases", candidate="v1", expected_items=len(errors)), items)


def test_equal_errors_are_one_line_with_their_number() -> None:
    shown = run_summary(failed({f"q{n:03}": "KeyError: 'text'" for n in range(64)}))
    assert shown.splitlines()[-1] == "64 times (first: q000): error: KeyError: 'text'"
    assert shown.count("KeyError") == 1


def test_errors_that_name_their_item_are_equal_ones() -> None:
    shown = run_summary(failed({f"q{n:03}": f"no answer for q{n:03}" for n in range(64)}))
    assert shown.splitlines()[-1] == "64 times (first: q000): error: no answer for q000"


def test_different_errors_have_a_line_each_the_most_frequent_first() -> None:
    shown = run_summary(failed({"q000": "once", **{f"q{n:03}": "often" for n in range(1, 5)}}))
    assert shown.splitlines()[-2:] == ["4 times (first: q001): error: often", "q000 (trial 0): error: once"]
    many = run_summary(failed({f"q{n:03}": f"error {chr(65 + n)}" for n in range(14)}))
    assert many.splitlines()[-1] == "and 4 more"
