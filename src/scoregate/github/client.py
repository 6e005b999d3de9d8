"""What of GitHub's REST API is asked for, through PyGithub: its errors as ours, and patience for a busy server.

PyGithub waits out rate limits and tries again what failed in passing; but the text of a comment is sent once, as it may
be another one after a while. A request whose answer was lost may have been made: whoever writes reads back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scoregate.errors import ConfigError, ScoregateError, ServiceError
from scoregate.github.job import Job
from scoregate.hiding import HiddenKeys
from scoregate.reports.text import cut, one_line
from scoregate.retries import seconds_to_wait

if TYPE_CHECKING:
    from github import RateLimitExceededException
    from github.Issue import Issue
    from github.IssueComment import IssueComment
    from github.Repository import Repository

_NO_RIGHTS = (401, 403)
_NOT_THERE = (404, 410)
_TRANSIENT = (429, 500, 502, 503, 504)
_MOST_OF_A_REASON = 300
_TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")
"""Who may change any comment anyway."""


class NotAllowed(ScoregateError):
    """The token may not do this. Nothing is wrong with what was asked."""


class NotThere(ScoregateError):
    """It is not, or no more; a token that may not see it is told the same."""


class Refused(ScoregateError):
    """GitHub does not take what was sent, such as a text that is too long."""


class Busy(ServiceError):
    """Nothing was done, or that is not known; after so many seconds it may be asked again."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds, and how often. A request is tried `retries` times more where it failed in passing."""

    request: int = 15
    retries: int = 4
    first_pause: float = 0.5
    rate_limit: float = 60.0
    """Longest wait for a rate limit; a server that asks for more is not waited for."""


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    body: str
    trusted: bool
    """By a program, or by somebody who may change comments of others: nobody else's is taken for ours."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    number: int
    head: str
    """Commit."""
    head_repository: int | None
    """Id of the repository that it comes from; None where that is gone."""
    base_repository: str
    is_open: bool


class Client:
    """The repository of a job, as its token sees it. Closes as a context manager.

    Every method raises NotAllowed, NotThere, Refused or ServiceError.
    """

    def __init__(self, job: Job, patience: Patience | None = None) -> None:
        """Raises ConfigError where PyGithub is not installed, NotAllowed where there is no token."""
        if job.token is None or job.repository is None:
            raise NotAllowed(
                "there is no token",
                where="GitHub",
                hint="give the step env: GITHUB_TOKEN: ${{ github.token }}",
            )
        patience = patience or Patience()
        self._hidden = HiddenKeys(job.token)
        self._patience = patience
        try:
            from github import Auth, Github, GithubRetry

            from scoregate.github.waiting import BoundedRetry
        except ImportError:
            raise ConfigError(
                "PyGithub is not installed", where="GitHub", hint="pip install 'scoregate[github]'"
            ) from None
        logging.getLogger("github").setLevel(logging.WARNING)  # it prints every pause otherwise

        def opened(retry: GithubRetry | None) -> Github:
            return Github(
                auth=Auth.Token(str(job.token)),
                base_url=job.api_url,
                timeout=patience.request,
                retry=retry,
                per_page=100,
                lazy=True,
                # Whoever writes a comment goes slowly between two tries, and must not be held up within one.
                seconds_between_requests=None,
                seconds_between_writes=None,
            )

        patient = BoundedRetry(
            total=patience.retries,
            backoff_factor=patience.first_pause,
            backoff_jitter=patience.first_pause,
            status_forcelist=list(_TRANSIENT),
            allowed_methods=None,  # any: whatever is made twice is read back
            secondary_rate_wait=patience.rate_limit,
            max_rate_limit_wait=patience.rate_limit,
        )
        self._patient, self._prompt = opened(patient), opened(None)
        self._repository: Repository = self._patient.get_repo(job.repository)
        self._name = job.repository

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._patient.close()
        self._prompt.close()

    def comments(self, pull_request: int) -> list[Comment]:
        """All of them, oldest first."""
        with self._asking():
            return sorted(map(_comment, self._issue(pull_request).get_comments()), key=lambda one: one.id)

    def create_comment(self, pull_request: int, body: str) -> Comment:
        """Made at once or not at all, as the next: raises Busy where it would have to wait."""
        with self._asking():
            return _comment(self._prompt_issue(pull_request).create_comment(body))

    def update_comment(self, pull_request: int, comment: int, body: str) -> None:
        with self._asking():
            self._prompt_issue(pull_request).get_comment(comment).edit(body)

    def delete_comment(self, pull_request: int, comment: int) -> None:
        with self._asking():
            self._issue(pull_request).get_comment(comment).delete()

    def pull_requests_of(self, commit: str) -> list[PullRequest]:
        """Those that GitHub knows the commit from."""
        with self._asking():
            return [
                PullRequest(
                    number=pull.number,
                    head=pull.head.sha,
                    head_repository=_id_of(pull.head.repo),
                    base_repository=pull.base.repo.full_name,
                    is_open=pull.state == "open",
                )
                for pull in self._repository.get_commit(commit).get_pulls()
            ]

    def create_check_run(
        self, name: str, commit: str, conclusion: str, output: Mapping[str, Any], url: str | None
    ) -> int:
        """A check that has ended; gives its id."""
        from github.GithubObject import NotSet

        with self._asking():
            made = self._repository.create_check_run(
                name,
                commit,
                details_url=NotSet if url is None else url,
                status="completed",
                conclusion=conclusion,
                output=dict(output),
            )
            return made.id

    def update_check_run(self, check_run: int, output: Mapping[str, Any]) -> None:
        """Add annotations: those that are there stay."""
        with self._asking():
            self._repository.get_check_run(check_run).edit(output=dict(output))

    def _issue(self, number: int) -> Issue:
        return self._repository.get_issue(number)

    def _prompt_issue(self, number: int) -> Issue:
        return self._prompt.get_repo(self._name).get_issue(number)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what goes wrong into errors of ours, without the token in them."""
        from github import GithubException, RateLimitExceededException
        from requests import RequestException
        from requests.exceptions import RetryError

        try:
            yield
        except RateLimitExceededException as error:
            raise self._busy(error) from None
        except GithubException as error:
            why = self._reason(error)
            if error.status in _NO_RIGHTS:
                raise NotAllowed(f"GitHub does not allow it ({error.status}): {why}") from None
            if error.status in _NOT_THERE:
                raise NotThere(f"GitHub does not find it ({error.status}): {why}") from None
            if error.status in _TRANSIENT:
                raise Busy(f"GitHub fails ({error.status}): {why}", self._patience.first_pause) from None
            raise Refused(f"GitHub refuses ({error.status}): {why}") from None
        except RetryError as error:
            why = str(getattr(error.args[0], "reason", error))
            raise ServiceError(f"GitHub fails, whenever it is asked: {self._shown(why)}") from None
        except RequestException as error:
            why = self._shown(str(error))
            raise Busy(f"GitHub cannot be reached: {why}", self._patience.first_pause) from None

    def _busy(self, error: RateLimitExceededException) -> ServiceError:
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        seconds = seconds_to_wait(headers.get("retry-after")) or self._patience.rate_limit
        message = f"GitHub asks to wait {seconds:.0f} s: {self._reason(error)}"
        return ServiceError(message) if seconds > self._patience.rate_limit else Busy(message, seconds)

    def _reason(self, error: Any) -> str:
        data = error.data if isinstance(error.data, dict) else {}
        details: Sequence[Any] = data.get("errors") or ()
        said = [data.get("message"), *(one.get("message") for one in details if isinstance(one, dict))]
        return self._shown(": ".join(str(text) for text in said if text) or "no reason given")

    def _shown(self, text: str) -> str:
        return cut(one_line(self._hidden.out_of(text)), _MOST_OF_A_REASON)


def _id_of(repository: Repository | None) -> int | None:
    return None if repository is None else repository.id  # it says null where the fork is gone


def _comment(found: IssueComment) -> Comment:
    # An attribute that the list has not would be asked for, comment by comment.
    by_program = found.user is not None and found.user.type == "Bot"
    return Comment(found.id, found.body or "", by_program or found.author_association in _TRUSTED)
