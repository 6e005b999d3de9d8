"""What a person sees of a command: the verdict on stdout; lines, progress, questions and errors on stderr.

Standard output belongs to the result: whatever the user's code prints goes to stderr.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from scoregate.cli.printing import print_json, print_text, say, streams
from scoregate.cli.process import as_usual, collect_rarely
from scoregate.errors import INTERRUPTED, USAGE, ConfigError, ScoregateError
from scoregate.wording import running_dollars, written_out

if TYPE_CHECKING:
    from scoregate.calibration.corrected_value import CorrectedValue
    from scoregate.gate_file import Gate
    from scoregate.gate_file.source import Source
    from scoregate.gate_run.listener import Announcement
    from scoregate.gate_run.outcome import Decided
    from scoregate.records import RoundName, Run
    from scoregate.reports import Report
    from scoregate.reports.build import Build
    from scoregate.runner.plan import RunReport


DEBUG = "SCOREGATE_DEBUG"
"""Environment variable that shows tracebacks; `--debug` sets it."""

_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click 8.2 and later raise for a group without a command; earlier ones print the help and end well."""


_REDRAW_SECONDS = 0.1
_NOTABLE_WAIT_SECONDS = 1.0
_PLAIN_SECONDS = 10.0
"""Between two lines where nothing can be redrawn, such as the log of a CI job."""
_RED, _RESET, _CLEAR_LINE = "\x1b[31m", "\x1b[0m", "\r\x1b[2K"


class Progress:
    """Shows the reports that it is called with. `close` leaves the last one standing.

    On a terminal, unless `CI` is set: a line redrawn at most ten times a second, failures in red unless
    `NO_COLOR` is set. A stream that is closed by its reader ends the showing and not the run.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or streams.err or sys.stderr
        environment = os.environ if environment is None else environment
        self._redraws = (
            self._stream.isatty() and not environment.get("CI") and environment.get("TERM") != "dumb"
        )
        self._colour = self._redraws and not environment.get("NO_COLOR")
        self._clock = clock
        self._interval = _REDRAW_SECONDS if self._redraws else _PLAIN_SECONDS
        self._next = clock() + (0.0 if self._redraws else self._interval)
        self._last: RunReport | None = None
        self._shown: RunReport | None = None

    def __call__(self, report: RunReport) -> None:
        begins_to_wait = _is_waiting(report) and not (self._last and _is_waiting(self._last))
        self._last = report
        if self._clock() >= self._next or begins_to_wait:
            self._next = self._clock() + self._interval
            self._show(report)

    def close(self) -> None:
        if self._last is None:
            return
        # Without redrawing, a short run is silent until the report that follows.
        if self._redraws or (self._shown is not None and self._shown != self._last):
            self._show(self._last)
        if self._redraws:
            self._write("\n")
        self._last = None

    def _show(self, report: RunReport) -> None:
        self._shown = report
        text = progress_text(report)
        if not self._redraws:
            self._write(f"{text}\n")
            return
        from shutil import get_terminal_size

        text = text[: get_terminal_size().columns - 1]
        if self._colour and report.failed:
            failed = _failed_text(report)
            text = text.replace(failed, f"{_RED}{failed}{_RESET}")
        self._write(f"{_CLEAR_LINE}{text}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._next = float("inf")


def progress_text(report: RunReport) -> str:
    """Counts, rate, failures, cost and the time that is left, in one line; while nothing is called, why that is."""
    if _is_waiting(report):
        seconds = math.ceil(report.waiting_seconds)
        return f"waiting {seconds} s: the service asks for it, {report.done:,} of {report.expected:,} done"
    parts = [f"{report.done}/{report.expected}"]
    here = report.done - report.resumed
    rate = here / report.seconds if report.seconds > 0 else 0.0
    if here:
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min")
    if report.failed:
        parts.append(_failed_text(report))
    if report.scores_error:
        parts.append(f"{report.scores_error} scores failed")
    if report.retries:
        parts.append(f"{report.retries} retried")
    if report.cost_usd is not None:
        parts.append(running_dollars(report.cost_usd))
    left = report.expected - report.done
    if left and rate:
        parts.append(f"{_duration(left / rate)} left")
    return "  ".join(parts)


def _is_waiting(report: RunReport) -> bool:
    return report.waiting_seconds >= _NOTABLE_WAIT_SECONDS


def _failed_text(report: RunReport) -> str:
    return f"{report.failed} failed"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def exit_code_of(work: Callable[[], object]) -> int:
    """Do the work and return its exit code; what it raises is shown in one line, below its traceback if asked."""
    try:
        code = work()
        (streams.out or sys.stdout).flush()
    except click.UsageError as error:
        if isinstance(error, _NO_ARGUMENTS):  # its message is the whole help, which is no line
            print_text(error.format_message(), err=True)
            return USAGE
        command = error.ctx.command_path if error.ctx else "scoregate"
        return _failed(f"{error.format_message().rstrip('.')} (see '{command} --help')", USAGE)
    except click.ClickException as error:
        return _failed(error.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _failed("stopped", INTERRUPTED)
    except ScoregateError as error:
        _show_traceback()
        return _failed(str(error), error.exit_code)
    except (BrokenPipeError, SystemExit):
        # Whoever read our output went away, which is theirs to decide; nothing more can be told. Click answers
        # with an exit code of 1, which would read as a regression.
        os.dup2(os.open(os.devnull, os.O_WRONLY), (streams.out or sys.stdout).fileno())
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last line of defence: one line instead of a traceback
        _show_traceback()
        return _failed(internal_error(error), INTERRUPTED)
    return code if isinstance(code, int) else 0


def internal_error(error: Exception) -> str:
    """What is said of an error that nobody expected."""
    text = f"{type(error).__name__}: {error}".split("\n")[0]
    return f"internal error: {text} (this is a bug; --debug shows where)"


def _failed(message: str, code: int) -> int:
    """Print one line on stderr and return the exit code."""
    say(message)
    return code


def _show_traceback() -> None:
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exc(file=streams.err)


def agreed(question: str) -> bool:
    """Whether the person at the keyboard says yes; ConfigError where nobody is there to answer."""
    try:
        return click.confirm(written_out(question))
    except click.Abort:
        print_text()  # the question's line is still open
        raise ConfigError(
            "nobody answered, so nothing was changed", hint="--yes does it without asking"
        ) from None


class Terminal:
    """The `Listener` of the command line."""

    def __init__(self) -> None:
        self._bar = Progress()

    def announce(self, facts: Announcement, /) -> None:
        as_usual()
        self.say(facts.text)
        self._bar = Progress()

    def progress(self, report: RunReport, /) -> None:
        self._bar(report)
        if report.complete:
            collect_rarely()

    def say(self, line: str, /) -> None:
        self.close()
        say(line)

    def ask(self, question: str, /) -> bool:
        self.close()
        return agreed(question)

    def close(self) -> None:
        """Leave what was drawn of the progress standing, so that other lines come below it."""
        self._bar.close()


_WIDTH_WITHOUT_TERMINAL = 120


class Rendering(Protocol):
    """Makes text for a terminal."""

    def __call__(self, *, width: int, colour: bool) -> str: ...


def present(
    found: Decided,
    *,
    outputs: Sequence[tuple[str, Path]],
    as_json: bool,
    stdout: TextIO | None = None,
    decides: bool = True,
    silent: bool = False,
    asked: Mapping[str, object] | None = None,
) -> None:
    """Print the verdict unless `silent`, then write the reports: a file that cannot be written hides nothing.

    `asked` are the options of the command, of which a document keeps those that bear on the verdict.
    """
    from scoregate.errors import PASS
    from scoregate.reports import write_report

    gate, verdict, candidate = found.gate, found.verdict, found.candidate
    report = report_of(found, decides=decides, evidence=bool(as_json or outputs), asked=asked)
    stdout = stdout or sys.stdout
    if not silent:
        show(report, as_json=as_json, stdout=stdout)
    if outputs:
        from scoregate.cli.outputs import RESULTS, write_outputs, write_run

        def write(fmt: str, path: Path) -> None:
            if fmt == RESULTS:
                write_run(candidate, path)
            else:
                write_report(report, fmt, _reachable(path, stdout))

        write_outputs(outputs, write, gate.root, passed=(found.undelivered_code or verdict.exit_code) == PASS)


def report_of(
    found: Decided,
    *,
    decides: bool = True,
    evidence: bool = False,
    asked: Mapping[str, object] | None = None,
) -> Report:
    """What is shown of a verdict; with `evidence` also what only documents show, which a plain run does without."""
    from scoregate.reports import Report
    from scoregate.sources import of_other_project

    gate, verdict, baseline, candidate = found.gate, found.verdict, found.baseline, found.candidate
    contracts = {name: contract for name in gate.rules if (contract := gate.contract(name)) is not None}
    report = Report(
        verdict=verdict,
        items={item.id: item for item in found.items},
        baseline_outputs=_outputs(baseline),
        candidate_outputs=_outputs(candidate),
        contracts=contracts,
        hints=(*found.hints, *filter(None, [of_other_project(gate)])),
        decides=decides,
        undelivered_code=found.undelivered_code,
        anchor=_shown(gate.anchor_source),
        corrected=_corrected(gate, candidate, baseline),
        judge_usage=found.judge_usage,
        last_round=_last_round(gate) if verdict.rounds else "D",
    )
    return _with_evidence(report, found, asked) if evidence else report


def _corrected(gate: Gate, candidate: Run, baseline: Run | None) -> Mapping[str, CorrectedValue | str]:
    if all(rule.labels is None for rule in gate.rules.values()):
        return {}
    from scoregate.judge_trust.corrected_values import corrected_values

    return corrected_values(gate, candidate, baseline)


def show(report: Report | Build, *, as_json: bool, stdout: TextIO | None = None) -> None:
    """Print the report: as its document, or as text for people."""
    from scoregate.reports import Report, render

    stdout = stdout or sys.stdout
    if as_json:
        print_json(render(report, "json"), stream=stdout)
        stdout.flush()
    elif isinstance(report, Report):
        from scoregate.reports.terminal import render_terminal

        show_text(partial(render_terminal, report), stdout)
    else:
        from scoregate.reports.build_terminal import render_build_terminal

        show_text(partial(render_build_terminal, report), stdout)


def show_text(made: Rendering, stdout: TextIO) -> None:
    """Print text of a report's that is made for the width of this stream, with colours where it shows them."""
    colour = _use_colour(stdout)
    text = made(width=terminal_width(stdout), colour=colour)
    print_text(text, stream=stdout, colours=colour)
    stdout.flush()


def _with_evidence(report: Report, found: Decided, asked: Mapping[str, object] | None) -> Report:
    from dataclasses import replace

    from scoregate.reports.policy import Policy
    from scoregate.reports.provenance import Provenance

    return replace(
        report,
        provenance=Provenance.of(found.candidate, found.baseline, found.gate, asked),
        policy=Policy.of(found.gate, report.contracts),
        path=found.gate.place if found.gate.path else None,
    )


def _last_round(gate: Gate) -> RoundName:
    from scoregate.gates.levels import rounds_of

    return rounds_of(gate)[-1]


def _shown(source: Source | None) -> str | None:
    from scoregate.files.reading import shown_path
    from scoregate.gate_file.source import File

    if source is None:
        return None
    return shown_path(source.path) if isinstance(source, File) else str(source)


def _reachable(path: Path, stdout: TextIO) -> Path:
    """`/dev/stdout` as the stream that it was before `run` kept it from the user's code."""
    return Path(f"/dev/fd/{stdout.fileno()}") if path == Path("/dev/stdout") else path


def _outputs(run: Run | None) -> dict[str, object]:
    """Item id -> output of its first trial that has one."""
    found: dict[str, object] = {}
    for item in run.items if run else ():
        if item.has_output:
            found.setdefault(item.item, item.output)
    return found


def terminal_width(stream: TextIO) -> int:
    if not stream.isatty():
        return _WIDTH_WITHOUT_TERMINAL
    try:
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH_WITHOUT_TERMINAL
    except OSError:
        return _WIDTH_WITHOUT_TERMINAL


def _use_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not where NO_COLOR or CI says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and not os.environ.get("CI")
