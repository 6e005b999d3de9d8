"""Builds as a command with several gates makes them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from scoregate.reports import Report
from scoregate.reports.build import Build, LeftOut, Refused
from tests.reports.verdicts import REPORT, any_reports, verdict

LEFT_OUT = LeftOut(
    "billing", "gates/billing.toml", "nothing that it is made of has changed since main@0a1b2c3d"
)
REFUSED = Refused(
    "triage",
    "gates/triage.toml",
    2,
    "no such file",
    where="datasets/triage.jsonl",
    hint="write it first",
)


def report(gate: str, **changes: object) -> Report:
    """The report of a gate of this name, whose verdict is a pass unless it is said otherwise."""
    return Report(verdict(gate=gate, **changes), path=f"gates/{gate}.toml")


BUILD = Build(
    reports=(
        report("refunds"),
        replace(REPORT, verdict=replace(REPORT.verdict, gate="agent"), path="gates/agent.toml"),
    ),
    left_out=(LEFT_OUT,),
    refused=(REFUSED,),
    alpha=0.01,
)


_TEXT = st.text(max_size=20) | st.sampled_from(
    ("| a |", "<b>", "::error::x", "\x00\ud800", "\u202e", "</details>")
)
_REFUSED = st.builds(
    Refused,
    _TEXT,
    _TEXT,
    st.sampled_from((2, 4, 5)),
    _TEXT,
    where=st.none() | _TEXT,
    hint=st.none() | _TEXT,
)
_SOME_REPORTS = st.lists(any_reports(), max_size=3).map(tuple)
_SOME_LEFT_OUT = st.lists(st.builds(LeftOut, _TEXT, _TEXT, _TEXT), max_size=2).map(tuple)
_SOME_REFUSED = st.lists(_REFUSED, max_size=2).map(tuple)
_ALPHAS = st.none() | st.floats(0.001, 0.4)


@st.composite
def any_builds(draw: st.DrawFn) -> Build:
    """Builds whose every text is whatever hypothesis comes up with."""
    return Build(
        reports=draw(_SOME_REPORTS),
        left_out=draw(_SOME_LEFT_OUT),
        refused=draw(_SOME_REFUSED),
        alpha=draw(_ALPHAS),
    )
