"""Reports as documents hold them: with the place of their gate."""

from __future__ import annotations

from dataclasses import replace

from scoregate.records import Run, RunHeader
from scoregate.reports import Report
from scoregate.reports.provenance import GateFile, Provenance
from tests.reports.verdicts import REPORT, VERDICT

GATE = "gates/support-agent.toml"
HEADER = RunHeader(run="run-b", dataset="support-agent", candidate="v2", expected_items=200)
PROVENANCE = replace(
    Provenance.of(Run(HEADER), None), gate=GateFile(path=GATE, lines={"answer_correctness": 12})
)
REGRESSION = replace(REPORT, provenance=PROVENANCE)
PASS = Report(VERDICT, provenance=PROVENANCE)
