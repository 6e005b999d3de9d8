"""A judge's calibration for people: agreement with intervals and n, the confusion table, what to read, the drift."""

from __future__ import annotations

from scoregate.calibration.record import Calibration, Drift
from scoregate.reports.text import one_line, wrap
from scoregate.statistics.estimate import Estimate
from scoregate.wording import plural

_READ = 5
"""So many disagreements are shown; the file holds more."""
_REASONING = 200


def render_calibration(found: Calibration, *, file: str, width: int) -> str:
    """What was found, as text no wider than `width` where words can be broken. `file` is where it is kept."""
    replied = found.labelled - found.missing
    parts = [
        wrap(
            f"judge {found.judge} beside people on {found.labelled:,} {plural(found.labelled, 'item')}"
            + (f", {found.missing:,} of them without a valid reply" if found.missing else "")
            + f"; they agree where {found.compared}",
            width,
        ),
        _measures(found),
        _confusion(found),
        _rates(found),
        _disagreements(found, file, width),
        wrap(_drift(found.drift), width) if found.drift is not None else [],
    ]
    if not replied:
        parts.append(["the judge gave no valid reply at all"])
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _measures(found: Calibration) -> list[str]:
    from tabulate import tabulate

    measures = {
        "agreement": found.agreement,
        "Cohen's κ": found.kappa,
        "weighted κ": found.weighted_kappa,
        "Krippendorff's α": found.alpha,
        "Gwet's AC1": found.ac1,
    }
    rows = [[name, *_told(estimate)] for name, estimate in measures.items()]
    return tabulate(
        rows, headers=["measure", "value", "95 % interval", "n"], disable_numparse=True
    ).splitlines()


def _confusion(found: Calibration) -> list[str]:
    from tabulate import tabulate

    if not found.classes:
        return []
    rows = [[one_line(name), *counts] for name, counts in zip(found.classes, found.confusion, strict=True)]
    return tabulate(
        rows, headers=["label \\ judge", *map(one_line, found.classes)], disable_numparse=True
    ).splitlines()


def _rates(found: Calibration) -> list[str]:
    from tabulate import tabulate

    rows = [
        [one_line(rate.name), *map(_in_one, (rate.true_positive, rate.false_positive))]
        for rate in found.rates
    ]
    headers = ["class", "true positive rate", "false positive rate"]
    return tabulate(rows, headers=headers, disable_numparse=True).splitlines() if rows else []


def _disagreements(found: Calibration, file: str, width: int) -> list[str]:
    if not found.disagreed:
        return []
    shown = found.disagreements[:_READ]
    lines = [f"Worst disagreements, {len(shown)} of {found.disagreed:,} ({file} holds up to 20):"]
    for one in shown:
        reasoning = one_line(one.reasoning or "")[:_REASONING]
        said = f"{one_line(one.item)}: people {_value(one.label)}, judge {_value(one.judge)}. {reasoning}"
        first, *rest = wrap(said, max(width - 2, 20))
        lines += [f"- {first}", *(f"  {line}" for line in rest)]
    return lines


def _drift(drift: Drift) -> str:
    points = f"{100 * drift.difference:+.1f} points ({100 * drift.low:+.1f} to {100 * drift.high:+.1f})"
    counts = f"{drift.n_before:,} {plural(drift.n_before, 'item')} then, {drift.n_now:,} now"
    text = f"Since the calibration of {drift.since} ({counts}): {points}"
    if drift.more_disagreement:
        text += f"; the judge agrees less than it did (p = {drift.p_value:.2g})"
    elif not drift.compared_differently:
        text += "; no loss of agreement is proved"
    changed = [f"the judge's {', '.join(drift.judge_changed)}"] if drift.judge_changed else []
    changed += ["the labels"] if drift.labels_changed else []
    changed += ["how the two are compared"] if drift.compared_differently else []
    return f"{text}; changed since: {'; '.join(changed)}" if changed else text


def _told(estimate: Estimate) -> list[str]:
    if estimate.value is None:
        return ["–", f"cannot be told: {estimate.reason}", f"{estimate.n:,}"]
    interval = _interval(estimate)
    return [f"{estimate.value:.3f}", interval, f"{estimate.n:,}"]


def _in_one(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"– ({estimate.reason})"
    return f"{100 * estimate.value:.1f} % ({_percent(estimate)}), n = {estimate.n:,}"


def _percent(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "no interval"
    return f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"not estimable: {estimate.reason}" if estimate.reason else "not estimable"
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _value(value: bool | int | float | str | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else one_line(str(value))
