"""Tell a verdict wherever the token may: summary and annotations need none, the comment and the checks need rights.

What a token may not do is a warning in the log and no failure: the build fails by the verdict, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from scoregate.errors import ConfigError, ScoregateError
from scoregate.github.annotations import annotations_of, split
from scoregate.github.check_run import tell as tell_check
from scoregate.github.client import Client, NotAllowed, Patience
from scoregate.github.job import Job
from scoregate.github.outputs import outputs
from scoregate.github.section import WithoutVerdict, running, section_of, section_without
from scoregate.github.sections import Section
from scoregate.github.summary import bytes_in, summary
from scoregate.github.workflow_commands import append, command, output
from scoregate.github.writing import Pace, write_sections
from scoregate.reports import Report

Tell = Callable[[str], None]
"""Takes one line that the runner is to read: a workflow command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """Where it is told."""

    comment: bool = True
    check_run: bool = True
    annotations: bool = True
    summary: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient requests are, and how the comment is written."""

    patience: Patience = field(default_factory=Patience)
    pace: Pace = field(default_factory=Pace)


def publish_running(
    gates: Sequence[str], job: Job, tell: Tell, *, label: str | None = None, timing: Timing | None = None
) -> None:
    """Say in the comment that these gates, files as seen from the top of the repository, have begun."""
    sections = [running(gate, job, label) for gate in gates]
    _comment(sections, job, tell, timing or Timing())


def publish(
    reports: Sequence[Report],
    job: Job,
    tell: Tell,
    *,
    without: Sequence[WithoutVerdict] = (),
    label: str | None = None,
    faces: Faces | None = None,
    timing: Timing | None = None,
) -> None:
    """Tell these verdicts, and of the gates `without` one that they have none.

    Raises ScoregateError where a file of the runner cannot be written.
    """
    faces, timing = faces or Faces(), timing or Timing()
    sections = _sections(reports, without, job, label)
    found = annotations_of(reports, without)
    shown, further = split(found) if faces.annotations else ([], found)
    for one in shown:
        tell(one.as_command())
    if faces.summary and job.summary is not None:
        append(job.summary, summary(reports, without, sections, bytes_in(job.summary)))
    if job.outputs is not None:
        append(
            job.outputs,
            "".join(output(name, value) for name, value in outputs(reports, without, sections).items()),
        )
    if faces.comment:
        _comment(sections, job, tell, timing)
    if faces.check_run and job.commit is not None:
        with (
            _as_far_as_allowed("check run", "checks: write", job, tell),
            Client(job, timing.patience) as client,
        ):
            for report, section in zip(reports, sections, strict=False):
                of_gate = [one for one in further if one.file == _file(report)]
                tell_check(client, report, section, job, of_gate)


def publish_fork(
    reports: Sequence[Report],
    job: Job,
    tell: Tell,
    *,
    without: Sequence[WithoutVerdict] = (),
    label: str | None = None,
    timing: Timing | None = None,
) -> list[int]:
    """Tell the verdicts of a fork's build in the comments of its pull requests; gives their numbers.

    Which they are is what GitHub says of the commit that was built, and nothing that the fork wrote. Raises
    ConfigError where the event is none that follows another workflow.
    """
    timing = timing or Timing()
    if job.event != "workflow_run" or job.commit is None:
        raise ConfigError("is for a workflow that runs on: workflow_run", where="publish-fork")
    # A link is the one thing in a report that leads somewhere; where a fork's would lead nobody knows.
    reports = [replace(report, links={}) for report in reports]
    told: list[int] = []
    with (
        _as_far_as_allowed("comment", "pull-requests: write", job, tell),
        Client(job, timing.patience) as client,
    ):
        for number in _pull_requests(client, job):
            place = replace(job, pull_request=number)
            sections = _sections(reports, without, place, label)
            write_sections(client, number, sections, pace=timing.pace)
            told.append(number)
        if not told:
            tell(
                command("warning", f"no open pull request has the head {job.commit}", {"title": "scoregate"})
            )
    faces = Faces(comment=False, check_run=False, annotations=False)
    place = replace(job, pull_request=told[0] if told else None)
    publish(reports, place, tell, without=without, label=label, faces=faces, timing=timing)
    return told


def _sections(
    reports: Sequence[Report], without: Sequence[WithoutVerdict], job: Job, label: str | None
) -> list[Section]:
    return [
        *(section_of(report, job, label) for report in reports),
        *(section_without(one, job, label) for one in without),
    ]


def _pull_requests(client: Client, job: Job) -> Iterator[int]:
    """Open ones of this repository whose head is the commit that was built, from the repository that built it."""
    assert job.commit is not None
    for pull in client.pull_requests_of(job.commit):
        of_builder = job.head_repository is not None and pull.head_repository == job.head_repository
        is_here = pull.base_repository.lower() == (job.repository or "").lower()
        if pull.is_open and is_here and of_builder and pull.head == job.commit:
            yield pull.number


def _comment(sections: Sequence[Section], job: Job, tell: Tell, timing: Timing) -> None:
    if job.pull_request is None or not sections:
        return
    with (
        _as_far_as_allowed("comment", "pull-requests: write", job, tell),
        Client(job, timing.patience) as client,
    ):
        write_sections(client, job.pull_request, sections, pace=timing.pace)


def _file(report: Report) -> str | None:
    return report.provenance.gate.path if report.provenance and report.provenance.gate else None


@contextmanager
def _as_far_as_allowed(what: str, right: str, job: Job, tell: Tell) -> Iterator[None]:
    """Turn what GitHub does not do into a warning: the verdict does not depend on it."""
    try:
        yield
    except NotAllowed as error:
        advice = f"the job needs permissions: {right}"
        if job.of_fork:
            advice = (
                "a fork's build never may: a workflow that runs on: workflow_run tells it, by publish-fork"
            )
        message = f"no {what}, as the token may not ({error}); {advice}"
        tell(command("warning", message, {"title": f"scoregate: no {what}"}))
    except ConfigError:
        raise
    except ScoregateError as error:
        tell(command("warning", f"no {what}: {error}", {"title": f"scoregate: no {what}"}))
