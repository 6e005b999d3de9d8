"""A repository with an origin, and pull requests to it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.action.events import Event, pull_request, push, workflow_run
from tests.action.local_runner import LocalRunner
from tests.action.stand_ins import Services
from tests.cli.project import Project
from tests.git.repository import Repository


@dataclass(frozen=True)
class Origin:
    bare: Path
    author: Project
    """The working copy of who makes the changes."""
    services: Services

    @classmethod
    def of(cls, project: Project, folder: Path, services: Services) -> Origin:
        author = Repository(project.folder)
        author.git("init", "--quiet", "--initial-branch=main")
        author.commit()
        bare = folder / "origin.git"
        author.git("clone", "--quiet", "--bare", ".", str(bare))
        author.git("remote", "add", "origin", str(bare))
        author.git("push", "--quiet", "-u", "origin", "main")
        services.folder.mkdir()
        return cls(bare, project, services)

    @property
    def cold(self) -> Origin:
        """The same, in whose jobs `scoregate` is started as it is for users."""
        return replace(self, services=self.services.cold())

    @property
    def head(self) -> str:
        """The commit that the working copy is at."""
        return Repository(self.author.folder).git("rev-parse", "HEAD")

    def pushed(self, **of_job: str) -> LocalRunner:
        """The job of a push to main of what is in the working copy."""
        commit = Repository(self.author.folder).commit()
        Repository(self.author.folder).git("push", "--quiet", "origin", "HEAD:main")
        return self._job(push(commit), commit, of_job)

    def pull_request(self, **of_job: str) -> LocalRunner:
        """The job of a pull request of what is in the working copy: its merge with main is checked out."""
        author = Repository(self.author.folder)
        author.git("switch", "--quiet", "--create", "change")
        head = author.commit()
        author.git("switch", "--quiet", "--detach", "main")
        author.git("merge", "--quiet", "--no-ff", "-m", "a merge", head)
        merge = author.git("rev-parse", "HEAD")
        author.git("push", "--quiet", "origin", "HEAD:refs/pull/7/merge", "change")
        author.git("switch", "--quiet", "change")
        return self._job(pull_request(head, merge=merge), merge, of_job)

    def as_fork(self, job: LocalRunner) -> LocalRunner:
        """The same job, of a pull request from someone else's repository, with a token that may write nothing."""
        event = pull_request(_head(job), merge=job.event.ref["GITHUB_SHA"], fork=True)
        return replace(job, event=event, services=replace(self.services, token="ghs_of_nobody"))

    def afterwards(self, job: LocalRunner) -> LocalRunner:
        """The job of a workflow that follows the one of a pull request, where nothing is checked out."""
        empty = self.services.folder / "poster"
        empty.mkdir()
        return LocalRunner(empty, self.services, workflow_run(_head(job)))

    def _job(self, event: Event, commit: str, environment: dict[str, str]) -> LocalRunner:
        """On the one runner that there is, always in the same folder, as on those that GitHub hosts."""
        workspace = self.services.folder / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir()
        checkout = Repository(workspace)
        checkout.git("clone", "--quiet", str(self.bare), ".")
        checkout.git("fetch", "--quiet", "origin", "+refs/*:refs/remotes/everything/*")
        checkout.git("checkout", "--quiet", "--detach", commit)
        return LocalRunner(workspace, self.services, event, environment)


def _head(job: LocalRunner) -> str:
    """The commit that the pull request proposes."""
    payload: Any = job.event.payload
    head: str = payload["pull_request"]["head"]["sha"]
    return head
