"""The result document: what it says beside the verdict, its published schema, and that it is enough for every face."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from scoregate.catalog import Contract
from scoregate.gate_file import Gate, Rule, read_gate
from scoregate.gate_file.candidate import Limits
from scoregate.records import JSON, Flip, LeftOutTrials, Outcome, Run, RunHeader, RunItem, Spread
from scoregate.records.run_facts import RunFacts
from scoregate.reports import FORMATS, Report, render
from scoregate.reports.build_document import result_schema
from scoregate.reports.document import as_document, from_document
from scoregate.reports.policy import Policy, digest_of
from scoregate.reports.provenance import GateFile, Provenance
from scoregate.reports.terminal import render_terminal
from scoregate.store.judging import RunUsage
from tests.documents import PUBLISHED, problems
from tests.git.repository import Repository
from tests.reports.verdicts import CONFIRMED, REPORT, any_reports, rule, verdict

CONTRACTS = {
    "answer_correctness": Contract("answer_correctness", "boolean", where="scores.toml:3"),
    "groundedness": Contract("groundedness", "numeric", min=0.0, max=1.0, rubric="groundedness-v1"),
}
GATE = Gate(
    name="support-agent",
    rules={
        "answer_correctness": Rule(min=0.8, max_drop=0.02, where="gates/support-agent.toml:9"),
        "groundedness": Rule(critical=True, passing=("yes",)),
    },
    limits=Limits(max_calls=1000),
)
CANDIDATE = RunHeader(
    run="run-b",
    dataset="support-agent",
    candidate="v2",
    expected_items=200,
    commit="4f3c2b1",
    dataset_fingerprint="0a1b2c",
    dataset_version="2026-11-01T00:00:00Z",
    scorers={"answer_correctness": "1", "groundedness": "judge 0123456789ab"},
    started_at="2026-11-30T10:00:00+00:00",
    finished_at="2026-11-30T10:01:30+00:00",
).with_facts(RunFacts(dirty=True, origin={"branch": "shorter-prompt"}))
EVIDENCE = replace(
    REPORT,
    contracts=CONTRACTS,
    judge_usage=(RunUsage(score="groundedness", replies=200, from_cache=20, calls=181, cost_usd=0.42),),
    provenance=Provenance.of(Run(CANDIDATE), Run(replace(CANDIDATE, run="run-a", candidate="v1"))),
    policy=Policy.of(GATE, CONTRACTS),
)


def test_the_document_holds_what_evidence_needs() -> None:
    document = json.loads(render(EVIDENCE, "json"))

    assert document["schema"] == 1
    assert document["policy"]["rules"] == {
        "answer_correctness": {"min": 0.8, "max_drop": 0.02},
        "groundedness": {"critical": True, "pass": ["yes"]},
    }
    assert document["policy"]["alpha"] == 0.01
    assert document["policy"]["limits"] == {"max_calls": 1000}
    assert document["contracts"]["groundedness"] == {
        "name": "groundedness",
        "type": "numeric",
        "min": 0.0,
        "max": 1.0,
        "rubric": "groundedness-v1",
    }
    assert document["provenance"]["scoregate"] == "0.1.0"
    assert document["provenance"]["baseline"]["run"] == "run-a"
    assert document["provenance"]["candidate"] == {
        "run": "run-b",
        "candidate": "v2",
        "commit": "4f3c2b1",
        "branch": "shorter-prompt",
        "dirty": True,
        "dataset": "support-agent",
        "dataset_fingerprint": "0a1b2c",
        "dataset_version": "2026-11-01T00:00:00Z",
        "expected_items": 200,
        "trials": 1,
        "scorers": {"answer_correctness": "1", "groundedness": "judge 0123456789ab"},
        "started_at": "2026-11-30T10:00:00+00:00",
        "finished_at": "2026-11-30T10:01:30+00:00",
    }
    (judge,) = document["judges"]
    assert (judge["score"], judge["calls"], judge["cost_usd"]) == ("groundedness", 181, 0.42)


def test_a_rule_can_be_pointed_at_in_its_file(repository: Repository) -> None:
    gates = repository.folder / "agents" / "support" / "gates"
    gates.mkdir(parents=True)
    path = gates / "agent.toml"
    path.write_text('[scores.correct]\nmin = 0.8\n\n[scores.tone]\ndirection = "higher"\n')
    gate = read_gate(path)

    provenance = Provenance.of(Run(CANDIDATE), None, gate)
    assert provenance.gate == GateFile(
        path="agents/support/gates/agent.toml", lines={"correct": 1, "tone": 4}
    )
    document = json.loads(render(replace(EVIDENCE, provenance=provenance), "json"))
    assert problems(document) == []
    assert from_document(document).provenance == provenance

    of_the_base = replace(gate, rules={"correct": Rule(where=str(gates / "base" / "agent.toml:7"))})
    provenance = Provenance.of(Run(CANDIDATE), None, of_the_base)
    assert provenance.gate == GateFile(path="agents/support/gates/agent.toml")


def test_a_document_without_the_place_of_its_gate_is_read() -> None:
    document = json.loads(render(EVIDENCE, "json"))
    assert "gate" not in document["provenance"]
    assert problems(document) == []


def test_a_run_ended_with_its_last_answer() -> None:
    began = 1_796_032_800.0  # 2026-11-30T10:00:00Z

    def finished(*items: RunItem) -> str | None:
        return Provenance.of(Run(CANDIDATE, items), None).candidate.finished_at

    first = RunItem("q1", 0, "ok", started_at=began + 3, latency_seconds=2.5)
    assert finished(first, RunItem("q2", 0, "error", started_at=began + 4)) == "2026-11-30T10:00:05.500+00:00"
    assert finished(RunItem("q1", 0, "ok")) == CANDIDATE.finished_at
    assert finished(replace(first, started_at=1e300)) == CANDIDATE.finished_at


def test_anyone_can_make_the_digest_of_the_policy_again() -> None:
    document = json.loads(render(EVIDENCE, "json"))

    policy = {**document["policy"], "contracts": document["contracts"]}
    digest = policy.pop("digest")
    canonical = json.dumps(policy, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    "moved",
    [
        replace(GATE, alpha=0.05),
        replace(GATE, max_failed_items=0.2),
        replace(GATE, limits=replace(GATE.limits, max_calls=10)),
        replace(GATE, rules={**GATE.rules, "answer_correctness": Rule(min=0.8, max_drop=0.05)}),
    ],
)
def test_the_digest_tells_that_the_policy_moved(moved: Gate) -> None:
    assert Policy.of(moved, CONTRACTS).digest != Policy.of(GATE, CONTRACTS).digest


def test_the_digest_tells_that_the_catalog_moved_and_not_that_a_table_did() -> None:
    digest = Policy.of(GATE, CONTRACTS).digest
    contract = CONTRACTS["answer_correctness"]

    def of(changed: Contract) -> str:
        return Policy.of(GATE, {**CONTRACTS, contract.name: changed}).digest

    assert of(replace(contract, rubric="answer-correctness-v2")) != digest
    assert of(replace(contract, where="scores.toml:99")) == digest


def test_the_published_schema_is_what_make_docs_writes() -> None:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    assert schema == json.loads(json.dumps(result_schema())), "`make docs` brings it up to date"


def test_the_schema_says_what_is_wrong_with_a_document() -> None:
    document = json.loads(render(EVIDENCE, "json"))
    assert problems(document) == []

    document["rules"][0]["outcome"] = "fine"
    del document["policy"]["digest"]
    assert problems({**document, "schema": 2, "extra": 1}) == [
        "$.policy: 'digest' is a required property",
        "$.rules[0].outcome: 'fine' is not one of ['pass', 'regression', 'inconclusive', 'invalid']",
        "$.schema: 1 was expected",
        "$: Additional properties are not allowed ('extra' was unexpected)",
    ]


FULL = replace(
    EVIDENCE,
    verdict=replace(
        CONFIRMED,
        rules=(*CONFIRMED.rules, rule(score="groundedness", slice="intent=refund", margin=0)),
        spreads=(Spread("latency_seconds", ("p50",), (0.8,), (None,), (81.0, 84.0)),),
        left_out_trials=LeftOutTrials("candidate", (1, 2)),
        flips=(*CONFIRMED.flips, Flip("refund-020", "intent", "a", "b", worse=True, comment="other words")),
        missing_items=("refund-021",),
        notes=("a note",),
    ),
    corrected={"groundedness": "no answer is labelled"},
    links={"in Langfuse": "https://langfuse.example/run"},
    anchor="gates/anchor.jsonl",
    last_round="B",
    decides=False,
)


@pytest.mark.parametrize("report", [REPORT, EVIDENCE, FULL], ids=["plain", "evidence", "full"])
def test_every_face_can_be_made_from_the_document_alone(report: Report) -> None:
    again = from_document(json.loads(render(report, "json")))

    for fmt in FORMATS:
        assert render(again, fmt) == render(report, fmt), fmt
    for width in (60, 120):
        shown = render_terminal(again, width=width, colour=True)
        assert shown == render_terminal(report, width=width, colour=True)


def test_what_is_read_back_is_what_was_written() -> None:
    again = from_document(json.loads(render(FULL, "json")))

    assert again.verdict == FULL.verdict
    assert again.judge_usage == FULL.judge_usage
    assert again.corrected == FULL.corrected
    assert again.provenance == FULL.provenance
    assert again.policy is not None
    assert FULL.policy is not None
    assert digest_of(again.policy, again.contracts) == again.policy.digest == FULL.policy.digest


@pytest.mark.parametrize("outcome", ["pass", "regression", "inconclusive", "invalid"])
def test_every_outcome_is_valid(outcome: Outcome) -> None:
    for strict in ("warn", "fail"):
        report = Report(verdict(outcome=outcome, on_inconclusive=strict))
        assert problems(as_document(report)) == []


@settings(max_examples=100, deadline=None)
@given(any_reports())
def test_any_report_comes_back_from_its_document(report: Report) -> None:
    document = json.loads(render(report, "json"))
    assert problems(document) == []

    again = from_document(document)

    assert json.loads(render(again, "json")) == document
    for fmt in FORMATS:
        render(again, fmt)
    render_terminal(again, width=80, colour=False)


NUMBERS = (0, -1, 5e-324, 1.7e308, -(10**308))


def numbers(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every number in a document, and of every null, which may stand for one."""
    if isinstance(value, dict | list) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(inner, (*place, key))
    elif value is None or isinstance(value, int | float):
        yield place


def with_value(document: JSON, place: tuple[Any, ...], value: JSON) -> JSON:
    changed = json.loads(json.dumps(document))
    holder = reduce(getitem, place[:-1], changed)
    holder[place[-1]] = value
    return changed


def test_whatever_the_schema_lets_pass_can_be_shown() -> None:
    document = json.loads(render(replace(FULL, provenance=None, policy=None), "json"))
    valid = 0
    for place in numbers(document):
        for value in NUMBERS:
            changed = with_value(document, place, value)
            if problems(changed):
                continue
            valid += 1
            report = from_document(changed)
            render(report, "markdown")
            render(report, "junit")
            render_terminal(report, width=80, colour=False)
    assert valid > 200
