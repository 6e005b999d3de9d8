"""A composite action run here as a runner of GitHub's would: its steps with their `if:`, the files that they write
to, the event's payload, the commands in their log. The actions of others are stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.action.events import REPOSITORY, Event
from tests.action.expressions import filled, is_wanted
from tests.action.stand_ins import Services, StepFailed
from tests.action.workflow_commands import Command, shown_on_the_page

ACTION = Path(__file__).parents[2] / ".github" / "actions" / "gate"
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
_OURS = ("LANGFUSE_", "GITHUB_", "RUNNER_", "XDG_CACHE_HOME")
"""Variables of the machine that a step is not to see."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    outcome: str
    """success, failure or skipped"""
    log: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """One `uses:` line that came to its end."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, str]

    @property
    def failed(self) -> bool:
        return any(step.outcome == "failure" for step in self.steps)

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        """The page of the job."""
        return "".join(step.summary for step in self.steps)

    @property
    def annotations(self) -> list[Command]:
        return [found for step in self.steps for found in shown_on_the_page(step.log)]

    def step(self, name: str) -> Step:
        (found,) = (step for step in self.steps if step.name == name)
        return found


@dataclass(frozen=True)
class LocalRunner:
    """A job on a checkout. `environment` is what its `env:` says."""

    workspace: Path
    services: Services
    event: Event
    environment: Mapping[str, str] = field(default_factory=dict)
    job: str = "gate"
    job_index: int = 0

    def use(self, **inputs: str) -> Used:
        """The action with these inputs; `fail_on` is `fail-on`."""
        named = {name.replace("_", "-"): text for name, text in inputs.items()}
        action = self._action
        definition: Any = YAML(typ="safe").load(action / "action.yml")
        unknown = set(named) - set(definition["inputs"])
        assert not unknown, f"the action has no input {unknown}"
        run = _Run(self, {"GITHUB_ACTION_PATH": str(action)})
        run.contexts["inputs"] = {
            name: named.get(name, filled(declared.get("default", ""), run.contexts))
            for name, declared in definition["inputs"].items()
        }
        return run.steps(definition["runs"]["steps"], definition["outputs"])

    def steps(self, definitions: Sequence[Mapping[str, Any]]) -> Used:
        """The steps of a job, none of which uses our action."""
        return _Run(self, {}).steps(definitions, {})

    @property
    def _action(self) -> Path:
        """A checkout's own where it has one, as a path reference means it; else as a tag does. What is installed ahead
        is this checkout's, with its action."""
        own = self.workspace / ".github" / "actions" / "gate"
        return own if own.is_dir() and not self.services.ready else ACTION


class _Run:
    def __init__(self, runner: LocalRunner, environment: Mapping[str, str]) -> None:
        self._runner = runner
        self._temp = Path(tempfile.mkdtemp(prefix="runner-", dir=runner.services.folder))
        self._steps: list[Step] = []
        self._environment = {**self._of_job(), **environment}
        services = runner.services
        self.contexts: dict[str, object] = {
            "github": {
                "token": services.token,
                "run_id": "77",
                "run_attempt": "1",
                "event": runner.event.payload,
            },
            "runner": {"os": "Linux", "arch": "X64"},
            "strategy": {"job-index": runner.job_index},
            "steps": {},
        }

    def steps(
        self, definitions: Sequence[Mapping[str, Any]], outputs: Mapping[str, Mapping[str, str]]
    ) -> Used:
        known: dict[str, object] = {}
        for number, definition in enumerate(definitions):
            failed = any(step.outcome == "failure" for step in self._steps)
            step = Step(_name(definition), "skipped")
            if is_wanted(definition.get("if"), self.contexts, failed=failed):
                step = self._used(definition) if "uses" in definition else self._ran(definition, number)
            self._steps.append(step)
            if "id" in definition:
                known[definition["id"]] = {"outputs": step.outputs, "outcome": step.outcome}
                self.contexts["steps"] = known
        found = {name: filled(declared["value"], self.contexts) for name, declared in outputs.items()}
        return Used(tuple(self._steps), found)

    def _used(self, definition: Mapping[str, Any]) -> Step:
        given: Mapping[str, object] = definition["with"]
        inputs = {name: filled(_as_written(value), self.contexts) for name, value in given.items()}
        try:
            return Step(
                _name(definition),
                "success",
                outputs=self._runner.services.use(definition["uses"], inputs, self._runner.workspace),
            )
        except StepFailed as error:
            return Step(_name(definition), "failure", f"{error}\n")

    def _ran(self, definition: Mapping[str, Any], number: int) -> Step:
        """A script, in the shell that GitHub takes, with new files to write to."""
        shell = (
            ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if "shell" in definition else ["bash", "-e"]
        )
        files = {name: self._temp / f"{name}-{number}" for name in _FILES}
        for path in files.values():
            path.touch()
        script = self._temp / f"{number}.sh"
        script.write_text(filled(definition["run"], self.contexts))
        own = {name: filled(text, self.contexts) for name, text in definition.get("env", {}).items()}
        done = subprocess.run(
            [*shell, script],
            cwd=self._runner.workspace,
            env=self._environment | own | {name: str(path) for name, path in files.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=600,
        )
        self._environment |= _assignments(files["GITHUB_ENV"])
        return Step(
            _name(definition),
            "success" if done.returncode == 0 else "failure",
            done.stdout,
            _assignments(files["GITHUB_OUTPUT"]),
            files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"),
        )

    def _of_job(self) -> dict[str, str]:
        """What a runner sets for every step, and what the machine has."""
        runner = self._runner
        payload = self._temp / "event.json"
        payload.write_text(json.dumps(runner.event.payload))
        here = {name: text for name, text in runner.services.machine.items() if not name.startswith(_OURS)}
        return {
            **here,
            "PATH": os.pathsep.join((str(runner.services.programs), here["PATH"])),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_JOB": runner.job,
            "GITHUB_API_URL": runner.services.api_url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_WORKSPACE": str(runner.workspace),
            "RUNNER_TEMP": str(self._temp),
            "XDG_CACHE_HOME": str(runner.services.folder / "home"),
            **runner.event.variables,
            **runner.environment,
        }


def _name(definition: Mapping[str, Any]) -> str:
    """As the page of a run calls a step that has no name."""
    named: str = (
        definition.get("name") or definition.get("uses") or f"Run {definition['run'].splitlines()[0]}"
    )
    return named


def _as_written(value: object) -> str:
    """An input in YAML: a truth value is the word that stands there."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _assignments(path: Path) -> dict[str, str]:
    """NAME=VALUE lines, and NAME<<MARK … MARK for values of several lines."""
    found: dict[str, str] = {}
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, marked, mark = line.partition("<<")
        if not marked or "=" in name:
            name, equals, found_value = line.partition("=")
            assert equals, f"the runner refuses this line: {line}"
            found[name] = found_value
            continue
        value: list[str] = []
        for inner in lines:
            if inner == mark:
                break
            value.append(inner)
        else:
            raise AssertionError(f"the value of {name} has no end")
        found[name] = "\n".join(value)
    return found
