"""Eight jobs of a matrix that tell of a gate each at the same moment: real processes, of one that has imported all."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from scoregate.github.body import is_ours, parse
from scoregate.github.sections import Section
from scoregate.reports import Report, render
from scoregate.reports.provenance import GateFile
from tests.github.reports import PASS, PROVENANCE, REGRESSION
from tests.github_server.repository import HeldRepository

NUMBER = 8
_SECONDS = 300
GATES = tuple(f"gates/gate-{number}.toml" for number in range(NUMBER))


def report(number: int) -> Report:
    """Every third gate is broken."""
    of = PASS if number % 3 else REGRESSION
    verdict = replace(of.verdict, gate=f"gate-{number}")
    return replace(of, verdict=verdict, provenance=replace(PROVENANCE, gate=GateFile(path=GATES[number])))


def word(number: int) -> str:
    return report(number).verdict.outcome


def write_projects(folder: Path) -> list[Path]:
    """Gate files and result documents; gives the documents."""
    (folder / "gates").mkdir(exist_ok=True)
    for gate in GATES:
        (folder / gate).write_text('[scores.answer_correctness]\ndirection = "higher"\n')
    documents = [folder / f"result-{number}.json" for number in range(NUMBER)]
    for number, document in enumerate(documents):
        document.write_text(render(report(number), "json"))
    return documents


def at_once(work: Callable[..., None], each: Sequence[Sequence[object]]) -> None:
    """Call it with each of these arguments in a process of its own, all at the same moment, and see them end well."""
    context = _context()
    ready = context.Barrier(len(each))
    processes = [context.Process(target=_begin, args=(work, ready.wait, arguments)) for arguments in each]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_SECONDS)
    assert [process.exitcode for process in processes] == [0] * len(each)


def commands(folder: Path, environ: Mapping[str, str], lines: Sequence[Sequence[str]]) -> None:
    """Run `scoregate …` for each line, one after the other, in this process."""
    from scoregate.cli.main import main

    os.chdir(folder)
    os.environ.update(environ)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
    for words in lines:
        try:
            main(list(words))
        except SystemExit as end:
            if end.code:
                raise


def sections(repository: HeldRepository) -> dict[str, Section]:
    """Title -> section of the one comment that there must be."""
    (body,) = (one["body"] for one in repository.comments.values() if is_ours(one["body"]))
    return {section.title: section for section in parse(body)}


def _begin(work: Callable[..., None], wait: Callable[[], int], arguments: Sequence[object]) -> None:
    wait()
    work(*arguments)


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["github", "jsonschema", "scoregate.cli.github", "scoregate.reports.reading", "tests.github.at_once"]
    )
    return context
