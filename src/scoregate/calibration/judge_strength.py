"""How much of a true drop a judge shows: sensitivity + specificity − 1, from its calibration."""

from __future__ import annotations

from scoregate.calibration.record import Calibration
from scoregate.catalog import Contract
from scoregate.statistics.corrections import WEAKEST_JUDGE
from scoregate.statistics.estimate import Estimate, difference_interval, estimated, not_estimated


def judge_strength(calibration: Calibration, contract: Contract) -> Estimate:
    """The part of a true difference of pass rates that the judge's scores show, with its 95 % interval.

    A judge that errs as often in both versions shows a part of every difference: of what people pass it passes a
    larger share than of what they fail, and the part is the difference of the two shares. Replies that were missing do
    not count. No value for scores that do not pass or fail, and where a class has no label.
    """
    replied = calibration.labelled - calibration.missing
    if calibration.kind not in ("boolean", "categorical"):
        return not_estimated(replied, "it is for scores that pass or fail")
    counts = {True: [0, 0], False: [0, 0]}
    for label, row in zip(calibration.classes, calibration.confusion, strict=True):
        for judged, number in zip(calibration.classes, row, strict=True):
            if label in contract.ignore or judged in contract.ignore:
                continue
            passed, of = counts[_passes(label, contract)]
            counts[_passes(label, contract)] = [passed + number * _passes(judged, contract), of + number]
    (right, passes), (wrong, fails) = counts[True], counts[False]
    if not passes or not fails:
        return not_estimated(replied, f"no label is a {'pass' if not passes else 'fail'}")
    interval = difference_interval(wrong, fails, right, passes)
    return estimated(right / passes - wrong / fails, *interval, passes + fails)


def too_weak(strength: Estimate) -> bool:
    """Whether the judge may be hardly better than chance, so that its margin rules out nothing."""
    return strength.low is None or strength.low <= WEAKEST_JUDGE


def margin_sentence(score: str, margin: float, strength: Estimate) -> str | None:
    """What a pass within a margin of the judge's own scores rules out in truth; None where it cannot be told."""
    if strength.value is None or strength.low is None or strength.high is None:
        return None
    shows = (
        f"the judge '{score}' shows {strength.value:.2f} of a true drop [{strength.low:.2f}, {strength.high:.2f}], by "
        f"{strength.n:,} calibrated items"
    )
    if too_weak(strength):
        return f"{shows}: a pass within its margin of {_points(margin)} may rule out no true drop at all"
    likely, most = min(1.0, margin / strength.value), min(1.0, margin / strength.low)
    return (
        f"{shows}: a pass within its margin of {_points(margin)} would rule out true drops of more than "
        f"{_points(likely)}, to be sure {_points(most)}"
    )


def true_margin_sentence(score: str, margin: float, strength: Estimate) -> str:
    """That a margin is one of the truth, and which one of the judge's scores stands for it."""
    assert strength.value is not None
    assert strength.low is not None
    return (
        f"the judge '{score}' shows {strength.value:.2f} of a true drop, at least {strength.low:.2f}: its margin of "
        f"{_points(margin)} of the truth is {_points(margin * strength.low)} of its own scores"
    )


def _passes(name: str, contract: Contract) -> bool:
    if contract.type == "boolean":
        return (name == "true") != (contract.direction == "lower")
    return name in contract.passing


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
