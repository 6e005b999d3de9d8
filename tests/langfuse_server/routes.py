"""Which handler answers which path, and the checks before it: method, authorization."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from tests.langfuse_server import configs, datasets, experiments, ingestion, observations, scores, traces
from tests.langfuse_server.answers import Answer, Refused, refused
from tests.langfuse_server.request import Request
from tests.langfuse_server.state import State

Handler = Callable[[State, Request], Answer]

PREFIX = ("api", "public")
OPEN = frozenset({"health", "ready"})
HTML = "<!DOCTYPE html><html><body>404: This page could not be found.</body></html>"
NOT_IN_THIS_MODE = (
    "This endpoint is not available on deployments running in Langfuse v4 events_only mode. "
    "Learn more about Langfuse v4 at: https://langfuse.com/docs/v4"
)


def _health(state: State, request: Request) -> Answer:
    return Answer(200, {"status": "OK", "version": state.behaviour.version})


def _projects(state: State, request: Request) -> Answer:
    organization = {"id": "lf-org", "name": "lf-org"}
    project = {"id": state.project, "name": state.project, "organization": organization, "metadata": {}}
    return Answer(200, {"data": [project]})


def _gone(state: State, request: Request) -> Answer:
    """The reads of older servers; in dual mode they exist, but an experiment of SDK 5 is not among their runs."""
    raise refused(404, NOT_IN_THIS_MODE)


# By path, with {} for a variable segment; each with its methods.
ROUTES: dict[tuple[str, ...], dict[str, Handler]] = {
    ("health",): {"GET": _health},
    ("ready",): {"GET": _health},
    ("projects",): {"GET": _projects},
    ("v2", "datasets"): {"GET": datasets.list_datasets, "POST": datasets.create_dataset},
    ("v2", "datasets", "{}"): {"GET": datasets.get_dataset},
    ("datasets", "{}"): {"GET": datasets.get_dataset_with_items},
    ("dataset-items",): {"GET": datasets.list_items, "POST": datasets.create_item},
    ("dataset-items", "{}"): {"GET": datasets.get_item, "DELETE": datasets.delete_item},
    ("dataset-run-items",): {"POST": datasets.link_run_item, "GET": _gone},
    ("otel", "v1", "traces"): {"POST": traces.export_traces},
    ("experiments",): {"GET": experiments.list_experiments},
    ("experiment-items",): {"GET": experiments.list_items},
    ("scores",): {"POST": scores.create_scores, "GET": _gone},
    ("scores", "{}"): {"DELETE": scores.delete_score},
    ("ingestion",): {"POST": ingestion.ingest},
    ("v3", "scores"): {"GET": scores.list_scores},
    ("score-configs",): {"GET": configs.list_configs, "POST": configs.create_config},
    ("score-configs", "{}"): {"GET": configs.get_config, "PATCH": configs.update_config},
    ("v2", "observations"): {"GET": observations.list_observations},
    ("traces",): {"GET": _gone},
    ("traces", "{}"): {"GET": _gone},
    ("observations",): {"GET": _gone},
    ("v2", "scores"): {"GET": _gone},
    ("v2", "scores", "{}"): {"GET": _gone},
    ("datasets", "{}", "runs"): {"GET": _gone},
    ("datasets", "{}", "runs", "{}"): {"GET": _gone},
    ("sessions", "{}"): {"GET": _gone},
    ("metrics",): {"GET": _gone},
}


def answer(
    state: State,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    *,
    keys: tuple[str, str],
    reject_every: int = 0,
) -> Answer:
    """The answer to a request, after its write was applied. `keys` are the public and the secret key."""
    path, _, query = target.partition("?")
    segments = tuple(unquote(segment) for segment in path.strip("/").split("/"))
    try:
        handler, names = _route(method, segments)
        if segments[-1] not in OPEN:
            _authorize(headers.get("authorization"), keys)
        request = Request(
            method=method,
            path=path,
            names=names,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            reject_every=reject_every,
        )
        with state.lock:
            state.settle()
            return handler(state, request)
    except Refused as error:
        return error.answer


def _route(method: str, segments: tuple[str, ...]) -> tuple[Handler, tuple[str, ...]]:
    rest = segments[len(PREFIX) :]
    for pattern, handlers in ROUTES.items() if segments[: len(PREFIX)] == PREFIX else ():
        if len(pattern) == len(rest) and all(p in ("{}", s) for p, s in zip(pattern, rest, strict=True)):
            names = tuple(s for p, s in zip(pattern, rest, strict=True) if p == "{}")
            if method not in handlers:
                error = None if pattern == ("projects",) else "MethodNotAllowedError"
                raise refused(405, "Method not allowed", error)
            return handlers[method], names
    raise Refused(Answer(404, text=HTML, content_type="text/html; charset=utf-8"))


def _authorize(header: str | None, keys: tuple[str, str]) -> None:
    if header is None:
        raise refused(401, "No authorization header")
    pair = base64.b64encode(":".join(keys).encode()).decode()
    if header == f"Basic {pair}":
        return
    if header == f"Bearer {keys[0]}":
        raise refused(403, "Invalid API key. Are you using an organization key?")
    raise refused(401, "Invalid credentials. Confirm that you've configured the correct host.")
