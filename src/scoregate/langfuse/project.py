"""The project that the keys belong to, which is also the check that they are any good."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from scoregate.errors import ServiceError
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection


@dataclass(frozen=True, slots=True)
class Project:
    """A project of Langfuse."""

    id: str
    name: str


def project_of(connection: Connection) -> Project:
    """Raises Refused where the keys are wrong, ServiceError where the server does not serve."""
    body = connection.get("/projects")
    found = body.get("data") if isinstance(body, dict) else None
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict) or not first.get("id"):
        raise ServiceError(
            f"{connection.settings.base_url} does not say which project the keys belong to",
            hint="check LANGFUSE_BASE_URL; `scoregate doctor` checks the connection",
        )
    return Project(str(first["id"]), str(first.get("name") or first["id"]))


def experiment_url(base_url: str, project: Project, run: str, baseline: str | None = None) -> str:
    """Where a reader sees the first trial of a run, beside the experiment `baseline` (an id) where there is one."""
    experiment = ids.experiment_id(run, 0)
    shown = (
        f"baseline={experiment}"
        if baseline is None
        else f"baseline={quote(baseline, safe='')}&c={experiment}"
    )
    return f"{base_url}/project/{project.id}/experiments/results?{shown}"
