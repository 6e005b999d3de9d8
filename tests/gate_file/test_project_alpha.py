"""`[project] alpha`: one error budget for all gates of a project, shared in equal parts whichever of them is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import NO_GATES, read_gate
from scoregate.gate_file.project import shared_alpha

GATE = "[scores.correct]\n"


@dataclass(frozen=True)
class Project:
    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def alphas(self) -> dict[str, float]:
        """Gate -> its false-alarm level."""
        gates = (path for path in (self.folder / "gates").glob("*.toml") if path.name not in NO_GATES)
        return {path.stem: read_gate(path).alpha for path in gates}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three gates in a repository."""
    made = Project(tmp_path / "project")
    made.write(".git/HEAD", "")
    for name in ("agent", "billing", "refunds"):
        made.write(f"gates/{name}.toml", GATE)
    return made


def test_without_it_every_gate_has_a_level_of_its_own(project: Project) -> None:
    assert project.alphas() == {"agent": 0.01, "billing": 0.01, "refunds": 0.01}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("gates/project.toml", "[project]\nalpha = 0.03\n"),
        ("pyproject.toml", '[project]\nname = "x"\n\n[tool.scoregate]\nalpha = 0.03\n'),
        ("pyproject.toml", "tool.scoregate.alpha = 0.03\n"),
    ],
)
def test_all_gates_of_the_project_share_it_whichever_is_read(project: Project, file: str, text: str) -> None:
    project.write(file, text)

    assert project.alphas() == pytest.approx({"agent": 0.01, "billing": 0.01, "refunds": 0.01})
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    project.write("gates/waivers.toml", "")
    project.write("gates/calibrations/correct.json", "{}")
    assert project.alphas() == pytest.approx({"agent": 0.01, "billing": 0.01, "refunds": 0.01})
    project.write("gates/fourth.toml", GATE)
    assert project.alphas()["agent"] == 0.0075


def test_a_gates_own_level_holds_only_where_it_is_less(project: Project) -> None:
    project.write("gates/project.toml", "[project]\nalpha = 0.03\n")
    project.write("gates/agent.toml", f"alpha = 0.001\n{GATE}")
    project.write("gates/billing.toml", f"alpha = 0.2\n{GATE}")

    assert project.alphas() == pytest.approx({"agent": 0.001, "billing": 0.01, "refunds": 0.01})


def test_gates_of_all_projects_below_share_what_the_repository_says(project: Project) -> None:
    """But those of a project that says it for itself, and what is no part of the repository's own."""
    project.write("pyproject.toml", "[tool.scoregate]\nalpha = 0.04\n")
    project.write("agents/b/gates/agent.toml", GATE)
    project.write("agents/c/gates/agent.toml", GATE)
    project.write("agents/c/gates/project.toml", "[project]\nalpha = 0.02\n")
    for elsewhere in (".scoregate/worktrees/0a1b", "node_modules/x", "environment"):
        project.write(f"{elsewhere}/gates/agent.toml", GATE)
    project.write("environment/pyvenv.cfg", "")
    project.write("docs/config.toml", "")

    shared = shared_alpha(project.folder)
    assert shared is not None
    assert (shared.alpha, shared.gates) == (0.04, 4)
    assert project.alphas()["agent"] == 0.01
    assert read_gate(project.folder / "agents/b/gates/agent.toml").alpha == 0.01
    assert read_gate(project.folder / "agents/c/gates/agent.toml").alpha == 0.02


def test_what_stands_above_the_repository_says_nothing(project: Project) -> None:
    (project.folder.parent / "pyproject.toml").write_text(
        "[tool.scoregate]\nalpha = 0.04\n", encoding="utf-8"
    )

    assert project.alphas()["agent"] == 0.01
    (project.folder / ".git/HEAD").unlink()
    (project.folder / ".git").rmdir()
    assert project.alphas()["agent"] == 0.01, "nor where there is no repository"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "gates/project.toml",
            "[project]\nalpha = 0.7\n",
            "'alpha' of [project] is 0.7 but must be less than 0.5",
        ),
        (
            "gates/project.toml",
            "[project]\nalpha = 1e-300\n",
            "'alpha' of [project] is 1e-300 but must be at least 1e-09",
        ),
        ("gates/project.toml", "[project]\nalpah = 0.1\n", "'alpah' of [project] is not a known key"),
        ("gates/project.toml", "alpha = 0.1\n", "'alpha' is not a known key"),
        (
            "pyproject.toml",
            "[tool.scoregate]\nalpha = true\n",
            "'alpha' of [tool.scoregate] must be a number",
        ),
    ],
)
def test_a_mistake_in_it_is_one_line_with_its_place(
    project: Project, file: str, text: str, said: str
) -> None:
    path = project.write(file, text)

    with pytest.raises(ConfigError) as caught:
        project.alphas()
    assert str(caught.value).startswith(f"{path}:{text.count(chr(10))}: {said}")


def test_the_projects_file_is_no_gate(project: Project) -> None:
    path = project.write("gates/project.toml", "[project]\nalpha = 0.03\n")

    with pytest.raises(ConfigError, match="this is the project's own file, not a gate"):
        read_gate(path)
