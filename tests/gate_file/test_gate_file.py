"""The gate file: what it may say, how its paths resolve, and what each mistake in it is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec, Gate, Limits, Rounds, Rule, ScorerSpec, read_gate
from tests.gate_file.written import gate_of, refusal

CATALOG = """\
[states_the_fact]
type = "boolean"

[follows_policy]
type = "categorical"
categories = ["yes", "no"]
pass = ["yes"]
"""

FULL_GATE = """\
dataset = "datasets/help-desk.jsonl"
experiment = "experiments/help_desk.py"
baseline = "gates/help-desk.baseline.jsonl"
trials = 3
on_inconclusive = "fail"
max_failed_items = 0.0
alpha = 0.02
pass_level = 0.1
cluster = "metadata.conversation"
input_schema = "datasets/input.schema.json"
expected_output_schema = "/etc/expected.schema.json"

[candidate]
version = "v2"
isolate = true

[limits]
concurrency = 4
timeout_seconds = 2.5
retries = 0
max_cost_usd = 5
max_calls = 900
max_seconds = 600

[slices]
intent = "metadata.intent"

[scorers.states_the_fact]
use = "text_match"
mode = "fuzzy"
threshold = 0.9
any_of = [1, { deep = "er" }]

[scores.states_the_fact]
min = 0.80
max_drop = 0.02
min_effect = 0.01
strict = true

[scores.latency_seconds]
statistic = "mean"
max = 5
max_increase = 0.10

[scores.follows_policy]
min = 1.0
critical = true
"""


@pytest.fixture
def project(project: Path) -> Path:
    """With a catalog."""
    (project / "gates" / "scores.toml").write_text(CATALOG)
    return project


def test_a_gate_with_every_key_is_read_whole(project: Path) -> None:
    gate = gate_of(FULL_GATE)
    where = "gates/help-desk.toml"
    assert gate.name == "help-desk"
    assert gate.dataset == str(project / "datasets/help-desk.jsonl")
    assert gate.baseline == str(project / "gates/help-desk.baseline.jsonl")
    assert gate.candidate == CandidateSpec(
        python=str(project / "experiments/help_desk.py"), version="v2", isolate=True
    )
    assert (gate.trials, gate.on_inconclusive, gate.max_failed_items) == (3, "fail", 0.0)
    assert (gate.alpha, gate.pass_level, gate.cluster) == (0.02, 0.1, "metadata.conversation")
    assert gate.input_schema == str(project / "datasets/input.schema.json")
    assert gate.expected_output_schema == "/etc/expected.schema.json"
    assert gate.limits == Limits(
        concurrency=4, timeout_seconds=2.5, retries=0, max_cost_usd=5.0, max_calls=900, max_seconds=600.0
    )
    assert gate.slices == {"intent": "metadata.intent"}
    arguments = {"mode": "fuzzy", "threshold": 0.9, "any_of": [1, {"deep": "er"}]}
    assert gate.scorers == (
        ScorerSpec(name="states_the_fact", use="text_match", arguments=arguments, where=f"{where}:28"),
    )
    assert gate.rules == {
        "states_the_fact": Rule(min=0.8, max_drop=0.02, min_effect=0.01, strict=True, where=f"{where}:34"),
        "latency_seconds": Rule(max=5.0, max_increase=0.1, where=f"{where}:40"),
        "follows_policy": Rule(min=1.0, critical=True, where=f"{where}:45"),
    }
    assert gate.catalog.where == "gates/scores.toml"
    assert (gate.path, gate.root) == (project / "gates/help-desk.toml", project)


def test_a_gate_needs_nothing_but_one_score(project: Path) -> None:
    gate = gate_of("[scores.states_the_fact]\n")
    assert gate == Gate(
        name="help-desk",
        rules={"states_the_fact": Rule(where="gates/help-desk.toml:1")},
        catalog=gate.catalog,
        path=project / "gates/help-desk.toml",
        root=project,
    )
    assert (gate.trials, gate.on_inconclusive, gate.candidate, gate.limits) == (1, None, None, Limits())
    assert (gate.max_failed_items, gate.alpha, gate.pass_level) == (0.05, 0.01, 0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails = 3", "1: 'trails' is not a known key (did you mean 'trials'?)"),
        ("[score.x]", "1: 'score' is not a known key (did you mean 'scores'?)"),
        ("trials = 0", "1: 'trials' is 0 but must be at least 1"),
        ("trials = 1.5", "1: 'trials' must be a whole number, not 1.5"),
        ("trials = {}", "1: 'trials' must be a whole number, not a table"),
        ("trials = true", "1: 'trials' must be a whole number, not true"),
        ("trials = 2020-01-01", "1: 'trials' must be a whole number, not 2020-01-01"),
        ("dataset = 3", "1: 'dataset' must be text in quotes, not 3"),
        ('dataset = ""', "1: 'dataset' is empty"),
        ("max_failed_items = 1.5", "1: 'max_failed_items' is 1.5 but must be at most 1"),
        ("max_failed_items = -0.1", "1: 'max_failed_items' is -0.1 but must be at least 0"),
        ("alpha = 0", "1: 'alpha' is 0 but must be at least 1e-09"),
        ("alpha = 1e-300", "1: 'alpha' is 1e-300 but must be at least 1e-09"),
        ("alpha = 0.5", "1: 'alpha' is 0.5 but must be less than 0.5"),
        ("pass_level = 5", "1: 'pass_level' is 5 but must be less than 0.5"),
        (
            'on_inconclusive = "wran"',
            '1: \'on_inconclusive\' is "wran" but must be one of "warn", "fail" (did you mean \'warn\'?)',
        ),
        ('on_inconclusive = "stop"', '1: \'on_inconclusive\' is "stop" but must be one of "warn", "fail"'),
        ("slices = ['intent']", "1: 'slices' must be a table, [slices], not a list"),
        ("[slices]\nintent = 1", "2: 'intent' of [slices] must be text in quotes, not 1"),
        ("anchor = 'run: '", "1: 'anchor' names no run after 'run:'"),
        ("anchor = 'git:v1'", "1: 'anchor' is \"git:v1\", and an anchor is fixed: nothing is run for it"),
        (
            "inference = 'items'",
            '1: \'inference\' is "items" but must be one of "dataset", "population"',
        ),
        ("max_baseline_age_days = 0", "1: 'max_baseline_age_days' is 0 but must be greater than 0"),
        ("[rounds]\nsuspect = 1", "2: 'suspect' of [rounds] is not a known key (did you mean 'suspects'?)"),
        ("trials = 5\n[rounds]\nmax_trials = 3", "3: 'max_trials' of [rounds] is 3, fewer than the 5 trials"),
        ("dataset = 'langfuse:'", "1: 'dataset' names no dataset (such as \"langfuse:NAME\""),
        ("dataset = 'langfuse:x@now'", "1: 'dataset' pins the dataset to 'now', which is no time (such as "),
        (
            "baseline = 'langfuse: '",
            "1: 'baseline' names no experiment (such as \"langfuse:branch=main\" or ",
        ),
        ("baseline = 'langfuse:branch='", "1: 'baseline' names no branch after 'branch='"),
        ("anchor = 'langfuse:'", "1: 'anchor' names no experiment"),
        ("baseline = 'git: '", "1: 'baseline' names no ref after 'git:'"),
        ("baseline = 'run: '", "1: 'baseline' names no run after 'run:'"),
        (
            "[limits]\nconcurency = 2",
            "2: 'concurency' of [limits] is not a known key (did you mean 'concurrency'?)",
        ),
        ("[limits]\nconcurrency = 0", "2: 'concurrency' of [limits] is 0 but must be at least 1"),
        ("[limits]\ntimeout_seconds = 0", "2: 'timeout_seconds' of [limits] is 0 but must be greater than 0"),
        ("[limits]\nretries = -1", "2: 'retries' of [limits] is -1 but must be at least 0"),
        ("[limits]\nmax_cost_usd = inf", "2: 'max_cost_usd' of [limits] is inf but must be a finite number"),
        (
            "[candidate]\nisolate = 1\npython = 'x.py'",
            "2: 'isolate' of [candidate] must be true or false, not 1",
        ),
        ("[scorers.x]\nmode = 1", "1: [scorers.x] does not say which scorer it is"),
        (
            "[scorers.x]\nuse = 'y'\nat = 2020-01-01",
            "3: 'at' of [scorers.x] holds a date, a time or a number",
        ),
        (
            "[scorers.x]\nuse = 'y'\nat = [{ a = nan }]",
            "3: 'at' of [scorers.x] holds a date, a time or a number",
        ),
        ("[scorers]\nx = 'y'", "2: 'x' of [scorers] must be a table, [scorers.x], not \"y\""),
        ("trials = 1", " the gate has no scores, so it would decide nothing"),
        ("trials = 1\n[scores]", "2: the gate has no scores, so it would decide nothing"),
        ("[scores]\nx = 0.8", "2: 'x' of [scores] must be a table, [scores.x], not 0.8"),
    ],
)
def test_a_mistake_in_a_gate_names_line_key_and_rule(project: Path, text: str, message: str) -> None:
    scores = "" if "[scores]" in text or text == "trials = 1" else "\n[scores.states_the_fact]\n"
    with pytest.raises(ConfigError) as caught:
        gate_of(text + scores)
    assert str(caught.value).startswith(f"gates/help-desk.toml:{message}")


def test_a_broken_catalog_beside_the_gate_is_an_error_of_the_catalog(project: Path) -> None:
    (project / "gates/scores.toml").write_text("[x]\ntype = 1\n")
    with pytest.raises(ConfigError, match=r"^gates/scores\.toml:2: 'type' of \[x\] must be text"):
        gate_of("[scores.x]")


ONE_SCORE = 'dataset = "d.jsonl"\n[scores.x]\n'


def test_paths_are_relative_to_the_folder_that_holds_the_gates_from_anywhere(project: Path) -> None:
    Path("gates/scores.toml").unlink()
    Path("gates/x.toml").write_text(ONE_SCORE)
    (project / "deep/er").mkdir(parents=True)
    os.chdir(project / "deep/er")
    gate = read_gate(Path("../../gates/x.toml"))
    assert (gate.root, gate.dataset) == (project, str(project / "d.jsonl"))
    assert gate.path == project / "gates/x.toml"


def test_a_gate_of_another_project_keeps_that_project_s_paths(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "gates").mkdir(parents=True)
    (other / "gates/x.toml").write_text(ONE_SCORE)
    assert read_gate(other / "gates/x.toml").dataset == str(other / "d.jsonl")


def test_a_project_inside_of_the_working_directory_s_keeps_its_own_paths(project: Path) -> None:
    inner = project / "agents/a"
    (inner / "gates/nightly").mkdir(parents=True)
    for name in ("x.toml", "nightly/y.toml"):
        (inner / "gates" / name).write_text(ONE_SCORE)
        assert read_gate(Path("agents/a/gates") / name).root == inner


def test_of_a_gates_folder_in_another_the_inner_one_counts(project: Path) -> None:
    (project / "gates/agents/gates").mkdir(parents=True)
    (project / "gates/agents/gates/x.toml").write_text(ONE_SCORE)
    assert read_gate(Path("gates/agents/gates/x.toml")).root == project / "gates/agents"


def test_a_gate_outside_of_any_project_uses_its_own_folder(project: Path, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(ONE_SCORE)
    assert read_gate(tmp_path / "x.toml").dataset == str(tmp_path / "d.jsonl")


def test_with_no_project_at_all_paths_are_relative_to_the_gate(project: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/x.toml").write_text(ONE_SCORE)
    os.chdir(tmp_path)
    gate = read_gate(Path("alone/x.toml"))
    assert (gate.root, gate.dataset) == (tmp_path / "alone", str(tmp_path / "alone/d.jsonl"))


def test_a_stored_run_as_baseline_is_no_path(project: Path) -> None:
    assert gate_of('baseline = "run:2026-11-20-a1"\n[scores.states_the_fact]').baseline == "run:2026-11-20-a1"


def missing(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_gate(Path(path))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_missing_gate_is_told_the_nearest_one_or_all_there_are(project: Path) -> None:
    gate_of("[scores.states_the_fact]")
    gate_of("[scores.states_the_fact]", "gates/refunds.toml")
    hint = "there is no such gate (did you mean 'gates/help-desk.toml'?)"
    assert missing("gates/helpdesk.toml") == f"gates/helpdesk.toml: {hint}"
    assert missing("help-desk") == f"help-desk: {hint}"
    assert missing("gates/zzz.toml") == (
        "gates/zzz.toml: there is no such gate (gates here: gates/help-desk.toml, gates/refunds.toml)"
    )
    assert (
        missing("gates")
        == "gates: a folder, not a gate (gates here: gates/help-desk.toml, gates/refunds.toml)"
    )


def test_with_no_gate_at_all_the_hint_is_how_to_make_one(project: Path) -> None:
    assert missing("gates/x.toml").endswith("(there is none yet; `scoregate init` writes an example)")


def test_the_score_catalog_is_no_gate(project: Path) -> None:
    assert missing("gates/scores.toml").startswith("gates/scores.toml: this is the score catalog, not a gate")


def test_an_empty_gate_and_a_broken_one_are_errors_with_their_place(project: Path) -> None:
    assert refusal("") == "the gate is empty (`scoregate init` writes an example)"
    assert refusal("trials = 1\n[scores.x\n").startswith("2: not valid TOML: ")


def test_a_baseline_may_be_a_git_ref_that_is_run_beside_the_candidate(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('baseline = "git:main"\n[scores.grounded]\ndirection = "higher"\nmax_drop = 0.1\n')

    gate = read_gate(path)

    assert gate.baseline == "git:main"
    assert gate.side_by_side
    assert gate.rounds == Rounds(suspects=3, screen=0.35, confirm_trials=5, max_trials=5)


@pytest.mark.parametrize(
    ("first", "most", "held"),
    [(1, 5, (1, 3, 5)), (1, 1, (1,)), (1, 4, (1, 3)), (3, 3, (3,)), (1, 99, (1, 3, 5))],
)
def test_every_later_round_adds_two_trials_up_to_the_cap(
    first: int, most: int, held: tuple[int, ...]
) -> None:
    assert Rounds(max_trials=most).whole_set_trials(first) == held


def test_a_rule_may_name_only_slices_that_the_gate_defines(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(
        '[slices]\nintent = "metadata.intent"\n[scores.grounded]\ndirection = "higher"\nslices = ["intnt"]'
    )

    with pytest.raises(ConfigError, match=r"names \"intnt\".*did you mean 'intent'"):
        read_gate(path)
