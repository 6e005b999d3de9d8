"""What is in a run's metadata: read as typed facts, changed one at a time, and otherwise kept as it stood."""

import ast
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scoregate
from scoregate.records import Run, RunHeader
from scoregate.records.run_facts import Acceptance, Rescored, RunFacts, RunShift, ScriptSaid, Shard
from scoregate.results_file import read_results, write_results
from scoregate.store import Store

SOURCE = Path(scoregate.__file__).parent
NAMES = [one.name for one in fields(RunFacts) if one.name != "as_read"]

METADATA: dict[str, Any] = {
    "gate": "agent",
    "experiment": {"name": "tuesday", "metadata": {"team": "search"}},
    "sdk_experiment": {"id": "e-1", "name": "numbers"},
    "origin": {"branch": "main", "pull_request": "7", "ci_job": "https://ci.example/7"},
    "dirty": False,
    "uncommitted": ["agent.py"],
    "timeout_seconds": 30,
    "program": "experiments/agent.py 0123456789ab",
    "langfuse_dataset_id": "d-1",
    "wait_for": ["helpful"],
    "selection": "the first 2: 2 of 9 items",
    "selected_items": ["q1", "q2"],
    "shard": {"number": 2, "of": 8, "items": 9},
    "judge_usage": {"tone": {"replies": 9, "from_cache": 1, "calls": 8, "cost_usd": 0.5}},
    "scored_by_more": ["fast_enough"],
    "script": {"outcome": "regression", "reason": "too slow"},
    "session": "agent-1",
    "arm": "candidate",
    "against": "git:main",
    "round": "B",
    "failed_alike": "401: no such key",
    "held_up": [{"item": "q1", "trial": 0, "scorer": ""}, {"item": "q2", "trial": 1, "scorer": "tone"}],
    "merged_from": ["agent-2", "agent-3"],
    "scored_again": ["agent-0-rescored-1f"],
    "rescored_from": "agent-0",
    "rescored": {"who": "Ada", "when": "2026-11-03T00:00:00Z"},
    "accepted": {
        "who": "Ada",
        "when": "2026-11-02T00:00:00Z",
        "why": "first version",
        "forced": ["it is partial"],
        "best_of": 3,
    },
    "run_shifts": {"latency_seconds": {"sd": 0.19, "runs": 5}},
}
"""Every fact, in the order in which they are written."""

FACTS = RunFacts(
    gate="agent",
    experiment={"name": "tuesday", "metadata": {"team": "search"}},
    sdk_experiment={"id": "e-1", "name": "numbers"},
    origin={"branch": "main", "pull_request": "7", "ci_job": "https://ci.example/7"},
    dirty=False,
    uncommitted=("agent.py",),
    timeout_seconds=30,
    program="experiments/agent.py 0123456789ab",
    langfuse_dataset_id="d-1",
    wait_for=("helpful",),
    selection="the first 2: 2 of 9 items",
    selected_items=("q1", "q2"),
    shard=Shard(2, 8, 9),
    judge_usage={"tone": {"replies": 9, "from_cache": 1, "calls": 8, "cost_usd": 0.5}},
    scored_by_more=("fast_enough",),
    script=ScriptSaid("regression", "too slow"),
    session="agent-1",
    arm="candidate",
    against="git:main",
    round="B",
    failed_alike="401: no such key",
    held_up={("q1", 0): "", ("q2", 1): "tone"},
    merged_from=("agent-2", "agent-3"),
    scored_again=("agent-0-rescored-1f",),
    rescored_from="agent-0",
    rescored=Rescored("Ada", "2026-11-03T00:00:00Z"),
    accepted=Acceptance("Ada", "2026-11-02T00:00:00Z", "first version", ("it is partial",), 3),
    run_shifts={"latency_seconds": RunShift(0.19, 5)},
)

FOREIGN: dict[str, Any] = {
    "team": {"name": "search", "size": 4},
    "wait_for": "helpful",
    "dirty": "yes",
    "timeout_seconds": "30",
    "accepted": {"who": "Bob", "ticket": 12},
    "gate": 5,
    "origin": ["main"],
    "zone": None,
}
"""What another tool may have written: keys of its own, facts of other types, another order."""


def header(metadata: dict[str, Any] | None = None) -> RunHeader:
    return RunHeader("r", "d", "v1", 1, started_at="2026-11-01T00:00:00Z", metadata=metadata or {})


def test_every_fact_is_read_from_its_key() -> None:
    assert header(METADATA).facts == FACTS
    assert list(METADATA) == NAMES


def test_facts_are_written_in_one_order_whatever_order_they_are_named_in() -> None:
    written = FACTS.to_metadata()
    assert written == METADATA
    assert list(written) == list(METADATA)
    assert list(RunFacts(round="B", arm="baseline", session="s", gate="g").to_metadata()) == [
        "gate",
        "session",
        "arm",
        "round",
    ]


def test_a_fact_that_is_not_known_is_left_out() -> None:
    assert RunFacts().to_metadata() == {}
    assert RunFacts(dirty=None, wait_for=(), origin={}).to_metadata() == {}


def test_a_known_no_is_written() -> None:
    assert RunFacts(dirty=False).to_metadata() == {"dirty": False}


def test_changing_a_fact_keeps_the_rest_and_its_order() -> None:
    before = header(FOREIGN)
    after = before.with_facts(replace(before.facts, gate="agent", session="s"))
    assert after.metadata == {**FOREIGN, "gate": "agent", "session": "s"}
    assert list(after.metadata) == [*FOREIGN, "session"]
    assert replace(after, metadata={}) == replace(before, metadata={})


def test_changing_a_fact_leaves_the_header_that_it_was_read_from_alone() -> None:
    before = header(dict(METADATA))
    before.with_facts(replace(before.facts, gate="other", selection=None))
    assert before.metadata == METADATA


def test_a_fact_is_taken_away_by_what_it_is_when_absent() -> None:
    facts = replace(FACTS, accepted=None, wait_for=(), origin={})
    taken = {"accepted", "wait_for", "origin"}
    whole = header(METADATA)
    changed = whole.with_facts(replace(whole.facts, accepted=None, wait_for=(), origin={}))
    assert changed.metadata == facts.to_metadata() == {k: v for k, v in METADATA.items() if k not in taken}


TEXTS = (
    "gate",
    "program",
    "langfuse_dataset_id",
    "session",
    "arm",
    "against",
    "round",
    "failed_alike",
    "rescored_from",
)
LISTS = ("wait_for", "selected_items", "held_up", "merged_from", "scored_again")
OBJECTS = ("experiment", "sdk_experiment", "origin", "shard", "judge_usage", "rescored", "accepted")


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (TEXTS, (None, 0, 3, True, ["a"], {"a": 1})),
        (LISTS, (None, "a", 1, True, {"a": 1})),
        (OBJECTS, (None, "a", 1, True, ["a"])),
        (("timeout_seconds",), (True, "30", 0, -1, None, [30], {"a": 1})),
        (("dirty", "selection"), (None, 0, "", [], {})),
    ],
)
def test_a_fact_of_another_type_counts_as_absent(names: tuple[str, ...], values: tuple[Any, ...]) -> None:
    for name in names:
        for value in values:
            assert RunFacts.of({name: value}) == RunFacts(), (name, value)


def test_a_file_is_no_cleaner_and_no_more_whole_than_it_says() -> None:
    said: Any
    for said in (1, "yes", ["a.py"]):
        assert RunFacts.of({"dirty": said}).dirty is True
        assert header({"selection": said}).partial
        assert RunFacts.of({"selection": said}).selection == str(said)
    for said in (0, "", None):
        assert RunFacts.of({"dirty": said}).dirty is None
        assert not header({"selection": said}).partial


def test_of_the_selected_items_only_texts_are_ids() -> None:
    assert RunFacts.of({"selected_items": ["q1", 2, ["q3"]]}).selected_items == ("q1",)
    assert RunFacts.of({"selected_items": []}).selected_items == (), "asked for nothing, not for everything"


@pytest.mark.parametrize(
    "said", [{"number": 0}, {"number": 9}, {"number": True}, {"of": "8"}, {"of": None}, {"items": -1}]
)
def test_a_shard_is_one_of_so_many(said: dict[str, Any]) -> None:
    whole = {"number": 2, "of": 8, "items": 9}
    assert str(RunFacts.of({"shard": whole}).shard) == "shard 2/8"
    assert RunFacts.of({"shard": {**whole, **said}}).shard is None


def test_an_arm_is_one_of_two() -> None:
    assert RunFacts.of({"arm": "baseline"}).arm == "baseline"
    assert RunFacts.of({"arm": "anchor"}).arm is None


def test_an_acceptance_may_say_less_and_must_say_it_in_the_right_type() -> None:
    said = {"who": "Bob", "when": 5, "forced": "it is old", "best_of": True}
    assert RunFacts.of({"accepted": said}).accepted == Acceptance("Bob", None, None)


def test_an_acceptance_among_no_equal_runs_does_not_mention_them() -> None:
    said = Acceptance("Ada", "2026-11-02T00:00:00Z", "why").to_json()
    assert said == {"who": "Ada", "when": "2026-11-02T00:00:00Z", "why": "why", "forced": []}


def test_the_branch_is_a_part_of_the_origin() -> None:
    assert FACTS.branch == "main"
    assert RunFacts.of({"origin": {"branch": 3, "host": "x"}}).branch is None


def test_a_run_was_scored_when_it_began_unless_it_was_scored_again() -> None:
    assert header().scored_at == "2026-11-01T00:00:00Z"
    assert header(METADATA).scored_at == "2026-11-03T00:00:00Z"
    assert header({"rescored": {"who": "Ada"}}).scored_at is None, "and nobody knows when"


def test_what_is_taken_out_by_name_is_gone_whatever_stood_there() -> None:
    facts = RunFacts.of(FOREIGN).without("gate", "origin")
    assert facts.to_metadata() == {k: v for k, v in FOREIGN.items() if k not in ("gate", "origin")}
    assert replace(RunFacts(), gate="g", round="B").without("gate") == RunFacts(round="B")


def test_only_facts_can_be_taken_out_by_name() -> None:
    with pytest.raises(KeyError, match="selektion"):
        FACTS.without("selektion")


def test_an_acceptance_is_handed_on_word_for_word() -> None:
    handed = RunFacts(gate="agent").accepted_as(RunFacts.of(FOREIGN))
    assert handed.to_metadata() == {"gate": "agent", "accepted": {"who": "Bob", "ticket": 12}}
    assert handed.accepted == Acceptance("Bob", None, None)
    set_just_now = RunFacts(accepted=Acceptance("Ada", "2026-11-02T00:00:00Z", "why"))
    assert RunFacts().accepted_as(set_just_now) == set_just_now


def test_where_nobody_accepted_the_other_run_the_own_acceptance_stays() -> None:
    assert FACTS.accepted_as(RunFacts()) == FACTS
    assert FACTS.accepted_as(RunFacts.of({"accepted": None})) == FACTS


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES))
def test_any_metadata_can_be_read_and_go_back_as_they_stood(metadata: dict[str, Any]) -> None:
    facts = RunFacts.of(metadata)
    assert list(facts.to_metadata().items()) == list(metadata.items())
    assert RunFacts.of(facts.to_metadata()) == facts
    assert replace(facts, gate="g").without("gate").to_metadata() == {
        key: value for key, value in metadata.items() if key != "gate"
    }


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES))
def test_a_changed_fact_is_read_as_it_was_set_over_any_metadata(metadata: dict[str, Any]) -> None:
    facts = RunFacts.of(metadata)
    for name in NAMES:
        value = getattr(FACTS, name)
        changed = replace(facts, **{name: value}).to_metadata()
        assert getattr(RunFacts.of(changed), name) == value
        assert {k: v for k, v in changed.items() if k != name} == {
            k: v for k, v in metadata.items() if k != name
        }


def test_a_results_file_of_another_tool_is_written_again_to_the_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    write_results(Run(header(FOREIGN)), first)
    run = read_results(first)
    write_results(replace(run, header=run.header.with_facts(run.header.facts)), second)
    assert second.read_bytes() == first.read_bytes()
    keys = ["accepted", "dirty", "gate", "origin", "team", "timeout_seconds", "wait_for", "zone"]
    assert list(run.header.metadata) == keys, "a results file has them sorted"


def test_the_store_keeps_metadata_as_they_came(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.create_run(header(FOREIGN), ())
        assert list(store.header("r").metadata.items()) == list(FOREIGN.items())
        (summary,) = store.list_runs()
        assert (summary.gate, summary.selection, summary.session) == (None, None, None)


def test_every_fact_says_what_it_means() -> None:
    body = next(
        node.body
        for node in ast.parse((SOURCE / "records" / "run_facts.py").read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "RunFacts"
    )
    told = [
        ast.unparse(node.target)
        for node, after in pairwise(body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    ]
    assert told == [*NAMES, "as_read"]


OTHER_THINGS = {
    "item": "a dataset item",
    "given": "a dataset item",
    "experiment": "an experiment in Langfuse",
    "self.trials[0]": "an experiment in Langfuse",
    "row": "an observation in Langfuse",
    "event": "what feedback is sent with",
    "result": "what a library's evaluator returned",
}
"""Whatever else in the package has metadata: expression -> what it is. A run's header is none of these."""
OWNERS = {"records/__init__.py", "langfuse/scripts.py"}
"""Files with a class whose own field is called so."""
READERS = {"results_file/reading.py", "store/rows.py"}
"""Files that make a header from what was kept."""


def by_themselves(source: str, file: str) -> Iterator[str]:
    """Where a module reads or writes a run's metadata without `RunFacts`: line, and the expression."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "metadata":
            whose = ast.unparse(node.value)
            if whose not in OTHER_THINGS and not (whose == "self" and file in OWNERS):
                yield f"{file}:{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("RunHeader", "replace"):
            for argument in node.keywords:
                made = argument.value
                through = isinstance(made, ast.Call) and ast.unparse(made.func).endswith(".to_metadata")
                if argument.arg == "metadata" and not through and file not in READERS:
                    yield f"{file}:{made.lineno}: metadata={ast.unparse(made)}"


def test_no_module_reads_or_writes_a_runs_metadata_by_itself() -> None:
    found = [
        place
        for path in sorted(SOURCE.rglob("*.py"))
        if "metadata" in (source := path.read_text())  # most files need not be parsed
        for place in by_themselves(source, path.relative_to(SOURCE).as_posix())
    ]
    assert found == [], "read a fact as header.facts.NAME, change it with header.with_facts(...)"


@pytest.mark.parametrize(
    "line",
    [
        'run.header.metadata.get("gate")',
        'before.metadata["gate"]',
        '"gate" in self.header.metadata',
        'replace(header, metadata={**about, "gate": "x"})',
        "RunHeader(run=run, metadata=about)",
    ],
)
def test_a_module_that_does_is_found(line: str) -> None:
    assert list(by_themselves(line, "gates/look.py"))


def test_a_header_reads_its_own_metadata_in_one_place() -> None:
    records = ast.parse((SOURCE / "records" / "__init__.py").read_text())
    (header,) = (n for n in ast.walk(records) if isinstance(n, ast.ClassDef) and n.name == "RunHeader")
    uses = [n for n in ast.walk(header) if isinstance(n, ast.Attribute) and n.attr == "metadata"]
    assert [ast.unparse(use) for use in uses] == ["self.metadata"]
