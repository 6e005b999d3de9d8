"""What the stand-in holds of one repository: pull requests, their comments, and check runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.github_server import shapes

LONGEST_BODY = 65_536
MOST_ANNOTATIONS = 50
LONGEST_OUTPUT = 65_535


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(status)


@dataclass(slots=True)
class CheckRun:
    """As it was asked for, with all annotations that were ever added."""

    asked: dict[str, Any]
    annotations: list[dict[str, Any]] = field(default_factory=list)


class HeldRepository:
    """Every method is one request, whole or not at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.api = ""
        self.longest = LONGEST_BODY
        """Characters of a comment."""
        self.comments: dict[int, dict[str, Any]] = {}
        """By id, of all pull requests."""
        self.check_runs: dict[int, CheckRun] = {}
        self.pulls: list[dict[str, Any]] = []
        self.bodies: list[str] = []
        """Every body that a comment ever had, in the order in which they were written."""
        self._next = 1000
        self._lock = threading.Lock()

    def open_pull_request(
        self, number: int, head: str, *, of: str | None = None, of_number: int = 1, state: str = "open"
    ) -> None:
        """A pull request with this head commit, `of` another repository where it comes from a fork."""
        pull = shapes.pull_request(
            self.api, self.name, number, head, of=of or self.name, of_number=of_number, state=state
        )
        self.pulls.append(pull)

    def say(self, pull: int, body: str, *, login: str = "mallory", trusted: bool = False) -> int:
        """A comment of somebody else."""
        with self._lock:
            return int(self._add(pull, body, shapes.user(self.api, login, number=9), trusted)["id"])

    def list_comments(self, pull: int, page: int, size: int) -> list[dict[str, Any]]:
        with self._lock:
            self._check_pull(pull)
            mine = [one for one in self.comments.values() if one["issue_url"].endswith(f"/{pull}")]
            return [dict(one) for one in mine[(page - 1) * size : page * size]]

    def create_comment(self, pull: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._check_pull(pull)
            body = _checked_body(asked, self.longest)
            author = shapes.user(self.api, "github-actions[bot]", "Bot", 41898282)
            return self._add(pull, body, author, trusted=True)

    def comment(self, number: int) -> dict[str, Any]:
        with self._lock:
            return dict(self._held(number))

    def update_comment(self, number: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            held = self._held(number)
            held["body"] = _checked_body(asked, self.longest)
            held["updated_at"] = shapes.now()
            self.bodies.append(held["body"])
            return dict(held)

    def delete_comment(self, number: int) -> None:
        with self._lock:
            self._held(number)
            del self.comments[number]

    def pulls_of(self, commit: str) -> list[dict[str, Any]]:
        return [pull for pull in self.pulls if pull["head"]["sha"] == commit]

    def create_check_run(self, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._next += 1
            run = CheckRun(dict(asked))
            self.check_runs[self._next] = run
            return self._changed(self._next, asked)

    def update_check_run(self, number: int, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if number not in self.check_runs:
                raise Refused(404, shapes.problem("Not Found"))
            return self._changed(number, asked)

    def _changed(self, number: int, asked: dict[str, Any]) -> dict[str, Any]:
        run, output = self.check_runs[number], asked.get("output") or {}
        added = output.get("annotations", [])
        long = any(len(output.get(key) or "") > LONGEST_OUTPUT for key in ("summary", "text"))
        if long or len(added) > MOST_ANNOTATIONS:
            raise Refused(422, shapes.invalid("is too long", field="output", resource="CheckRun"))
        run.annotations += added
        run.asked = {**run.asked, **asked}
        return shapes.check_run(self.api, self.name, number, run.asked, len(run.annotations))

    def _add(self, pull: int, body: str, author: dict[str, Any], trusted: bool) -> dict[str, Any]:
        self._next += 1
        made = shapes.comment(self.api, self.name, pull, self._next, body, author, trusted)
        self.comments[self._next] = made
        self.bodies.append(body)
        return dict(made)

    def _held(self, number: int) -> dict[str, Any]:
        if number not in self.comments:
            raise Refused(404, shapes.problem("Not Found"))
        return self.comments[number]

    def _check_pull(self, number: int) -> None:
        if all(pull["number"] != number for pull in self.pulls):
            raise Refused(404, shapes.problem("Not Found"))


def _checked_body(asked: Mapping[str, Any], longest: int) -> str:
    body = asked.get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refused(422, shapes.invalid("body cannot be blank", field="body", resource="IssueComment"))
    if len(body) > longest:
        message = f"body is too long (maximum is {longest} characters)"
        raise Refused(422, shapes.invalid(message, field="body", resource="IssueComment"))
    return body
