"""`--only-changed`: a gate runs where any file that it is made of has changed, and is left out where none has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_run.only_changed import SINCE_BASE, only_changed
from tests.cli.project import Project
from tests.git.repository import Repository

FILES = {
    "gates/agent.toml": """
dataset = "datasets/agent.jsonl"
baseline = "gates/agent.baseline.jsonl"
input_schema = "datasets/input.schema.json"
paths = ["config/**/*.yaml", "../shared"]

[candidate]
python = "experiments/agent.py"

[scorers.tone]
use = "judge"
prompt = "judges/tone.md"
model = "any"

[scores.tone]
labels = "labels/tone.jsonl"
""",
    "gates/scores.toml": '[tone]\ntype = "boolean"\n',
    "gates/calibrations/tone.json": "{}",
    "gates/agent.baseline.jsonl": "{}\n",
    "datasets/agent.jsonl": "{}\n",
    "datasets/input.schema.json": "{}",
    "judges/tone.md": "Is it polite?",
    "labels/tone.jsonl": "{}\n",
    "config/eu/limits.yaml": "",
    "config/notes.txt": "",
    "experiments/agent.py": """
from support import answers
import lib.words as words


def task(*, item, **kwargs):
    import lazily
    import_module("plugins.shipping")
    run(["python", HERE / "tools.py"])
    return answers.answer((words.HERE / "prompts" / "v1" / "system.md").read_text())
""",
    "experiments/support/__init__.py": "",
    "experiments/support/answers.py": "from . import deeper\nfrom json import dumps\n",
    "experiments/support/deeper.py": "",
    "experiments/support/unused.py": "",
    "experiments/lazily.py": "",
    "experiments/prompts/v1/system.md": "You help.",
    "experiments/other_agent.py": "",
    "experiments/tools.py": "",
    "experiments/plugins/shipping.py": "",
    "experiments/plugins/returns.py": "",
    "lib/__init__.py": "",
    "lib/words.py": "from pathlib import Path\nHERE = Path(__file__)\n",
    "README.md": "An agent.",
    "docs/how.md": "",
    "tests/test_agent.py": "",
    "requirements.txt": "openai==1",
    "../shared/rates.csv": "",
    "../pyproject.toml": "",
    "../web/pyproject.toml": "",
    "../.github/workflows/gate.yml": "run: scoregate run gates/ --only-changed\n",
    "../.github/workflows/deploy.yml": "run: deploy\n",
    ".gitignore": "data/\n",
}
SINCE = "main"


@pytest.fixture(scope="module")
def _committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an agent of its own in the folder `agent/`, committed on `main`."""
    top = tmp_path_factory.mktemp("committed") / "repository"
    for name, text in FILES.items():
        Project(top / "agent").write(name, text)
    repository = Repository(top)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "change")
    return top


@pytest.fixture
def project(_committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same on a branch of its own, as the working directory."""
    Project(_committed).copied_to(tmp_path / "repository")
    monkeypatch.chdir(tmp_path / "repository" / "agent")
    return Project(tmp_path / "repository" / "agent")


def why(project: Project, ref: str = SINCE) -> str:
    """`runs: WHY` or `left out: WHY`, of the project's gate."""
    said: list[str] = []
    runs, left_out = only_changed([Path("gates/agent.toml")], ref, said.append)
    if runs:
        assert (runs, left_out) == ([Path("gates/agent.toml")], [])
        return f"runs: {said[0].removeprefix('gates/agent.toml: ')}"
    assert said == []
    (left,) = left_out
    assert (left.gate, left.path) == ("agent", "gates/agent.toml")
    return f"left out: {left.why}"


def test_a_gate_of_which_nothing_has_changed_is_left_out(project: Project) -> None:
    assert why(project).startswith("left out: nothing that it is made of has changed since main@")


MADE_OF = [
    "gates/agent.toml", "gates/scores.toml", "gates/calibrations/tone.json", "gates/agent.baseline.jsonl",
    "datasets/agent.jsonl", "datasets/input.schema.json", "judges/tone.md", "labels/tone.jsonl",
    "experiments/agent.py", "experiments/support/__init__.py", "experiments/support/answers.py",
    "experiments/support/deeper.py", "experiments/lazily.py", "lib/__init__.py", "lib/words.py",
    "experiments/tools.py", "experiments/plugins/shipping.py",
    "experiments/prompts/v1/system.md", "config/eu/limits.yaml", "requirements.txt", "../shared/rates.csv",
    "../pyproject.toml", "../.github/workflows/gate.yml",
]  # fmt: skip
NOT_MADE_OF = [
    "README.md", "docs/how.md", "tests/test_agent.py", "experiments/other_agent.py", "experiments/support/unused.py",
    "experiments/plugins/returns.py",
    "config/notes.txt", "../web/pyproject.toml", "../.github/workflows/deploy.yml",
]  # fmt: skip


def test_every_file_here_is_told_apart() -> None:
    assert {*MADE_OF, *NOT_MADE_OF} == {*FILES} - {".gitignore"}


@pytest.mark.parametrize("name", MADE_OF)
def test_a_change_of_what_it_is_made_of_runs_it(project: Project, name: str) -> None:
    project.write(name, project.read(name) + "\n# scoregate changed\n")

    assert why(project).startswith(f"runs: {name} has changed since main@")
    Repository(project.folder.parent).commit()
    assert why(project).startswith(f"runs: {name} has changed since main@")


@pytest.mark.parametrize("name", NOT_MADE_OF)
def test_a_change_of_anything_else_does_not(project: Project, name: str) -> None:
    project.write(name, project.read(name) + "\nchanged\n")

    assert why(project).startswith("left out: ")
    Repository(project.folder.parent).commit()
    assert why(project).startswith("left out: ")


@pytest.mark.parametrize(
    "name", ["experiments/support/deeper.py", "datasets/agent.jsonl", "config/eu/limits.yaml"]
)
def test_what_is_gone_has_changed(project: Project, name: str) -> None:
    project.path(name).unlink()

    assert why(project).startswith(f"runs: {name} has changed")


@pytest.mark.parametrize(
    "name", ["experiments/support/answers/__init__.py", "config/us/new.yaml", "gates/waivers.toml", "uv.lock"]
)
def test_what_is_new_and_not_committed_counts(project: Project, name: str) -> None:
    project.write(name, "")

    assert why(project).startswith(f"runs: {name} has changed")


def test_a_file_that_git_ignores_may_have_changed(project: Project) -> None:
    project.write("data/agent.jsonl", "{}\n")
    project.edit("gates/agent.toml", "datasets/agent.jsonl", "data/agent.jsonl")
    Repository(project.folder.parent).commit()

    assert why(project, "HEAD") == (
        "runs: git knows nothing of data/agent.jsonl, so whether it has changed is not known"
    )


Edit = tuple[str, str]


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (
            [('dataset = "datasets/agent.jsonl"', 'dataset = "langfuse:agent"')],
            "its dataset is in Langfuse, and its state is not told by a file",
        ),
        (
            [('python = "experiments/agent.py"', 'http = "https://agent.example"'), ("paths =", "# paths =")],
            "no file that it names says what its candidate is made of",
        ),
        (
            [('python = "experiments/agent.py"', 'command = ["node", "agent.js"]'), ("paths =", "# paths =")],
            "no file that it names says what its candidate is made of",
        ),
    ],
)
def test_what_no_file_tells_runs_the_gate(project: Project, edits: list[Edit], said: str) -> None:
    for old, new in edits:
        project.edit("gates/agent.toml", old, new)
    Repository(project.folder.parent).commit()

    assert why(project, "HEAD").startswith(f"runs: {said}")


def test_an_agent_elsewhere_is_told_by_its_paths(project: Project) -> None:
    project.edit("gates/agent.toml", 'python = "experiments/agent.py"', 'http = "https://agent.example"')
    Repository(project.folder.parent).commit()

    assert why(project, "HEAD").startswith("left out: ")
    project.write("../shared/new.csv", "")
    assert why(project, "HEAD").startswith("runs: ")


def test_without_a_ref_it_is_the_merge_base(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `main` has changed since is not this branch's."""
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        monkeypatch.delenv(name, raising=False)
    repository = Repository(project.folder.parent)
    project.write("README.md", "changed")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    project.write("lib/words.py", "changed = 1")
    repository.commit()
    repository.git("checkout", "--quiet", "change")

    assert why(project, SINCE_BASE).startswith(
        "left out: nothing that it is made of has changed since merge-base@"
    )
    assert why(project, "main").startswith("runs: lib/words.py has changed since main@")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    assert why(project, SINCE_BASE).startswith(
        "left out: nothing that it is made of has changed since merge-base:main@"
    )


def test_on_the_branch_itself_it_is_the_commit_of_the_baseline(project: Project) -> None:
    """A push to `main` has no other merge base. The baseline is committed after the commit that it was run at."""
    repository = Repository(project.folder.parent)
    repository.git("checkout", "--quiet", "main")
    header = {"schema": 1, "kind": "run", "run": "a", "dataset": "d", "candidate": "v1", "expected_items": 0}

    project.write_lines("gates/agent.baseline.jsonl", [header])
    repository.commit()
    assert why(project, SINCE_BASE) == (
        "runs: what it was before is not known, as its baseline names no commit"
    )
    commit = repository.git("rev-parse", "HEAD")
    project.write_lines("gates/agent.baseline.jsonl", [{**header, "commit": commit}])
    repository.commit()
    assert why(project, SINCE_BASE) == f"left out: nothing that it is made of has changed since {commit[:8]}"
    project.write("lib/words.py", "changed = 1")
    repository.commit()
    assert why(project, SINCE_BASE) == f"runs: lib/words.py has changed since {commit[:8]}"


def test_a_ref_that_git_does_not_know_is_an_error(project: Project) -> None:
    with pytest.raises(ConfigError, match="git knows no 'mian'"):
        only_changed([Path("gates/agent.toml")], "mian", print)


def test_where_there_is_no_repository_every_gate_runs(project: Project) -> None:
    shutil.rmtree(project.folder.parent / ".git")

    assert why(project, SINCE_BASE).startswith("runs: what has changed cannot be told: ")


def test_a_gate_that_cannot_be_read_is_run_so_that_it_is_told(project: Project) -> None:
    project.write("gates/agent.toml", "dataset = ")

    assert why(project).startswith("runs: what has changed cannot be told: gates/agent.toml:1: ")
