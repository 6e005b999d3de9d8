"""Whatever judge and people said: a measure is a number with its interval, or says why not, and survives the file."""

from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.file import read_calibration, write_calibration
from scoregate.calibration.record import Calibration
from scoregate.calibration.scale import JudgedItem
from scoregate.catalog import Contract
from scoregate.statistics.estimate import Estimate
from tests.calibration.judged import calibrated

BOOLEAN = Contract(name="correct", type="boolean")
WORDS = Contract(name="verdict", type="categorical", categories=("a", "b", "c"), passing=("a",))
GRADES = Contract(
    name="tone", type="categorical", categories=("bad", "ok", "no"), ignore=("no",), ordered=True
)
NUMBERS = Contract(name="share", type="numeric", min=0, max=1, direction="higher")
VALUES: dict[str, st.SearchStrategy[bool | float | str]] = {
    "correct": st.booleans(),
    "verdict": st.sampled_from(WORDS.categories),
    "tone": st.sampled_from(GRADES.categories),
    "share": st.floats(0, 1),
}
CONTRACTS = {contract.name: contract for contract in (BOOLEAN, WORDS, GRADES, NUMBERS)}


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    contract = draw(st.sampled_from([BOOLEAN, WORDS, GRADES, NUMBERS]))
    value = VALUES[contract.name]
    pairs = draw(st.lists(st.tuples(st.none() | value, value), min_size=1, max_size=30))
    judged = [JudgedItem(f"i{n}", judge, label) for n, (judge, label) in enumerate(pairs)]
    comparisons: list[Comparison | None] = [None]
    if contract is NUMBERS:
        comparisons += [Comparison(tolerance=0.2), Comparison(pass_at=0.5)]
    first = calibrated(judged, contract, comparison=draw(st.sampled_from(comparisons)))
    return (
        calibrated(judged[: len(judged) // 2 + 1], contract, previous=first) if draw(st.booleans()) else first
    )


@given(calibrations())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_measure_is_nan_and_all_of_it_can_be_read_again(found: Calibration) -> None:
    for field in fields(found):
        estimate = getattr(found, field.name)
        if not isinstance(estimate, Estimate):
            continue
        if estimate.value is None:
            assert (estimate.low, estimate.high) == (None, None)
            assert estimate.reason
        elif estimate.low is None or estimate.high is None:
            assert estimate.reason
        else:
            assert -1 - 1e-9 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-9
    with TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.json"
        write_calibration(found, path)
        assert read_calibration(path, judge=found.judge, contract=CONTRACTS[found.judge]) == found


@given(calibrations())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_labelled_item_is_counted_once(found: Calibration) -> None:
    assert found.agreed + found.disagreed + found.missing == found.labelled
    if found.classes:
        assert sum(map(sum, found.confusion)) == found.labelled - found.missing
