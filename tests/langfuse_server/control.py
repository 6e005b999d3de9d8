"""The control endpoint: a server in an own process is steered and looked into over HTTP, with JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from tests.langfuse_server.answers import Answer, Json
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.state import Behaviour

if TYPE_CHECKING:
    from tests.langfuse_server.server import LangfuseServer

PREFIX = "/__stand_in__/"


def answer(server: LangfuseServer, path: str, body: bytes) -> Answer:
    """Run the command named by the path; see `commands` for what there is."""
    commands = {
        "counts": _counts,
        "scores": _scores,
        "items": _items,
        "received": _received,
        "behaviour": _behaviour,
        "faults": _faults,
        "down": _down,
    }
    command = commands.get(path.removeprefix(PREFIX))
    if command is None:
        return Answer(404, {"message": f"no such command; there are {', '.join(commands)}"})
    return Answer(200, command(server, json.loads(body or b"{}")))


def _counts(server: LangfuseServer, _: dict[str, Json]) -> Json:
    """How much was accepted (each sending counted), how much is kept, which requests and faults there were."""
    state = server.state
    with state.lock:
        scores = state.kept_scores()
        experiments = {name: len(state.kept_items(name)) for name in state.spans.experiments()}
        statuses: dict[str, int] = {}
        for request in state.received:
            statuses[str(request.status)] = statuses.get(str(request.status), 0) + 1
        return {
            "accepted": asdict(state.accepted),
            "spans": len(state.spans),
            "scores": len(scores),
            "dropped_scores": len(state.scores.dropped),
            "items": experiments,
            "dataset_items": len(state.datasets.items(None)),
            "requests": len(state.received),
            "statuses": statuses,
            "faults": dict(server.faults.met),
        }


def _scores(server: LangfuseServer, _: dict[str, Json]) -> Json:
    """Every kept score by id: name, value, parent."""
    return {
        row.id: {"name": row.name, "value": row.value, "parent": asdict(row.parent), "comment": row.comment}
        for row in server.state.kept_scores().values()
    }


def _items(server: LangfuseServer, asked: dict[str, Json]) -> Json:
    """The items of the experiment named by `experiment`: item ids in no order, one for each item span."""
    rows = server.state.kept_items(asked["experiment"]).values()
    return [row.experiment.item_id for row in rows if row.experiment is not None]


def _received(server: LangfuseServer, _: dict[str, Json]) -> Json:
    """Every request: method, path, status."""
    return [[request.method, request.path, request.status] for request in server.received]


def _behaviour(server: LangfuseServer, changes: dict[str, Json]) -> Json:
    """Change fields of `Behaviour`; gives back all of them."""
    known = {field.name for field in fields(Behaviour)}
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown behaviour {name}")
        setattr(server.behaviour, name, value)
    return asdict(server.behaviour)


def _faults(server: LangfuseServer, asked: dict[str, Json]) -> Json:
    """Add a plan: `faults` is a list of `Fault` fields, the rest the arguments of `Faults.plan`. `{}` clears."""
    if not asked:
        server.faults.clear()
    else:
        plan = dict(asked)
        server.faults.plan(*(Fault(**fault) for fault in plan.pop("faults", ())), **plan)
    return dict(server.faults.met)


def _down(server: LangfuseServer, asked: dict[str, Json]) -> Json:
    """Refuse connections for `seconds`, starting when this answer is out."""
    server.down_for(float(asked["seconds"]), delay=0.1)
    return {}
