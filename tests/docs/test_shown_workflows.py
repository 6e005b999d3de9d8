"""The workflows and pipelines that the documentation shows are valid, and say what the action and `init` have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scoregate.starter.workflow import Place, comment_workflow, new_workflow
from tests.docs.pages import PAGES, REPOSITORY, Page
from tests.workflows.validators import actionlint_faults, schema_faults

ACTION = Page(REPOSITORY / "docs/how-to/action.md")
OTHER = Page(REPOSITORY / "docs/how-to/other-ci.md")
DEFINITION: Any = YAML(typ="safe").load(REPOSITORY / ".github/actions/gate/action.yml")
_WITH_WORKFLOWS = [page for page in PAGES if re.search(r"```yaml\n(#.*\n)*name:", page.text)]


def test_some_workflows_are_looked_at() -> None:
    assert ACTION in _WITH_WORKFLOWS


@pytest.mark.parametrize("page", _WITH_WORKFLOWS, ids=lambda page: page.name)
def test_every_workflow_is_valid(page: Page, tmp_path: Path) -> None:
    files = []
    for number, block in enumerate(page.blocks("yaml")):
        if re.match(r"(#.*\n)*name:", block):
            files.append(tmp_path / f"{number}.yml")
            files[-1].write_text(block, encoding="utf-8")
    assert schema_faults("github-workflows", *files) == []
    assert actionlint_faults(*files) == []


def test_the_pair_for_forks_is_what_init_writes() -> None:
    blocks = list(ACTION.blocks("yaml"))
    gate = new_workflow(Place(".", "gates/agent.toml"), rights=False)
    assert gate in blocks
    assert comment_workflow() in blocks


def test_every_input_is_told_with_its_default() -> None:
    cells = (line.split("|") for line in _table("| input |").splitlines())
    told = {name.strip(" `"): default.strip(" `") for _, name, default, *_ in cells}
    given = {name: one.get("default", "") for name, one in DEFINITION["inputs"].items()}
    given["github-token"] = "the job's"
    assert told == given


def test_every_output_is_told() -> None:
    told = re.findall(
        r"`([a-z-]+)`", "".join(line.split("|")[1] for line in _table("| output |").splitlines())
    )
    assert set(told) == set(DEFINITION["outputs"])


def test_every_value_of_fail_on_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \|", _table("| `fail-on` | fails"), re.MULTILINE)
    script = (REPOSITORY / ".github/actions/gate/inputs.sh").read_text(encoding="utf-8")
    assert f'one_of fail-on "$INPUT_FAIL_ON" {" ".join(told)}\n' in script


def _table(head: str) -> str:
    """The rows below a table's head."""
    return ACTION.text[ACTION.text.index(head) :].partition("\n\n")[0].partition("\n")[2].partition("\n")[2]


@pytest.mark.parametrize(
    ("heading", "schema", "options"),
    [
        ("## GitLab", "gitlab-ci", ["--data-transform", "gitlab-ci"]),
        (
            "## Azure Pipelines",
            "azure-pipelines",
            ["--data-transform", "azure-pipelines", "--regex-variant", "python"],
        ),
        ("## Buildkite", "buildkite", []),
    ],
)
def test_every_pipeline_obeys_the_schema_of_its_system(
    heading: str, schema: str, options: list[str], tmp_path: Path
) -> None:
    block = re.search(r"```yaml\n(.*?)```", OTHER.text[OTHER.text.index(heading) :], re.DOTALL)
    assert block is not None
    path = tmp_path / "shown.yml"
    path.write_text(block[1], encoding="utf-8")
    assert schema_faults(schema, path, options=options) == []
    path.write_text(block[1].replace("steps:", "step:").replace("script:", "scripts:"), encoding="utf-8")
    assert schema_faults(schema, path, options=options) != []
