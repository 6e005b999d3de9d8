"""The version of an evaluator covers what it uses of other modules of its project, and nothing else of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from scoregate.runner.candidates.python_file import load_experiment
from scoregate.scorers.source_version import source_version

AGENT = """
from checks import is_right


def task(*, item, **kwargs):
    return "yes"


def correct(*, output, expected_output, **kwargs):
    return is_right(output, expected_output)


evaluators = [correct]
"""
CHECKS = """
import re

from texts.plain import LIMIT, plain

PROMPT = "Answer in one word."


def is_right(one, other):
    return plain(one) == plain(other) and len(one) < LIMIT


def unused(one):
    return not one
"""
PLAIN = """
from .signs import SIGNS

LIMIT = 100
OTHER = 1


def plain(text):
    return text.lower().strip(SIGNS)
"""
FILES = {
    "experiments/agent.py": AGENT,
    "experiments/checks.py": CHECKS,
    "experiments/texts/__init__.py": "",
    "experiments/texts/plain.py": PLAIN,
    "experiments/texts/signs.py": 'SIGNS = ".!"\nMORE = "?"\n',
}

Version = Callable[..., str]


@pytest.fixture
def version(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The version of the evaluator of these files, in a new project each time."""

    def made(files: dict[str, str] | None = None, **changed: str) -> str:
        root = tmp_path_factory.mktemp("project")
        (root / "gates").mkdir()
        for name, text in {**FILES, **(files or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        experiment = load_experiment(root / "experiments/agent.py", root=root)
        return source_version(experiment.evaluators[0])

    return made


def with_change(name: str, before: str, after: str) -> dict[str, str]:
    assert before in FILES[name]
    return {name: FILES[name].replace(before, after)}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("experiments/checks.py", "plain(one) == plain(other)", "one == other"),
        ("experiments/texts/plain.py", "text.lower()", "text.upper()"),
        ("experiments/texts/plain.py", "LIMIT = 100", "LIMIT = 99"),
        ("experiments/texts/signs.py", '".!"', '"."'),
    ],
)
def test_what_it_uses_counts_however_far_it_is(version: Version, name: str, before: str, after: str) -> None:
    assert version(with_change(name, before, after)) != version()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("experiments/checks.py", "one word", "two words"),
        ("experiments/checks.py", "return not one", "return one"),
        ("experiments/checks.py", "import re\n", "import json\n"),
        ("experiments/texts/plain.py", "OTHER = 1", "OTHER = 2"),
        ("experiments/texts/signs.py", 'MORE = "?"', 'MORE = "??"'),
        ("experiments/texts/plain.py", "def plain(text):", "# why\ndef plain(text):"),
    ],
)
def test_what_it_does_not_use_leaves_it(version: Version, name: str, before: str, after: str) -> None:
    assert version(with_change(name, before, after)) == version()


def test_the_same_files_in_another_folder_are_the_same_version(version: Version) -> None:
    assert version() == version()


@pytest.mark.parametrize(
    "imported",
    [
        "import checks\n\ndef look(*, output, **_):\n    return checks.is_right(output, output)",
        "import checks as c\n\ndef look(*, output, **_):\n    return c.is_right(output, output)",
        "from checks import *\n\ndef look(*, output, **_):\n    return is_right(output, output)",
        "from checks import is_right as right\n\ndef look(*, output, **_):\n    return right(output, output)",
        "def look(*, output, **_):\n    from checks import is_right\n    return is_right(output, output)",
        "def look(*, output, **_):\n    import checks\n    return checks.is_right(output, output)",
        "import checks\n\ndef look(*, output, how=checks, **_):\n    return how.is_right(output, output)",
        "try:\n    from checks import is_right\nexcept ImportError:\n    is_right = None\n\n"
        "def look(*, output, **_):\n    return is_right(output, output)",
        "from checks import is_right\n\nclass Look:\n    def __call__(self, *, output, **_):\n"
        "        return is_right(output, output)\n\nlook = Look()",
        "from functools import partial\nfrom checks import is_right\n\ndef by(*, output, how, **_):\n"
        "    return how(output, output)\n\nlook = partial(by, how=is_right)",
    ],
)
def test_every_way_to_import_it(version: Version, imported: str) -> None:
    task = "\n\ndef task(*, item, **kwargs):\n    return 1\n\nevaluators = [look]\n"
    agent = {"experiments/agent.py": imported + task}
    changed = with_change("experiments/checks.py", "plain(one) == plain(other)", "one == other")
    assert version(agent) == version(agent)
    assert version({**agent, **changed}) != version(agent)
    far = with_change("experiments/texts/signs.py", '".!"', '"."')
    assert version({**agent, **far}) != version(agent)


def test_what_this_process_has_imported_meanwhile_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "gates").mkdir()
    for name, text in {**FILES, "experiments/own/scorers.py": AGENT.replace("def task", "def other")}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    agent = (
        "from own.scorers import correct\n\ndef task(*, item, **_):\n    return 1\n\nevaluators = [correct]\n"
    )
    (tmp_path / "experiments/agent.py").write_text(agent, encoding="utf-8")
    experiment = load_experiment(tmp_path / "experiments/agent.py", root=tmp_path)
    before = source_version(experiment.evaluators[0])
    for name in ("checks", "texts", "texts.plain", "texts.signs", "own", "own.scorers"):
        sys.modules.pop(name, None)
    assert source_version(experiment.evaluators[0]) == before
    (tmp_path / "experiments/texts/signs.py").write_text('SIGNS = "."\n', encoding="utf-8")
    assert source_version(experiment.evaluators[0]) != before


def test_a_module_at_the_root_of_the_project_counts(version: Version) -> None:
    agent = {"experiments/agent.py": AGENT.replace("from checks", "from lib.checks")}
    one, other = ({"lib/checks.py": f"def is_right(one, other):\n    return {body}\n"} for body in ("1", "2"))
    assert version({**agent, **one}) == version({**agent, **one})
    assert version({**agent, **one}) != version({**agent, **other})


def test_modules_that_import_each_other_have_a_version(version: Version) -> None:
    files = {
        "experiments/checks.py": "from other import help\nEND = 1\n\ndef is_right(one, two):\n    return help(one)\n",
        "experiments/other.py": "def help(one):\n    from checks import END\n    return one == END\n",
    }
    changed = {**files, "experiments/checks.py": files["experiments/checks.py"].replace("END = 1", "END = 2")}
    assert version(files) == version(files)
    assert version(changed) != version(files)


def test_an_evaluator_that_uses_nothing_of_the_project_is_as_it_was(version: Version) -> None:
    alone = {
        "experiments/agent.py": AGENT.replace(
            "from checks import is_right", "from operator import eq as is_right"
        )
    }
    assert version(alone) == version(
        {**alone, **with_change("experiments/checks.py", "one word", "two words")}
    )
    assert version(alone) == version(
        {**alone, "experiments/operator.py": "def eq(one, two):\n    return True\n"}
    )


def test_what_is_installed_in_the_project_is_a_library(version: Version) -> None:
    installed = "env/lib/site-packages/checks.py"
    head = "import sys\nfrom pathlib import Path\n"
    path = 'sys.path.insert(0, str(Path(__file__).parents[1] / "env/lib/site-packages"))\n'
    agent = {"experiments/agent.py": head + path + AGENT.replace("checks", "installed_checks")}
    files = {installed.replace("checks", "installed_checks"): "def is_right(one, two):\n    return 1\n"}
    changed = {name: text.replace("return 1", "return 2") for name, text in files.items()}
    assert version({**agent, **files}) == version({**agent, **changed})
