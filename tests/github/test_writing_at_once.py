"""Eight jobs write one comment at once: it is made once, each section stands in the end, and no verdict is lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scoregate.github.body import compose, parse
from scoregate.github.client import Patience
from scoregate.github.job import Job
from scoregate.github.publishing import Faces, Timing, publish, publish_running
from scoregate.github.section import section_of
from scoregate.github.writing import Pace
from tests.github.at_once import GATES, NUMBER, at_once, report, sections, word
from tests.github.workflow import Workflow
from tests.github_server.faults import slow, status
from tests.github_server.server import GitHubServer

LATENCY = 0.02
TIMING = Timing(
    patience=Patience(first_pause=0.05),
    pace=Pace(pause=0.15, jitter=0.1, first=0.3),
)
"""As in earnest, a request takes much less than a pause: ten times as fast."""


def tell(environ: Mapping[str, str], number: int) -> None:
    """One job of the matrix, from its beginning to its verdict."""
    job, told = Job.of(environ), list[str]()
    faces = Faces(check_run=False, annotations=False, summary=False)
    publish_running([GATES[number]], job, told.append, timing=TIMING)
    publish([report(number)], job, told.append, faces=faces, timing=TIMING)
    assert told == []


def test_eight_processes_lose_nothing(tmp_path: Path) -> None:
    with GitHubServer(latency=LATENCY) as github:
        github.repository.open_pull_request(7, "a" * 40)
        workflow = Workflow(github, tmp_path, head="a" * 40, pull_request=7)
        at_once(tell, [(workflow.environ(), number) for number in range(NUMBER)])
        first = sections(github.repository)

        workflow.run, workflow.head = workflow.run + 1, "b" * 40
        at_once(tell, [(workflow.environ(), number) for number in range(NUMBER)])
        second = sections(github.repository)

    wanted = {f"gate-{number}": word(number) for number in range(NUMBER)}
    assert {title: one.word for title, one in first.items()} == wanted
    assert {title: one.word for title, one in second.items()} == wanted
    assert {one.commit for one in second.values()} == {"b" * 40}
    assert {title: one.older[0].word for title, one in second.items()} == wanted


def test_comments_that_others_left_become_the_oldest(workflow: Workflow) -> None:
    """Jobs made them at the same moment, and were ended before they could take theirs away."""
    held = workflow.github.repository
    made = [
        held.create_comment(7, {"body": compose([section_of(report(number), workflow.job)])})["id"]
        for number in (1, 2, 3)
    ]
    publish([report(0)], workflow.job, workflow.told.append, timing=TIMING)
    assert list(held.comments) == made[:1]
    assert set(sections(held)) == {"gate-0", "gate-1", "gate-2", "gate-3"}


def test_a_comment_that_cannot_be_taken_away_is_no_harm(workflow: Workflow) -> None:
    held = workflow.github.repository
    for number in (1, 2):
        held.create_comment(7, {"body": compose([section_of(report(number), workflow.job)])})
    workflow.github.faults.add(status(403), method="DELETE", times=None)
    publish([report(4)], workflow.job, workflow.told.append, timing=TIMING)

    assert workflow.told == []
    oldest = held.comments[min(held.comments)]["body"]
    assert {one.title for one in parse(oldest)} == {"gate-1", "gate-2", "gate-4"}


def test_a_writer_who_loses_writes_again(workflow: Workflow) -> None:
    """Somebody else has read before, and writes after."""
    held = workflow.github.repository
    publish([report(1)], workflow.job, workflow.told.append, timing=TIMING)
    (number,) = held.comments
    stale = held.comments[number]["body"]
    workflow.github.after("PATCH", "comments", lambda: held.update_comment(number, {"body": stale}))

    publish([report(0)], workflow.job, workflow.told.append, timing=TIMING)
    assert len(workflow.github.asked("PATCH", "comments")) == 2
    assert set(sections(held)) == {"gate-0", "gate-1"}


def test_what_is_taken_away_after_it_was_seen_once_is_written_again(workflow: Workflow) -> None:
    held = workflow.github.repository
    publish([report(1)], workflow.job, workflow.told.append, timing=TIMING)
    (number,) = held.comments
    stale = held.comments[number]["body"]

    def overwrite_later() -> None:
        workflow.github.after("GET", "comments", lambda: held.update_comment(number, {"body": stale}))

    workflow.github.after("PATCH", "comments", overwrite_later)
    publish([report(0)], workflow.job, workflow.told.append, timing=TIMING)
    assert set(sections(held)) == {"gate-0", "gate-1"}


def test_who_writes_slowly_takes_nothing_away_for_good(workflow: Workflow) -> None:
    """Another job reads, writes and leaves while the text of this one, which knows nothing of that, is on its way."""
    publish([report(1)], workflow.job, workflow.told.append, timing=TIMING)
    workflow.github.faults.add(slow(2.0), method="PATCH")
    faces = Faces(check_run=False, annotations=False)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(
            publish, [report(2)], workflow.job, workflow.told.append, faces=faces, timing=TIMING
        )
        while not workflow.github.faults.met:
            time.sleep(0.01)
        publish([report(4)], workflow.job, workflow.told.append, faces=faces, timing=TIMING)
        assert not late.done()
        assert set(sections(workflow.github.repository)) == {"gate-1", "gate-4"}
    late.result()
    assert set(sections(workflow.github.repository)) == {"gate-1", "gate-2", "gate-4"}


def test_a_comment_that_is_deleted_meanwhile_is_made_anew(workflow: Workflow) -> None:
    held = workflow.github.repository
    publish([report(1)], workflow.job, workflow.told.append, timing=TIMING)
    (number,) = held.comments
    workflow.github.after("GET", "comments", lambda: held.delete_comment(number))

    publish([report(2)], workflow.job, workflow.told.append, timing=TIMING)
    assert workflow.told == []
    assert number not in held.comments
    assert set(sections(held)) == {"gate-1", "gate-2"}


def test_a_section_of_somebody_else_that_was_seen_is_watched_as_well(workflow: Workflow) -> None:
    held = workflow.github.repository
    publish([report(1)], workflow.job, workflow.told.append, timing=TIMING)
    (number,) = held.comments
    alone = compose([section_of(report(2), workflow.job)])
    workflow.github.after("PATCH", "comments", lambda: held.update_comment(number, {"body": alone}))

    publish([report(2)], workflow.job, workflow.told.append, timing=TIMING)
    assert set(sections(held)) == {"gate-1", "gate-2"}


def test_a_marker_in_the_comment_of_a_stranger_is_none_of_ours(workflow: Workflow) -> None:
    held = workflow.github.repository
    forged = compose([section_of(report(1), workflow.job)])
    stranger = held.say(7, forged)
    quoted = held.say(7, "\n".join(f"> {line}" for line in forged.splitlines()), trusted=True)

    publish([report(2)], workflow.job, workflow.told.append, timing=TIMING)
    assert held.comments[stranger]["body"] == forged
    assert set(held.comments) > {stranger, quoted}
    assert {one.title for one in parse(workflow.comment)} == {"gate-2"}


def test_the_comment_is_found_on_a_later_page(workflow: Workflow) -> None:
    held = workflow.github.repository
    for number in range(101):
        held.say(7, f"comment {number}")
    for number in (1, 2):
        publish([report(number)], workflow.job, workflow.told.append, timing=TIMING)
    assert set(sections(held)) == {"gate-1", "gate-2"}
