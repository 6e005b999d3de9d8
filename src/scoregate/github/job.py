"""What a job of GitHub Actions knows of itself: from its environment, and from the payload of the event it runs for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.files.reading import JsonProblem, decode_utf8, parse_json, reading
from scoregate.records import JSON

_PULL_REQUEST = ("pull_request", "pull_request_target")
_WORKFLOW_RUN = "workflow_run"
_API = "https://api.github.com"
_SERVER = "https://github.com"


@dataclass(frozen=True, slots=True, order=True)
class WorkflowRun:
    """One try of a run of a workflow. A later one is greater: GitHub counts runs up over all of a repository."""

    id: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """None is what the environment does not say: not everywhere is there a pull request, a token, or GitHub."""

    repository: str | None = None
    """OWNER/NAME."""
    token: str | None = field(default=None, repr=False)
    api_url: str = _API
    server_url: str = _SERVER
    event: str | None = None
    pull_request: int | None = None
    base_branch: str | None = None
    """The branch that the pull request is for."""
    commit: str | None = None
    """The commit under review: the head of the pull request, and not GitHub's merge of it with its base."""
    run: WorkflowRun = WorkflowRun()
    head_repository: int | None = None
    """Of a `workflow_run`, the id of the repository whose commit was built: a fork's, or this one's."""
    of_fork: bool = False
    """The pull request comes from another repository, so that its build gets no rights here."""
    summary: Path | None = None
    """The file to which Markdown for the job's page is appended."""
    outputs: Path | None = None
    """The file to which the step's outputs are appended."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Job:
        """Raises ConfigError for a payload that is none."""
        name = environ.get("GITHUB_EVENT_NAME")
        payload = _payload(environ.get("GITHUB_EVENT_PATH"))
        pull = _object(payload, "pull_request") if name in _PULL_REQUEST else {}
        built = _object(payload, _WORKFLOW_RUN) if name == _WORKFLOW_RUN else {}
        return cls(
            repository=environ.get("GITHUB_REPOSITORY") or None,
            token=environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or None,
            api_url=environ.get("GITHUB_API_URL") or _API,
            server_url=environ.get("GITHUB_SERVER_URL") or _SERVER,
            event=name or None,
            pull_request=_number(pull, "number"),
            base_branch=_text(_object(pull, "base"), "ref"),
            commit=_text(_object(pull, "head"), "sha")
            or _text(built, "head_sha")
            or environ.get("GITHUB_SHA")
            or None,
            run=_run(built, environ),
            head_repository=_number(_object(built, "head_repository"), "id"),
            of_fork=bool(pull) and _repository(pull, "head") != _repository(pull, "base"),
            summary=_path(environ, "GITHUB_STEP_SUMMARY"),
            outputs=_path(environ, "GITHUB_OUTPUT"),
        )

    @property
    def run_url(self) -> str | None:
        """The page of the run."""
        if self.repository is None or not self.run.id:
            return None
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run.id}/attempts/{self.run.attempt}"


def _payload(name: str | None) -> Mapping[str, JSON]:
    if not name:
        return {}
    path = Path(name)
    try:
        with reading(path, ConfigError):
            payload = parse_json(decode_utf8(path.read_bytes()))
    except (UnicodeDecodeError, JsonProblem) as problem:
        raise ConfigError(f"is no payload of an event: {problem}", where=name) from None
    return payload if isinstance(payload, dict) else {}


def _run(built: Mapping[str, JSON], environ: Mapping[str, str]) -> WorkflowRun:
    """The run that made the result: of a `workflow_run` the one that it follows."""
    number, attempt = _number(built, "id"), _number(built, "run_attempt")
    if number is not None:
        return WorkflowRun(number, attempt or 1)
    number, attempt = (_digits(environ.get(name)) for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"))
    return WorkflowRun(number or 0, attempt or 1)


def _object(value: Mapping[str, JSON], key: str) -> Mapping[str, JSON]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _repository(pull: Mapping[str, JSON], side: str) -> int | None:
    return _number(_object(_object(pull, side), "repo"), "id")


def _number(value: Mapping[str, JSON], key: str) -> int | None:
    inner = value.get(key)
    return inner if isinstance(inner, int) and not isinstance(inner, bool) and inner > 0 else None


def _text(value: Mapping[str, JSON], key: str) -> str | None:
    inner = value.get(key)
    return inner if isinstance(inner, str) and inner else None


def _digits(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    return Path(environ[name]) if environ.get(name) else None
