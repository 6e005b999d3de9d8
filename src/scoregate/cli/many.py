"""Several gates by one command: what is refused of it, and what is told once all have come to their end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoregate.cli.options import parse_outputs
from scoregate.cli.outputs import RESULTS, write_outputs
from scoregate.cli.printing import as_typed, say, streams
from scoregate.cli.terminal import internal_error, show, show_text
from scoregate.errors import INTERRUPTED, PASS, ConfigError, RunInterrupted, ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file import project_root
from scoregate.gate_file.named import named_gates, not_named
from scoregate.own.folder import here
from scoregate.reports.build import Build, Refused
from scoregate.reports.document import from_document
from scoregate.wording import count, plural

if TYPE_CHECKING:
    from scoregate.reports.build import LeftOut
    from scoregate.reports.report import Report


@dataclass(slots=True)
class Part:
    """One gate of several: where its own process leaves what came of it, and whether the command is to go on."""

    folder: Path
    """A folder of this gate's alone."""
    silent: bool
    """Nothing is printed on stdout but the document of all."""
    stopped: bool = False

    @property
    def outputs(self) -> list[tuple[str, Path]]:
        """The reports that it writes."""
        return [("json", self._document)]

    @property
    def _document(self) -> Path:
        return self.folder / "verdict.json"

    @property
    def _error(self) -> Path:
        return self.folder / "error.json"

    def stop(self) -> None:
        """The person at the keyboard, or the CI, asked the command to end."""
        self.stopped = True

    def noting(self, work: Callable[[], int]) -> int:
        """The exit code of the work, which is to tell why where there is none."""
        try:
            return work()
        except ScoregateError as error:
            self.note(error)
            raise
        except BrokenPipeError:
            raise
        except Exception as error:
            self.note(RunInterrupted(internal_error(error)))
            raise

    def note(self, error: ScoregateError) -> None:
        """Keep why there is no verdict."""
        self._error.write_text(json.dumps(_told(error)), encoding="utf-8")

    def came_to(self, gate: Path, exit_code: int) -> Report | Refused:
        """What the process left that ended so. A verdict counts only where the command ended as that says."""
        if self._error.exists():
            return Refused(gate.stem, shown_path(gate), **json.loads(self._error.read_text(encoding="utf-8")))
        if self._document.exists():
            report = from_document(json.loads(self._document.read_text(encoding="utf-8")))
            if exit_code == (report.undelivered_code or report.verdict.exit_code):
                return report
        message = f"ended with exit code {exit_code} and without a verdict: the log of the command says why"
        return Refused(gate.stem, shown_path(gate), exit_code or INTERRUPTED, message)


def refused(gate: Path, error: ScoregateError) -> Refused:
    """A gate that ended with this error."""
    return Refused(gate.stem, shown_path(gate), **_told(error))


def _told(error: ScoregateError) -> dict[str, Any]:
    """What is kept of an error, with paths as the log has them: whoever reads a report has another folder."""
    words = {name: getattr(error, name) for name in ("message", "where", "hint")}
    return {
        "exit_code": error.exit_code,
        **{name: text if text is None else as_typed(text) for name, text in words.items()},
    }


def gates_of(named: Sequence[Path]) -> tuple[Path, ...]:
    """The gates that these files and folders mean; of gates that one could think they mean it is said that they do not.

    Raises ConfigError where there is none.
    """
    gates, others = named_gates(named), not_named(named)
    if others:
        meant = plural(len(others), "is", "are")
        first = f"such as {shown_path(others[0])}: name {shown_path(others[0].parent)} too"
        say(f"{count(len(others), 'gate')} in folders below {meant} not meant, {first}")
    return gates


def refuse_options(options: Mapping[str, Any], of_one_gate: Iterable[str]) -> None:
    """Raises ConfigError for an option that means one gate, and was given."""
    for name in of_one_gate:
        if options.get(name):
            raise ConfigError(
                f"--{name.replace('_', '-')} means one gate, and several are named",
                hint="name one gate, or leave it out",
            )


def outputs_of_all(outputs: tuple[str, ...]) -> list[tuple[str, Path]]:
    """The reports of all gates that -o asks for. Raises ConfigError, also for the run of one."""
    wanted = parse_outputs(outputs)
    for fmt, path in wanted:
        if fmt == RESULTS:
            raise ConfigError(
                f"'{path.name}' holds one run, and each of several gates has its own",
                where="-o",
                hint="`scoregate runs export` writes a run",
            )
    return wanted


@dataclass(slots=True)
class Gathered:
    """What has come of the gates so far."""

    reports: list[Report] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left_out: Sequence[LeftOut] = ()

    def add(self, found: Report | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.append(found)
        else:
            self.reports.append(found)

    def present(self, outputs: Sequence[tuple[str, Path]], gates: Sequence[Path], *, as_json: bool) -> int:
        """Print the table of all, or the document; write the reports. Returns the exit code."""
        from scoregate.git.version import note_report
        from scoregate.reports import write_report
        from scoregate.reports.build_terminal import render_summary

        first, *others = dict.fromkeys(map(project_root, gates))
        alpha = _shared(first, *others)
        build = Build(tuple(self.reports), tuple(self.left_out), tuple(self.refused), alpha, _folder())
        stdout = streams.out or sys.stdout  # claimed by a gate, where there is no process of its own for it
        if as_json:
            show(build, as_json=True, stdout=stdout)
        else:
            show_text(partial(render_summary, build), stdout)
        write_outputs(outputs, partial(write_report, build), first, passed=build.exit_code == PASS)
        for root in others:
            for _, path in outputs:
                note_report(root, path)
        return build.exit_code


def _folder() -> str | None:
    """The working directory as seen from the top of its repository; None at the top, or where there is none."""
    from scoregate.git.revisions import try_git

    try:
        said = try_git(here(), "rev-parse", "--show-prefix")
    except ScoregateError:
        return None
    return said.stdout.strip().rstrip("/") or None


def _shared(*roots: Path) -> float | None:
    """The level that the gates of these projects share; None where they do not share one."""
    from scoregate.gate_file.project import shared_alpha

    try:
        shared = {shared_alpha(root) for root in roots}
    except ScoregateError:
        return None  # The gates themselves say what is wrong.
    one = shared.pop() if len(shared) == 1 else None
    return None if one is None else one.alpha
