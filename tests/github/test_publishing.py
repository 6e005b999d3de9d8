"""What a reviewer sees of a pull request: from "running" to the verdict, and after the next push."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from scoregate.github.publishing import Faces, publish, publish_running
from scoregate.github.section import WithoutVerdict
from scoregate.reports.provenance import GateFile
from tests.github.reports import GATE, PASS, PROVENANCE, REGRESSION
from tests.github.workflow import FAST, Workflow
from tests.reports.verdicts import VERDICT, rule, verdict


def visible(body: str) -> str:
    """A comment without what no reader sees."""
    return re.sub(r"\n{3,}", "\n\n", re.sub("<!--.*?-->", "", body)).strip()


def test_a_comment_goes_from_running_to_the_verdict_in_place(workflow: Workflow) -> None:
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    assert visible(workflow.comment) == RUNNING

    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    assert visible(workflow.comment) == COMMENT
    assert len(workflow.github.repository.comments) == 1


RUNNING = """\
### ⏳ Running in <code>support-agent</code>

#### ⏳ <code>support-agent</code>: running

No verdict yet of <code>4f3c2b1</code>: it is being made in \
[this run](https://github.com/acme/support/actions/runs/100/attempts/1). Where that has ended, it ended without one."""
"""What stands also where the run is cancelled: a cancelled job says nothing more."""
COMMENT = """\
### ❌ Regression in <code>support-agent</code>: 1 of 1 rule broken, 2 items worse, 1 better

#### ❌ <code>support-agent</code>: regression

answer_correctness: fell from 81.0 % to 76.7 % (−4.3 points)

**Broken**

| rule | baseline → candidate | difference [95 %] | scored | lost / won |
| --- | --- | --- | --: | --: |
| answer_correctness | 81.0 % → 76.7 % | −4.3 pt [−7.1, −1.5] | 200/200 | 2 / 1 |

Worse: <code>refund-017</code>, <code>refund-018</code>

<sub><code>4f3c2b1</code>, against <code>v1</code>, on <code>support-agent</code>, alpha 0.01, exit code 1, \
[this run](https://github.com/acme/support/actions/runs/100/attempts/1)</sub>

Again, on your machine: <code>gh pr checkout 7 &amp;&amp; scoregate run gates/support-agent.toml</code>

<details>
<summary>2 items got worse: <code>scoregate runs diff run-a run-b</code></summary>

- <code>refund-017</code>: answer_correctness true → false, critical<br>input: {"question": "May I return an opened \
kettle?"}<br>expected: no, not once opened<br>before: <del>No, opened kettles stay with you.</del><br>after: \
<ins>Yes, within 30 days.</ins>

- <code>refund-018</code>: answer_correctness true → false<br>input: Where is my order?<br>expected: on its way\
<br>before: <del>It is on its way.</del><br>after: <ins>(no output)</ins>

</details>

<details>
<summary>1 item got better: <code>scoregate runs diff run-a run-b</code></summary>

- <code>invoice-003</code>: answer_correctness false → true<br>input: Send me the invoice<br>before: \
<del>(no output)</del><br>after: <ins>null</ins>

</details>

<details>
<summary>More about it</summary>

- <code>scoregate run gates/support-agent.toml --only-failed</code>

</details>"""


def test_after_a_push_the_older_verdict_is_one_line(workflow: Workflow) -> None:
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)
    workflow.run, workflow.head = 101, "99" * 20
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    publish([PASS], workflow.job, workflow.told.append, timing=FAST)

    seen = visible(workflow.comment)
    assert seen.startswith("### ✅ Pass in <code>support-agent</code>: none of 1 rule broken")
    assert "<summary>1 earlier verdict on this pull request</summary>" in seen
    assert "- <code>4f3c2b1</code>: ❌ regression" in seen
    assert "refund-017" not in seen


def test_a_verdict_that_comes_late_does_not_replace_a_newer_one(workflow: Workflow) -> None:
    late = workflow.job
    workflow.run, workflow.head = 101, "99" * 20
    publish([PASS], workflow.job, workflow.told.append, timing=FAST)
    publish([REGRESSION], late, workflow.told.append, timing=FAST)

    seen = visible(workflow.comment)
    assert seen.startswith("### ✅ Pass in <code>support-agent</code>")
    assert "- <code>4f3c2b1</code>: ❌ regression" in seen


def test_each_gate_has_a_section_and_the_headline_names_the_worst(workflow: Workflow) -> None:
    other = replace(
        PASS,
        verdict=replace(VERDICT, gate="billing", policy_changes=("tone: max_drop 0.02 → 0.05",)),
        provenance=replace(PROVENANCE, gate=GateFile(path="gates/billing.toml")),
    )
    open_one = replace(
        other,
        verdict=verdict(rule(outcome="inconclusive"), outcome="inconclusive", gate="tone"),
        provenance=replace(PROVENANCE, gate=GateFile(path="gates/tone.toml")),
    )
    publish([other, REGRESSION, open_one], workflow.job, workflow.told.append, timing=FAST)

    seen = visible(workflow.comment)
    assert seen.startswith(
        "### ❌ Regression in 1 of 3 gates (1 inconclusive, 1 pass): 1 of 3 rules broken, 2 items worse, 1 better\n\n"
        "#### This change also moves the gate\n\n"
        "<code>billing</code>:\n\n- tone: max_drop 0.02 → 0.05\n\n"
        "#### ❌ <code>support-agent</code>: regression"
    )
    assert workflow.outputs["verdict"] == "regression"
    titles = re.findall(r"^#### .. *<code>([\w-]+)</code>", seen, re.MULTILINE)
    assert titles == ["support-agent", "tone", "billing"]


def test_gates_of_one_name_in_two_projects_are_told_apart_in_the_comment_and_among_the_checks(
    workflow: Workflow,
) -> None:
    """Of checks of one name GitHub shows the last, which would hide the other."""
    places = [GateFile(path="agents/shop/gates/support-agent.toml"), GateFile(path=GATE)]
    reports = [
        replace(report, provenance=replace(PROVENANCE, gate=place))
        for report, place in zip((REGRESSION, PASS), places, strict=True)
    ]
    publish_running([place.path for place in places], workflow.job, workflow.told.append, timing=FAST)
    assert "#### ⏳ <code>agents/shop/gates/support-agent.toml</code>: running" in workflow.comment
    publish(reports, workflow.job, workflow.told.append, timing=FAST)
    assert "#### ❌ <code>agents/shop/gates/support-agent.toml</code>: regression" in workflow.comment
    assert "#### ✅ <code>support-agent</code>: pass" in workflow.comment
    assert {made.asked["name"] for made in workflow.github.repository.check_runs.values()} == {
        "scoregate: agents/shop/gates/support-agent.toml",
        "scoregate: support-agent",
    }


def test_a_matrix_has_a_section_a_label(workflow: Workflow) -> None:
    for label in ("small model", "large model"):
        publish([PASS], workflow.job, workflow.told.append, label=label, timing=FAST)
    assert "in 2 of 2 gates" in workflow.comment
    assert "<code>support-agent (small model)</code>: pass" in workflow.comment


def test_of_jobs_that_tell_of_one_gate_the_worst_stands(workflow: Workflow) -> None:
    for report in (PASS, REGRESSION, PASS):
        publish([report], workflow.job, workflow.told.append, timing=FAST)
    assert visible(workflow.comment) == COMMENT


def test_a_gate_without_a_verdict_is_an_error_that_points_to_the_log(workflow: Workflow) -> None:
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    publish([], workflow.job, workflow.told.append, without=[WithoutVerdict(gate=GATE)], timing=FAST)

    assert visible(workflow.comment) == (
        "### ⛔ Error in <code>support-agent</code>\n\n#### ⛔ <code>support-agent</code>: error\n\n"
        "It ended without a verdict: the log of the run says why."
    )
    assert workflow.told == [
        f"::error title=scoregate%3A {GATE}%3A error,file={GATE}::"
        "It ended without a verdict: the log of the run says why."
    ]
    assert workflow.outputs["verdict"] == "error"
    assert workflow.outputs["exit-code"] == "5"


def test_that_no_rule_is_broken_is_claimed_only_where_all_gates_have_a_verdict(workflow: Workflow) -> None:
    faces = Faces(check_run=False, annotations=False, summary=False)
    failed = [WithoutVerdict(gate="gates/other.toml")]
    publish([PASS], workflow.job, workflow.told.append, without=failed, faces=faces, timing=FAST)
    first_line = workflow.comment.splitlines()[0]
    assert first_line == "### ⛔ Error in 1 of 2 gates (1 pass)"


def test_a_gate_that_was_left_out_is_told_and_is_no_pass(workflow: Workflow) -> None:
    left_out = WithoutVerdict(
        gate="gates/billing.toml", word="left out", why="nothing of it changed", exit_code=0
    )
    publish([PASS], workflow.job, workflow.told.append, without=[left_out], timing=FAST)

    seen = visible(workflow.comment)
    assert seen.startswith("### ✅ Pass in 1 of 2 gates (1 left out)")
    assert seen.endswith("#### ⏭️ <code>billing</code>: left out\n\nnothing of it changed")
    assert workflow.told == []
    assert [one["verdict"] for one in json.loads(workflow.outputs["gates"]).values()] == ["pass", "left out"]


def test_the_job_has_a_summary_annotations_and_outputs(workflow: Workflow) -> None:
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    assert workflow.told == [
        "::error title=support-agent%3A answer_correctness%3A regression,file=gates/support-agent.toml,line=12::"
        "81.0 %25 → 76.7 %25, −4.3 pt [−7.1, −1.5], scored 200/200: fell from 81.0 %25 to 76.7 %25 (−4.3 points)"
    ]
    assert workflow.summary.startswith("### ❌ Regression in <code>support-agent</code>: 1 of 1 rule broken")
    assert "> [!CAUTION]" in workflow.summary
    outputs = workflow.outputs
    results = json.loads(outputs.pop("gates"))
    assert outputs == {
        "verdict": "regression",
        "exit-code": "1",
        "regressions": "1",
        "inconclusive": "0",
        "experiment-url": "",
    }
    assert results == {
        GATE: {
            "verdict": "regression",
            "exit_code": 1,
            "regressions": 1,
            "inconclusive": 0,
            "regressed_items": 2,
            "experiment_url": None,
        }
    }


def test_the_page_of_a_job_with_several_gates_has_one_table_and_the_worst_first(workflow: Workflow) -> None:
    other = replace(PROVENANCE, gate=GateFile(path="gates/other.toml"))
    better = replace(PASS, verdict=replace(VERDICT, gate="other"), provenance=other)
    missing = WithoutVerdict(gate="gates/billing.toml", why="no such file")
    faces = Faces(comment=False, check_run=False, annotations=False)

    publish([better, REGRESSION], workflow.job, workflow.told.append, without=[missing], faces=faces)

    table = workflow.summary.split("\n\n")[1].splitlines()
    assert table[0] == "| gate | verdict | worse | why |"
    assert [line.split(" | ")[:3] for line in table[2:]] == [
        ["| <code>billing</code>", "**error**", "—"],
        ["| <code>support-agent</code>", "**regression**", "2"],
        ["| <code>other</code>", "pass", "0"],
    ]
    begun = [
        "#### ⛔ <code>billing</code>: error",
        "### <code>support-agent</code>",
        "### <code>other</code>",
    ]
    assert [line for line in workflow.summary.splitlines() if line in begun] == begun


def test_the_summary_of_a_step_is_less_than_a_mebibyte(workflow: Workflow) -> None:
    """GitHub takes all of it or nothing, and counts what earlier commands of the step have written."""
    page = workflow.folder / "summary.md"
    page.write_text("x" * 1_000_000)
    reports = [
        replace(REGRESSION, verdict=replace(REGRESSION.verdict, notes=("long " * 100,) * 20))
        for _ in range(30)
    ]
    faces = Faces(comment=False, check_run=False, annotations=False)
    publish(reports, workflow.job, workflow.told.append, faces=faces, timing=FAST)

    assert 1_040_000 < page.stat().st_size <= 1 << 20
    left = re.search(
        r"… and (\d+) more gates, left out here as GitHub takes 1 MiB of a step", workflow.summary
    )
    assert left
    assert workflow.summary.count("> [!CAUTION]") == 30 - int(left[1])


def test_each_face_can_be_left_out(workflow: Workflow) -> None:
    faces = Faces(comment=False, check_run=False, annotations=False, summary=False)
    publish([REGRESSION], workflow.job, workflow.told.append, faces=faces, timing=FAST)

    assert workflow.told == []
    assert workflow.github.exchanges == []
    assert workflow.outputs["verdict"] == "regression"
    assert not (workflow.folder / "summary.md").exists()


def test_a_push_has_a_check_run_and_no_comment(workflow: Workflow) -> None:
    workflow.pull_request = None
    workflow.event_name = "push"
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    assert workflow.github.repository.comments == {}
    (check,) = workflow.github.repository.check_runs.values()
    assert check.asked["name"] == "scoregate: support-agent"
    assert check.asked["conclusion"] == "failure"
    assert check.asked["head_sha"] == "0" * 40
