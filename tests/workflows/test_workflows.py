"""Our own workflows: valid, with no more rights than they use, and with every action of others pinned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.workflows.validators import actionlint_faults, schema_faults, shell_faults, zizmor_faults

GITHUB = Path(__file__).parents[2] / ".github"
WORKFLOWS = tuple(sorted((GITHUB / "workflows").glob("*.yml")))
ACTIONS = tuple(sorted((GITHUB / "actions").glob("*/action.yml")))
PINNED = re.compile(r"^(\./\S+( # .*)?|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")


def read(path: Path) -> Any:
    """YAML 1.2, in which `on` is a word."""
    return YAML(typ="safe").load(path)


def test_there_are_workflows_for_tests_gate_and_release() -> None:
    assert {path.name for path in WORKFLOWS} >= {"test.yml", "gate.yml", "release.yml"}


def test_every_workflow_obeys_the_schema() -> None:
    assert schema_faults("github-workflows", *WORKFLOWS) == []


def test_every_action_obeys_the_schema_and_its_scripts_are_sound() -> None:
    assert schema_faults("github-actions", *ACTIONS) == []
    assert shell_faults(*GITHUB.rglob("*.sh")) == []


def test_no_expression_stands_in_a_script_and_every_input_is_used() -> None:
    for path in ACTIONS:
        steps = read(path)["runs"]["steps"]
        assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
        assert {name for name in read(path)["inputs"] if f"inputs.{name}" not in str(steps)} == set()


def test_actionlint_finds_nothing() -> None:
    assert actionlint_faults(*WORKFLOWS) == []


def test_zizmor_finds_nothing_that_could_be_used_against_us() -> None:
    assert zizmor_faults(*WORKFLOWS, *ACTIONS) == []


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_action_of_others_is_pinned_by_its_full_commit(path: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert [one for one in used if not PINNED.match(one)] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in (*WORKFLOWS, *ACTIONS):
        for name, pin in re.findall(
            r"uses: ([\w./-]+)@(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            pins.setdefault(name, set()).add(pin)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_begins_with_no_right_to_write(path: Path) -> None:
    assert read(path)["permissions"] in ({}, {"contents": "read"})


def test_the_tests_run_on_every_python_that_the_package_takes_and_the_adapters_once() -> None:
    matrix = read(GITHUB / "workflows" / "test.yml")["jobs"]["make"]["strategy"]["matrix"]
    assert (matrix["target"], matrix["python"]) == (["test"], ["3.11", "3.12", "3.13", "3.14"])
    assert {"lint", "test-adapters", "test-langfuse-4"} <= {job["target"] for job in matrix["include"]}


def test_a_release_may_publish_only_what_another_job_without_rights_built() -> None:
    jobs = read(GITHUB / "workflows" / "release.yml")["jobs"]
    rights = {
        name: {right for right, how in job["permissions"].items() if how == "write"}
        for name, job in jobs.items()
    }
    assert rights == {"build": set(), "attest": {"id-token", "attestations"}, "publish": {"id-token"}}
    assert all("run" not in step for step in jobs["publish"]["steps"])
    assert jobs["publish"]["environment"] == "pypi"


def test_each_validator_finds_what_it_is_there_for(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "on: issues\npermissions: write-all\njobs:\n  a:\n    runs-on: ubuntu-latest\n    step: []\n    steps:\n"
        "      - run: echo ${{ github.event.issue.title }}\n"
    )
    assert any("'step' was unexpected" in fault for fault in schema_faults("github-workflows", wrong))
    assert any("template-injection" in fault for fault in zizmor_faults(wrong))
    assert any('unexpected key "step"' in fault for fault in actionlint_faults(wrong))
    assert any("is potentially untrusted" in fault for fault in actionlint_faults(wrong))
    script = tmp_path / "wrong.sh"
    script.write_text("#!/bin/bash\ncat $1\n")
    assert any("SC2086" in fault for fault in shell_faults(script))
