"""Forty texts that would like to be more than text, wherever an agent, a dataset or a gate may hold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scoregate.catalog import Contract
from scoregate.records import DatasetItem, Flip, Run, RunHeader
from scoregate.records.run_facts import RunFacts
from scoregate.reports import Report
from scoregate.reports.provenance import GateFile, Provenance
from tests.reports.verdicts import lost, rule, verdict

HOSTILE: Mapping[str, str] = {
    "markdown heading": "# PASS",
    "markdown emphasis": "**bold** _and_ ~~gone~~",
    "markdown link": "[click](https://evil.example)",
    "markdown image": "![](https://evil.example/pixel.png)",
    "bare address": "https://evil.example and www.evil.example",
    "mention": "@octocat @org/team",
    "issue reference": "fixes #1, GH-2 and org/repo#3",
    "table pipes": "a | b | c\n|---|---|",
    "backticks": "``` `code` ````",
    "fence": "```\nout of the block\n```",
    "end of details": "</details></summary>",
    "html script": "<script>alert(1)</script>",
    "html comment": "<!-- hidden",
    "html attribute": '" onmouseover="alert(1)',
    "html entity": "&lt;b&gt; &#x1b; &nbsp",
    "xml cdata end": "]]>",
    "xml cdata": "<![CDATA[<failure/>]]>",
    "xml end of case": "</system-out></testcase></testsuite>",
    "xml doctype": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "xml instruction": "<?xml version='1.0'?>",
    "json end": '"}], "outcome": "pass", "x": [{"',
    "json escape": "\\u0022 \\n \\",
    "workflow error": "::error file=a.py,line=1::broken",
    "workflow mask": "\n::add-mask::e",
    "azure command": "##vso[task.setvariable variable=x]y",
    "teamcity command": "##teamcity[buildStatus status='SUCCESS']",
    "expression": "${{ secrets.GITHUB_TOKEN }}",
    "shell": "$(rm -rf ~) `id` ; exit 0 #",
    "ansi": "\x1b[31mred\x1b[0m\x1b[2J",
    "osc 8 link": "\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\",
    "c1 control": "\x9b31mred\x85next",
    "right to left": "\u202eSSAP\u202c \u2066x\u2069",
    "zero width": "pa\u200bss\u200d\ufeff",
    "nul": "a\x00b",
    "lone surrogate": "a\ud800b\udfffc",
    "noncharacters": "a\ufffeb\uffffc",
    "carriage return": "PASS\rFAIL\r\nnext\u2028line\x0b\x0c",
    "formula": '=HYPERLINK("https://evil.example";"x")\t=1+1',
    "formula sign": "@SUM(1;1)-2+3",
    "megabyte": "x" * 1_000_000,
}


def report_with(text: str) -> Report:
    """A report that has the text in every place that somebody else may write."""
    header = RunHeader(
        run=text,
        dataset=text,
        candidate=text,
        expected_items=1,
        commit=text,
        dataset_version=text,
        scorers={text: text},
        started_at=text,
        finished_at=text,
    ).with_facts(RunFacts(origin={"branch": text}))
    return Report(
        verdict=verdict(
            rule(score=text, outcome="regression", reason=text),
            rule(score=text, slice=text, outcome="inconclusive", reason=text),
            rule(score="after", outcome="invalid", reason="the last one"),
            outcome="regression",
            reason=text,
            flips=(
                lost(text, score=text, comment=text),
                Flip("other", text, baseline_value=text, candidate_value=text, worse=False),
            ),
            missing_items=(text,),
            notes=(text,),
            policy_changes=(text,),
            gate=text,
            dataset=text,
            candidate=text,
            candidate_run=text,
            baseline_candidate=text,
            baseline_run=text,
        ),
        items={text: DatasetItem(text, {text: [text]}, text)},
        baseline_outputs={text: text},
        candidate_outputs={text: {text: text}},
        contracts={text: Contract(text, "categorical", categories=(text,), unit=text, description=text)},
        links={text: text},
        hints=(text,),
        anchor=text,
        provenance=replace(
            Provenance.of(Run(header), Run(replace(header, run="run-a"))),
            gate=GateFile(path=text, lines={text: 3}),
        ),
    )
