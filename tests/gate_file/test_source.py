"""What may stand in `baseline`, `anchor`, `--baseline`, `--candidate` and `--against`, and what it means there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Literal

import pytest

import scoregate
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate
from scoregate.gate_file.source import (
    File,
    GitRevision,
    LangfuseExperiment,
    RunId,
    Source,
    SourceProblem,
    named_experiment,
    named_source,
    named_version,
    read_gate_source,
    read_source,
)

PREFIXED: list[tuple[str, Source]] = [
    ("run:agent-1", RunId("agent-1")),
    ("run:a.jsonl", RunId("a.jsonl")),
    ("git:main", GitRevision("main")),
    ("git:merge-base:release/2", GitRevision("merge-base:release/2")),
    ("langfuse:nightly", LangfuseExperiment(name="nightly")),
    ("langfuse: nightly ", LangfuseExperiment(name="nightly")),
    ("langfuse:branch=main", LangfuseExperiment(branch="main")),
    ("langfuse:run:1", LangfuseExperiment(name="run:1")),
]
"""These mean the same in a gate and on the command line."""
FILES = ["gates/a.baseline.jsonl", "a.jsonl.gz", "/results/a.jsonl", "./git:main", "Run:agent-1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "meant"), [*PREFIXED, *((text, File(text)) for text in [*FILES, "agent-1"])]
)
def test_in_a_gate_a_name_without_a_prefix_is_a_file(text: str, meant: Source) -> None:
    assert read_gate_source(text, "baseline") == meant


@pytest.mark.parametrize(("text", "meant"), [*PREFIXED, ("gates/a.jsonl", File("gates/a.jsonl"))])
def test_on_the_command_line_a_prefix_means_the_same(folder: Path, text: str, meant: Source) -> None:
    assert named_source(text, "--baseline") == meant


def test_on_the_command_line_a_name_that_is_no_files_is_a_runs_id(folder: Path) -> None:
    assert named_source("agent-1", "--baseline") == RunId("agent-1", bare=True)
    (folder / "agent-1").touch()
    assert named_source("agent-1", "--baseline") == File("agent-1")


@pytest.mark.parametrize("text", ["gone.jsonl", "gone.jsonl.gz", "results/gone", "../gone"])
def test_a_name_that_ends_like_a_results_file_or_has_a_folder_is_never_a_runs_id(
    folder: Path, text: str
) -> None:
    assert named_source(text, "--candidate") == File(text)


@pytest.mark.parametrize("text", ["run:a.jsonl", "git:a.jsonl", "langfuse:a.jsonl"])
def test_a_prefix_goes_before_a_file_of_that_name(folder: Path, text: str) -> None:
    (folder / text).touch()
    assert not isinstance(named_source(text, "--baseline"), File)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("git:pr", GitRevision("pr")),
        ("experiments/agent.py", File("experiments/agent.py")),
        ("agent.py", File("agent.py")),
        ("run:agent.py", File("run:agent.py")),
        ("langfuse:", File("langfuse:")),
    ],
)
def test_a_version_that_is_run_is_at_a_git_ref_or_of_a_file(text: str, meant: Source) -> None:
    assert named_version(text) == meant


@pytest.mark.parametrize("text", [*FILES, *(text for text, _ in PREFIXED if text == text.replace(" ", ""))])
def test_the_text_of_a_source_is_what_was_written(text: str) -> None:
    assert str(read_source(text)) == text


def test_the_text_of_a_run_tells_how_it_was_named() -> None:
    assert (str(RunId("agent-1")), str(RunId("agent-1", bare=True))) == ("run:agent-1", "agent-1")


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("baseline", "run:", "names no run after 'run:'"),
        ("anchor", "run: ", "names no run after 'run:'"),
        ("baseline", "git:", "names no ref after 'git:'"),
        ("baseline", "git: ", "names no ref after 'git:'"),
        ("anchor", "git:v1", 'is "git:v1", and an anchor is fixed: nothing is run for it'),
        ("baseline", "langfuse:", "names no experiment"),
        ("anchor", "langfuse: ", "names no experiment"),
        ("baseline", "langfuse:branch= ", "names no branch after 'branch='"),
    ],
)
def test_a_gate_names_something(key: Literal["baseline", "anchor"], text: str, told: str) -> None:
    with pytest.raises(SourceProblem, match=told):
        read_gate_source(text, key)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("langfuse:", "--baseline: 'langfuse:' names no experiment (such as \"langfuse:branch=main\""),
        ("langfuse:branch=", "--baseline: 'langfuse:branch=' names no branch after 'branch='"),
    ],
)
def test_the_command_line_says_which_option_names_nothing(text: str, told: str) -> None:
    for read in (named_source, named_experiment):
        with pytest.raises(ConfigError) as caught:
            read(text, "--baseline")
        assert str(caught.value).startswith(told)


def test_an_experiment_that_is_meant_alone_needs_no_prefix() -> None:
    assert named_experiment("nightly", "RUN") == named_experiment("langfuse:nightly", "RUN")
    assert named_experiment("branch=main", "RUN") == LangfuseExperiment(branch="main")


def test_a_gate_has_its_sources_beside_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "gates/agent.toml"
    path.parent.mkdir()
    path.write_text(
        'baseline = "gates/a.baseline.jsonl"\nanchor = "langfuse: first"\n[scores.correct]\n',
        encoding="utf-8",
    )
    gate = read_gate(path)
    lock = tmp_path / "gates/a.baseline.jsonl"
    assert (gate.baseline, gate.baseline_source) == (str(lock), File(str(lock)))
    assert (gate.anchor, gate.anchor_source) == ("langfuse:first", LangfuseExperiment(name="first"))


def test_a_gate_that_names_nothing_has_no_sources() -> None:
    gate = Gate(name="g", rules={})
    assert (gate.baseline_source, gate.anchor_source, gate.dataset_source) == (None, None, None)


@pytest.mark.parametrize(
    ("baseline", "is_run"), [("git:main", True), ("run:git:main", False), ("git.jsonl", False), (None, False)]
)
def test_only_a_git_ref_is_run_side_by_side(baseline: str | None, is_run: bool) -> None:
    assert Gate(name="g", rules={}, baseline=baseline).side_by_side is is_run


def test_no_other_module_reads_a_prefix() -> None:
    package = Path(scoregate.__file__).parent
    readers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if _MAY_READ.search(source := path.read_text(encoding="utf-8"))
        and any(_reads_a_prefix(node) for node in ast.walk(ast.parse(source)))
    }
    assert readers == {"gate_file/source.py"}


_MAY_READ = re.compile(r"[\"'}](git|run|langfuse):|LANGFUSE")
"""What is in every file that reads a prefix: most need not be parsed."""


def _reads_a_prefix(node: ast.AST) -> bool:
    """The prefix itself, its constant taken from elsewhere, or a text that begins with it handed to a test of texts."""
    match node:
        case ast.Constant(value="git:" | "run:" | "langfuse:"):
            return True
        case ast.ImportFrom(module="scoregate.gate_file.source", names=names):
            return any(name.name == "LANGFUSE" for name in names)
        case ast.Call(
            func=ast.Attribute(attr="startswith" | "removeprefix"), args=[ast.Constant(value=str(text))]
        ):
            return text.startswith(("git:", "run:", "langfuse:"))
    return False
