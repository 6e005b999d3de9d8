from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.errors import ConfigError
from scoregate.records import DatasetItem
from tests.git.repository import (
    Repository,
    candidate_named,
    environment_in,
    gate_of,
    outputs,
    outputs_seen_by,
)

EXPERIMENT = """
    import json
    from pathlib import Path
    from support import agent

    evaluators = [len]

    def task(*, item):
        beside = Path(__file__).with_name("support") / "facts.json"
        below = Path("datasets/facts.json")
        return [agent.ANSWER, json.loads(beside.read_text()), json.loads(below.read_text())]
"""
AGENT = {"experiments/support/__init__.py": "", "experiments/support_agent.py": EXPERIMENT}


def version(number: int) -> dict[str, str]:
    return {
        **AGENT,
        "experiments/support/agent.py": f"ANSWER = {number}\n",
        "experiments/support/facts.json": str(number),
        "datasets/facts.json": str(number),
    }


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A project like the example: modules and files in two folders, another version on every commit."""
    repository.commit(version(1))
    repository.git("tag", "v1")
    repository.commit(version(2))
    repository.write({"datasets/facts.json": "3", "experiments/support/agent.py": "ANSWER = 3\n"})
    return repository


def refused(root: Path, spec: str, **candidate: object) -> str:
    with pytest.raises(ConfigError) as caught:
        candidate_named(gate_of(root, **candidate), spec)
    return str(caught.value)


def test_each_version_runs_its_own_code_and_reads_its_own_files(project: Repository) -> None:
    gate = gate_of(project.folder, python="experiments/support_agent.py")
    assert outputs(candidate_named(gate, "git:v1")) == [[1, 1, 1]]
    assert outputs(candidate_named(gate, "git:HEAD")) == [[2, 2, 2]]
    assert outputs(candidate_named(gate, "experiments/support_agent.py")) == [[3, 2, 3]]


def test_a_ref_names_its_commit_and_has_no_evaluators(project: Repository) -> None:
    candidate = candidate_named(gate_of(project.folder, python="experiments/support_agent.py"), "git:v1")
    commit = project.git("rev-parse", "v1")
    assert (candidate.version, candidate.commit, candidate.dirty) == (f"v1@{commit[:8]}", commit, False)
    assert (candidate.kind, candidate.evaluators) == ("python", ())


def test_a_file_of_the_working_tree_has_its_evaluators_and_the_present_state(project: Repository) -> None:
    path = str(project.folder / "experiments/support_agent.py")
    candidate = candidate_named(gate_of(project.folder, python="other.py"), path)
    assert candidate.evaluators == (len,)
    assert (candidate.commit, candidate.dirty) == (project.git("rev-parse", "HEAD"), True)


def test_a_version_that_the_file_names_stands_before_the_ref_and_a_label_in_place_of_both(
    repository: Repository,
) -> None:
    commit = repository.commit({"experiment.py": "version = 'agent-1'\ndef task(*, item): return 1\n"})
    repository.write({"experiment.py": "version = 'agent-2'\ndef task(*, item): return 1\n"})
    gate = gate_of(repository.folder, python="experiment.py")
    assert candidate_named(gate, "git:main").version == f"agent-1 (main@{commit[:8]})"
    assert candidate_named(gate, "git:main", label="before").version == "before"
    assert candidate_named(gate, "experiment.py").version == "agent-2"
    assert candidate_named(gate, "experiment.py", label="after").version == "after"


def test_the_gates_own_label_is_that_of_its_present_file_alone(repository: Repository) -> None:
    commit = repository.commit({"experiment.py": "def task(*, item): return 1\n"})
    gate = gate_of(repository.folder, python="experiment.py", version="mine")
    assert candidate_named(gate, "experiment.py").version == "mine"
    assert candidate_named(gate, "git:main").version == f"main@{commit[:8]}"


def test_both_versions_run_side_by_side(project: Repository) -> None:
    gate = gate_of(project.folder, python="experiments/support_agent.py")
    items = [DatasetItem(str(number), "") for number in range(3)]
    old, new = candidate_named(gate, "git:v1"), candidate_named(gate, "git:main")
    assert outputs(old, *items) == [[1, 1, 1]] * 3
    assert outputs(new, *items) == [[2, 2, 2]] * 3
    assert outputs(old) == [[1, 1, 1]]


def test_pythonpath_means_the_other_version_too(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(
        {"lib/in_lib.py": "V = 1", "experiment.py": "import in_lib\ndef task(*, item): return in_lib.V\n"}
    )
    repository.write({"lib/in_lib.py": "V = 2"})
    monkeypatch.chdir(repository.folder)
    for entry in ("lib", str(repository.folder / "lib")):
        monkeypatch.setenv("PYTHONPATH", entry)
        assert outputs(candidate_named(gate_of(repository.folder), "git:main")) == [1]


def test_an_editable_install_in_an_environment_inside_the_project_does_not_leak(
    repository: Repository,
) -> None:
    """A venv in the project, with a `.pth` file and with the finder that setuptools installs for flat projects."""
    source = "import flat, in_src\ndef task(*, item): return [in_src.V, flat.V]\n"
    files = {
        "src/in_src.py": "V = 1",
        "flat/__init__.py": "V = 1",
        "experiment.py": source,
        "gates/g.toml": "",
    }
    repository.commit({**files, ".gitignore": ".venv\n__pycache__\n"})
    repository.write({"src/in_src.py": "V = 2", "flat/__init__.py": "V = 2"})
    root = repository.folder
    python, packages = environment_in(root / ".venv")
    (packages / "_src.pth").write_text(f"{root}/src\n")
    (packages / "_flat.pth").write_text("import __editable___flat_finder as f; f.install()\n")
    (packages / "__editable___flat_finder.py").write_text(
        dedent(f"""
            import importlib.util, sys
            MAPPING = {{"flat": {str(root / "flat")!r}}}
            NAMESPACES = {{}}
            class _EditableFinder:
                @classmethod
                def find_spec(cls, fullname, path=None, target=None):
                    if fullname in MAPPING:
                        return importlib.util.spec_from_file_location(fullname, MAPPING[fullname] + "/__init__.py")
            def install():
                sys.meta_path.append(_EditableFinder)
        """)
    )
    assert outputs_seen_by(python, root, "git:main", "experiment.py") == [[1, 1], [2, 2]]


def test_a_module_that_only_the_working_tree_has_is_refused(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = f"""
        import sys
        def task(*, item):
            sys.path.append({str(repository.folder)!r})
            import only_here
            return only_here.V
    """
    repository.commit({"experiment.py": source, ".gitignore": "only_here.py\n"})
    repository.write({"only_here.py": "V = 2"})
    (said,) = outputs(candidate_named(gate_of(repository.folder), "git:main"))
    assert said.startswith("ImportError: 'only_here' would be imported from the working tree")


def test_a_project_in_a_subfolder_runs_in_the_subfolder(repository: Repository) -> None:
    source = "import os\ndef task(*, item): return [os.path.basename(os.getcwd()), 1]\n"
    repository.commit({"services/agent/experiment.py": source})
    repository.write({"services/agent/experiment.py": source.replace("1]", "2]")})
    gate = gate_of(repository.folder / "services/agent")
    assert outputs(candidate_named(gate, "git:main")) == [["agent", 1]]


def test_a_command_is_started_in_the_refs_folder(repository: Repository) -> None:
    repository.commit({"agent.py": "import lib, json; print(json.dumps(lib.V))", "lib.py": "V = 1"})
    repository.write({"lib.py": "V = 2"})
    for script in ("agent.py", str(repository.folder / "agent.py")):
        gate = gate_of(repository.folder, command=(sys.executable, script), version="mine")
        candidate = candidate_named(gate, "git:main")
        assert outputs(candidate) == [1]
        assert candidate.version.startswith("main@")
        assert candidate.kind == "command"


def test_a_command_of_the_project_is_the_refs_own(repository: Repository) -> None:
    repository.commit({"run.sh": "#!/bin/sh\necho 1\n"})
    (repository.folder / "run.sh").chmod(0o755)
    repository.commit()
    repository.write({"run.sh": "#!/bin/sh\necho 2\n"})
    gate = gate_of(repository.folder, command=("./run.sh",))
    assert outputs(candidate_named(gate, "git:main")) == [1]


def test_what_cannot_be_run_from_a_ref_is_refused(repository: Repository) -> None:
    repository.commit({"x": ""})
    root = repository.folder
    assert "behind HTTP" in refused(root, "git:main", http="http://127.0.0.1:1")
    assert "recorded outputs" in refused(root, "git:main", replay="outputs.jsonl")


def test_a_file_that_does_not_exist_at_the_ref_is_named(repository: Repository) -> None:
    commit = repository.commit({"x": ""})
    repository.write({"experiment.py": "def task(*, item): return 1"})
    said = refused(repository.folder, "git:main")
    assert said.startswith(f"experiment.py: does not exist at main@{commit[:8]}")


def test_a_file_that_cannot_be_imported_at_the_ref_is_told_before_the_run(repository: Repository) -> None:
    commit = repository.commit({"experiment.py": "1 / 0"})
    repository.write({"experiment.py": "def task(*, item): return 1"})
    said = refused(repository.folder, "git:main")
    assert f"experiment.py:1: at main@{commit[:8]}: cannot be imported: ZeroDivisionError" in said


def test_the_example_runs_at_its_commit(repository: Repository) -> None:
    """The shipped example, in a repository of its own: its modules and files are those of the ref."""
    example = Path(__file__).parents[2] / "experiments"
    wanted = [p for p in example.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    repository.commit({f"experiments/{path.relative_to(example)}": path.read_text() for path in wanted})
    articles = repository.folder / "experiments/support/articles.jsonl"
    articles.write_text("")
    (repository.folder / "experiments/support/agent.py").write_text("def answer(_): return 'present'\n")
    dataset = Path(__file__).parents[2] / "datasets/support-agent.jsonl"
    fields = json.loads(dataset.read_text().splitlines()[0])
    item = DatasetItem(fields["id"], fields["input"], fields["expected_output"], fields.get("metadata", {}))
    gate = gate_of(repository.folder, python="experiments/support_agent.py")
    (answer,) = outputs(candidate_named(gate, "git:main"), item)
    assert isinstance(answer, dict), answer
