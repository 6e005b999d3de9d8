"""What GitHub tells a job of the event that it runs for: the payload, as far as it is read, and its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

REPOSITORY = "acme/support"


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    payload: Mapping[str, object] = field(default_factory=dict)
    ref: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return {"GITHUB_EVENT_NAME": self.name, **self.ref}


def push(commit: str) -> Event:
    ref = {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": commit}
    return Event("push", {"after": commit, "repository": {"id": 1}}, ref)


def pull_request(
    head: str, *, merge: str, branch: str = "change", fork: bool = False, number: int = 7
) -> Event:
    """`merge` is the commit that is checked out: the head merged into the base."""
    of_head = {"id": 2 if fork else 1, "full_name": "someone/shop" if fork else REPOSITORY, "fork": fork}
    payload = {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "head": {"sha": head, "ref": branch, "repo": of_head},
            "base": {"ref": "main", "repo": {"id": 1, "full_name": REPOSITORY}},
        },
        "repository": {"id": 1, "full_name": REPOSITORY},
    }
    ref = {
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": branch,
        "GITHUB_REF": f"refs/pull/{number}/merge",
        "GITHUB_REF_NAME": f"{number}/merge",
        "GITHUB_SHA": merge,
    }
    return Event("pull_request", payload, ref)


def workflow_run(head: str, *, fork: bool = True) -> Event:
    """What a workflow is told that follows the one of a pull request."""
    payload = {
        "action": "completed",
        "workflow_run": {
            "id": 76,
            "run_attempt": 1,
            "event": "pull_request",
            "head_sha": head,
            "head_branch": "change",
            "head_repository": {"id": 2 if fork else 1, "full_name": "someone/shop" if fork else REPOSITORY},
        },
        "repository": {"id": 1, "full_name": REPOSITORY},
    }
    return Event("workflow_run", payload, {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main"})
