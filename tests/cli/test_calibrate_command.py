"""`judge calibrate` and gates that require it: real processes, a stand-in model server, the real client."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from scoregate.langfuse import ids
from scoregate.records import JSON
from tests.cli.judged import judged_project
from tests.cli.project import Ended, Project
from tests.langfuse_server.server import LangfuseServer
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

GATE = "gates/agent.toml"
FILE = "gates/calibrations/relevance.json"
REQUIRED = "require_calibration = { kappa = 0.6, max_age_days = 90, n = 20 }\n"
NUMBER = 20


def number_of(text: str) -> int:
    found = re.search(r"answer (\d+)", text)
    assert found is not None, text
    return int(found[1])


def grade(n: int) -> int:
    """What people give: every fourth answer is bad."""
    return 2 if n % 4 == 0 else 9


def lenient_once(request: ModelRequest) -> Answer:
    """The judge: as people, but for q004, which it praises."""
    n = number_of(request.prompt)
    return judged(9 if n == 4 else grade(n))


def labels(count: int = NUMBER, *, output: bool = False) -> list[JSON]:
    return [
        {"item": f"q{n:03}", "label": grade(n), **({"output": f"answer {n}"} if output else {})}
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def _server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def server(_server: ModelServer) -> ModelServer:
    """One for all tests, at the address that their gates name; each finds it as if it were new."""
    _server.begin_again(script=lenient_once)
    return _server


@pytest.fixture(scope="module")
def _project(tmp_path_factory: pytest.TempPathFactory, _server: ModelServer) -> Project:
    _server.begin_again(script=lenient_once)
    folder = tmp_path_factory.mktemp("accepted") / "p"
    return judged_project(folder, _server, number=NUMBER, after_scores=REQUIRED).with_baseline()


@pytest.fixture
def project(_project: Project, tmp_path: Path, server: ModelServer) -> Project:
    """Its gate requires a calibration, its baseline is accepted, and labels of the baseline's answers are there."""
    project = _project.copied_to(tmp_path / "p")
    project.write_lines("labels.jsonl", labels())
    return project


def calibrated(project: Project, *words: str) -> Ended:
    return project.scoregate("judge", "calibrate", GATE, "--labels", "labels.jsonl", *words)


def reason(ended: Ended) -> str:
    """The head of a report, unwrapped."""
    return " ".join(ended.out.partition("\n\n")[0].split())


def printed_command(ended: Ended) -> list[str]:
    """The one that stands alone on its line."""
    lines = [line for line in ended.out.splitlines() if line.startswith("→ scoregate judge calibrate ")]
    assert len(lines) == 1, ended.out
    return shlex.split(lines[0].removeprefix("→ scoregate ").replace("FILE", "labels.jsonl"))


def test_a_judge_without_a_calibration_decides_nothing_until_the_printed_command_was_run(
    project: Project, server: ModelServer
) -> None:
    asked = len(server.requests)
    run = project.run()
    assert run.outcome(4) == "INVALID"
    told = (
        "the judge 'relevance' has no calibration (gates/calibrations/relevance.json is not there); make one: "
        "scoregate judge calibrate gates/agent.toml --labels FILE"
    )
    assert f"INVALID: {told}" in reason(run)
    # It is said before anything is called, too.
    assert run.err.index(f"scoregate: {told}; until then") < run.err.index(f"run {run.started}: v1 on")

    done = project.scoregate(*printed_command(run))
    assert done.code == 0, done.err
    assert "what the gate requires is met" in done.out
    assert len(server.requests) == asked  # the run's replies are kept
    assert project.scoregate("check", GATE, "--candidate", run.started).outcome(0) == "PASS"
    assert "has no calibration" not in project.run().err


def test_a_prompt_edited_by_one_word_makes_the_calibration_a_foreign_one(project: Project) -> None:
    assert calibrated(project).code == 0
    project.edit("prompts/relevance.md", "good", "fine")
    run = project.run("--rescore-baseline")
    assert run.outcome(4) == "INVALID"
    assert (
        "the calibration of the judge 'relevance' is of another judge (changed since: prompt); calibrate this one: "
        "scoregate judge calibrate gates/agent.toml --labels FILE"
    ) in reason(run)

    again = project.scoregate(*printed_command(run))
    assert again.code == 0
    assert "+0.0 points" in again.out
    assert "changed since: the judge's prompt" in again.out
    assert project.run("--rescore-baseline").outcome(0) == "PASS"


def test_a_run_of_an_earlier_judge_is_not_covered_by_the_calibration_of_the_present_one(
    project: Project,
) -> None:
    run = project.run().started
    project.edit("prompts/relevance.md", "good", "fine")
    assert calibrated(project).code == 0
    checked = project.scoregate("check", GATE, "--candidate", run)
    assert checked.outcome(4) == "INVALID"
    assert "the candidate was scored by another judge 'relevance' (judge " in reason(checked)
    assert f"scoregate runs rescore {run} --gate gates/agent.toml" in reason(checked)


def test_a_calibration_grows_old_by_the_time_of_the_run(project: Project) -> None:
    assert calibrated(project).code == 0
    run = project.run()
    assert run.outcome(0) == "PASS"
    kept = json.loads(project.read(FILE))
    kept["made_at"] = (datetime.fromisoformat(kept["made_at"]) - timedelta(days=100)).isoformat()
    project.write(FILE, json.dumps(kept))
    checked = project.scoregate("check", GATE, "--candidate", run.started)
    assert checked.outcome(4) == "INVALID"
    assert "is 100 days old, and the gate allows 90; calibrate it again: scoregate judge" in reason(checked)
    first = project.scoregate("check", GATE, "--candidate", run.started, "--json").out
    assert project.scoregate("check", GATE, "--candidate", run.started, "--json").out == first


def test_a_judge_that_disagrees_with_people_is_told_and_decides_nothing(project: Project) -> None:
    project.write_lines("labels.jsonl", [{**one, "label": 11 - one["label"]} for one in labels()])
    done = calibrated(project)
    assert done.code == 0
    assert (
        "what the gate requires is not met: the judge 'relevance' agrees too little with people" in done.err
    )
    assert project.run().outcome(4) == "INVALID"


def test_the_report_says_agreement_with_intervals_and_what_to_read(project: Project) -> None:
    done = calibrated(project)
    assert "judge relevance beside people on 20 items; they agree where they are the same" in done.out
    assert re.search(r"agreement +0\.950 +0\.\d+ to 0\.\d+ +20$", done.out, re.MULTILINE)
    assert re.search(r"Cohen's κ +0\.857 ", done.out)
    assert re.search(r"Gwet's AC1 +0\.\d+ ", done.out)
    assert "label \\ judge" in done.out
    assert "Worst disagreements, 1 of 1" in done.out
    assert "- q004: people 2, judge 9. It answers what was asked." in done.out
    document = calibrated(project, "--json").json()
    assert document["file"] == FILE
    assert document["version"].startswith("judge ")
    assert (document["labelled"], document["agreed"], document["unmet"]) == (20, 19, None)
    assert document["confusion"] == [[4, 1], [0, 15]]


def test_a_pass_mark_makes_two_classes_of_numbers(project: Project) -> None:
    document = calibrated(project, "--pass-at", "5", "--json").json()
    assert document["classes"] == ["fail", "pass"]
    assert calibrated(project, "--pass-at", "5", "--tolerance", "1").error(2).endswith("side of the other)")


def test_labels_of_their_own_outputs_need_no_run(tmp_path: Path, server: ModelServer) -> None:
    project = judged_project(tmp_path / "p", server, number=NUMBER, after_scores=REQUIRED)
    project.write_lines("labels.jsonl", labels(output=True))
    assert calibrated(project).code == 0
    assert len(server.requests) == NUMBER
    csv = "".join(f"q{n:03},{grade(n)},answer {n}\n" for n in range(NUMBER))
    project.write("labels.csv", "item,label,output\n" + csv)
    again = project.scoregate("judge", "calibrate", GATE, "--labels", "labels.csv")
    assert again.code == 0
    assert len(server.requests) == NUMBER
    assert "Since the calibration of" in again.out
    assert "the labels" not in again.out.partition("Since the")[2]


def test_results_that_people_scored_are_labels(project: Project) -> None:
    assert project.scoregate("runs", "export", project.baseline_run, "-o", "seen.jsonl").code == 0
    header, *lines = project.read_lines("seen.jsonl")
    answers = [line for line in lines if line["kind"] == "item"]
    for line in answers:
        line["scores"] = {"relevance": {"value": grade(number_of(line["output"])), "source": "human"}}
    project.write_lines("seen.jsonl", [header, *answers])
    done = project.scoregate("judge", "calibrate", GATE, "--labels", "seen.jsonl")
    assert done.code == 0, done.err
    assert "beside people on 20 items" in done.out


def test_the_gate_may_name_its_labels(project: Project) -> None:
    project.edit(GATE, "max_drop = 6", 'max_drop = 6\nlabels = "labels.jsonl"')
    run = project.run()
    assert printed_command(run) == ["judge", "calibrate", GATE]
    assert project.scoregate("judge", "calibrate", GATE).code == 0


def _unknown_item(lines: list[JSON]) -> None:
    lines[3]["item"] = "q0003"


def _unknown_key(lines: list[JSON]) -> None:
    lines[3]["lable"] = 3


def _beyond_the_contract(lines: list[JSON]) -> None:
    lines[3]["label"] = 11


def _twice(lines: list[JSON]) -> None:
    lines[3]["item"] = "q000"


def _no_label(lines: list[JSON]) -> None:
    del lines[3]["label"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_unknown_item, "the dataset has no item 'q0003' (did you mean 'q003'?)"),
        (_unknown_key, "'lable' is not known here (did you mean 'label'?)"),
        (_beyond_the_contract, "relevance: value 11 of item 'q003' is above its maximum 10"),
        (_twice, "a second label of item 'q000', first at labels.jsonl:1"),
        (_no_label, "item 'q003' has no label"),
    ],
)
def test_bad_labels_are_one_line_and_cost_nothing(
    project: Project, server: ModelServer, spoil: Callable[[list[JSON]], None], message: str
) -> None:
    asked = len(server.requests)
    bad = labels()
    spoil(bad)
    project.write_lines("labels.jsonl", bad)
    assert calibrated(project, "--no-cache").error(2).startswith(f"labels.jsonl:4: {message}")
    assert len(server.requests) == asked
    assert not project.path(FILE).exists()


def test_no_labels_at_all_are_told(project: Project) -> None:
    project.write("labels.jsonl", "")
    assert calibrated(project).error(2).startswith("labels.jsonl: holds no human label of 'relevance'")
    line = project.scoregate("judge", "calibrate", GATE).error(2)
    assert line.startswith("no labels of 'relevance' are given")


def test_a_model_that_fails_leaves_the_last_calibration_as_it_is(tmp_path: Path) -> None:
    down = False

    def script(request: ModelRequest) -> Answer:
        return failed(401, "no such key") if down else lenient_once(request)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=NUMBER)
        project.write_lines("labels.jsonl", labels(output=True))
        assert calibrated(project).code == 0
        before = project.read(FILE)
        down = True
        done = calibrated(project, "--no-cache")
    assert done.code == 5
    assert (
        "was left without 20 of 20 replies, so it was not calibrated; the first because: no reply: "
        in done.err
    )
    assert project.read(FILE) == before


def test_invalid_replies_are_missing_and_count_against_the_judge(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer | str:
        return "I would say 8." if number_of(request.prompt) < 3 else lenient_once(request)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=NUMBER, after_scores=REQUIRED)
        project.write_lines("labels.jsonl", labels(output=True))
        done = calibrated(project)
    assert done.code == 0
    assert "on 20 items, 3 of them without a valid reply" in done.out
    assert "rests on 17 items, and the gate needs 20" in done.err


def test_only_a_judge_can_be_calibrated(tmp_path: Path, server: ModelServer) -> None:
    project = judged_project(
        tmp_path / "p",
        server,
        after_scores='[scorers.json_valid]\nuse = "json_valid"\n[scores.json_valid]\n' + REQUIRED,
    )
    line = project.run().error(2)
    assert line.startswith(
        "gates/agent.toml:22: 'require_calibration' of [scores.json_valid] is for scores that a judge makes"
    )
    project.edit(GATE, "[scores.json_valid]\n" + REQUIRED, "[scores.json_valid]\n")
    project.edit(GATE, "max_drop = 6", "max_drop = 6\nrequire_calibration = { kapa = 0.6 }")
    line = project.run().error(2)
    assert line.startswith("gates/agent.toml:19: 'kapa' of [scores.relevance.require_calibration]")
    assert "did you mean 'kappa'?" in line
    assert server.requests == []


def test_a_regression_that_other_scores_prove_stays_one(tmp_path: Path, server: ModelServer) -> None:
    begins = (
        '[scorers.begins]\nuse = "regex_match"\npattern = "^answer"\n\n'
        '[scores.begins]\ndirection = "higher"\nmax_drop = 0.1\n'
    )
    project = judged_project(tmp_path / "p", server, number=40, after_scores=REQUIRED + begins)
    project = project.with_baseline()
    project.edit("experiments/agent.py", 'f"answer', 'f"an answer')
    run = project.run()
    assert run.outcome(1) == "REGRESSION"
    assert reason(run).startswith("REGRESSION: begins: ")
    assert "note: the judge 'relevance' has no calibration" in run.out


def test_side_by_side_needs_the_calibration_too(project: Project) -> None:
    project.edit(GATE, "[limits]", "[limits]\nconcurrency = 2")
    agent = project.read("experiments/agent.py")
    project.write("experiments/old.py", agent.replace('"v1"', '"v0"'))
    run = project.run("--against", "experiments/old.py", "--concurrency", "2")
    assert run.outcome(4) == "INVALID"
    assert calibrated(project).code == 0
    assert project.run("--against", "experiments/old.py", "--concurrency", "2").outcome(0) == "PASS"


def test_labels_of_a_part_show_the_corrected_value_beside_the_raw_one(project: Project) -> None:
    project.edit(GATE, REQUIRED, 'labels = "labels.jsonl"\n')
    project.write_lines("labels.jsonl", labels(12, output=True))
    run = project.run("-o", "markdown=report.md")
    assert run.outcome(0) == "PASS"
    text = " ".join(run.out.split())
    assert re.search(
        r"relevance: raw 7\.6 \[\S+, \S+\]; corrected by 12 human labels of 20 items: \S+ \[\S+, \S+\] "
        r"\(prediction-powered\), – \(it is for scores that pass or fail\) \(Rogan-Gladen\)",
        text,
    )
    assert "The judge's own scores decide" in text
    assert "corrected by 12 human labels of 20 items" in project.read("report.md")
    document = project.scoregate("check", GATE, "--candidate", run.started, "--json").json()
    found = document["corrected"]["relevance"]
    assert (found["items"], found["labelled"]) == (20, 12)
    assert found["raw"]["value"] == pytest.approx(7.6)
    assert found["prediction_powered"]["value"] < 7.6


def test_labels_of_other_answers_correct_nothing(project: Project) -> None:
    project.edit(GATE, REQUIRED, 'labels = "labels.jsonl"\n')
    project.write_lines("labels.jsonl", [{**one, "output": "another"} for one in labels()])
    run = project.run()
    assert run.outcome(0) == "PASS"
    none = "relevance, corrected by human labels: none, as"
    assert f"{none} none of the 20 labels is of an answer in this run" in run.out


def test_labels_that_are_not_there_are_told_before_a_call_is_paid_for(
    project: Project, server: ModelServer
) -> None:
    project.edit(GATE, REQUIRED, 'labels = "lables.jsonl"\n')
    asked = len(server.requests)
    assert project.run().error(2).startswith("lables.jsonl: no such file")
    assert len(server.requests) == asked
    words = ("check", GATE, "--candidate", project.baseline_run)
    assert project.scoregate(*words).error(2).startswith("lables.jsonl: no such file")


def test_annotations_in_langfuse_are_labels(tmp_path: Path, server: ModelServer) -> None:
    with LangfuseServer() as langfuse:
        project = judged_project(
            tmp_path / "p",
            server,
            number=NUMBER,
            after_scores=REQUIRED,
            environment=langfuse.environment,
        )
        run = project.run().started
        assert (
            project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse")
            .error(2)
            .startswith(f"annotations of run {run} in Langfuse: holds no human label of 'relevance'")
        )
        annotate(langfuse, run, {f"q{n:03}": grade(n) for n in range(NUMBER)})
        done = project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse", "--run", run)
        assert done.code == 0, done.err
        assert "beside people on 20 items" in done.out
        assert "20 from the cache, 0 calls" in done.err
        assert "what the gate requires is met" in done.out


def test_two_people_annotate_two_trials_in_langfuse(tmp_path: Path, server: ModelServer) -> None:
    with LangfuseServer() as langfuse:
        project = judged_project(
            tmp_path / "p", server, number=NUMBER, after_scores=REQUIRED, environment=langfuse.environment
        )
        project.edit(GATE, "[limits]", "trials = 2\n\n[limits]")
        run = project.run().started
        values = {f"q{n:03}": grade(n) for n in range(NUMBER)}
        for trial in (0, 1, 1):
            annotate(langfuse, run, values, trial=trial)
        done = project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse")
        assert done.code == 0, done.err
        assert "beside people on 20 items" in done.out
        annotate(langfuse, run, {"q001": 2}, trial=1)
        line = project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse").error(2)
        place = f"annotations of run {run} in Langfuse, item 'q001', trial"
        assert re.match(
            f"{re.escape(place)} [01]: a second label of item 'q001', first at {re.escape(place)} [01]", line
        )


def test_an_experiment_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path, server: ModelServer) -> None:
    with LangfuseServer() as langfuse:
        project = judged_project(
            tmp_path / "p", server, number=NUMBER, after_scores=REQUIRED, environment=langfuse.environment
        )
        line = project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse:nope").error(2)
        assert line.startswith(
            "--labels langfuse:nope: there is no experiment 'nope' in this Langfuse project"
        )
        line = project.scoregate("judge", "calibrate", GATE, "--labels", "langfuse:").error(2)
        assert line.startswith("--labels: 'langfuse:' names no experiment")


def annotate(langfuse: LangfuseServer, run: str, values: Mapping[str, int], *, trial: int = 0) -> None:
    """As a person does in Langfuse, who scores the root observation of each item."""
    with httpx.Client(
        base_url=f"{langfuse.url}/api/public",
        auth=(langfuse.environment["LANGFUSE_PUBLIC_KEY"], langfuse.environment["LANGFUSE_SECRET_KEY"]),
    ) as client:
        config = client.post(
            "/score-configs",
            json={"name": "relevance", "dataType": "NUMERIC", "minValue": 0, "maxValue": 10},
        ).json()["id"]
        for item, value in values.items():
            body = {
                "traceId": ids.trace_id(run, item, trial),
                "observationId": ids.root_span_id(run, item, trial),
                "name": "relevance",
                "value": value,
                "dataType": "NUMERIC",
                "source": "ANNOTATION",
                "configId": config,
            }
            assert client.post("/scores", json=body).is_success
