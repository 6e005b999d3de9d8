"""`scoregate run` of several gates: one after the other, each in a process of its own as if it were run alone.

So no gate meets what another one's candidate has made of the process, and one that breaks off stops none. All calls at
once are those of one gate, so that `--concurrency` holds for the whole command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from scoregate.cli.many import Gathered, Part, gates_of, outputs_of_all, refuse_options, refused
from scoregate.cli.printing import say
from scoregate.errors import ConfigError, RunInterrupted, ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file.source import GitRevision, LangfuseExperiment, named_source
from scoregate.gate_run.shared_caps import SharedCaps
from scoregate.own.clock import iso_now
from scoregate.own.supervisor import Interruptions

if TYPE_CHECKING:
    from scoregate.gate_run.request import Request

_OF_ONE_GATE = ("experiment", "replay", "resume", "only_failed", "item", "slice", "shard")


def run_many(
    named: Sequence[Path],
    request: Request,
    run_one: Callable[[Request, Part], int],
    only_changed: str | None = None,
) -> int:
    """Run the gates that these files and folders mean, as the request says, and return the worst exit code.

    `run_one` runs one in a process of its own, and raises a ScoregateError where that breaks off. Gates of which
    nothing has changed since `only_changed` are left out.
    """
    refuse_options(asdict(request), _OF_ONE_GATE)
    _refuse_versions(request)
    outputs = outputs_of_all(request.outputs)
    gates = gates_of(named)
    found, wanted = Gathered(), list(gates)
    if only_changed is not None:
        from scoregate.gate_run import only_changed as changes

        if request.candidate is not None:
            raise ConfigError(
                "--only-changed looks at the files that are here, and --candidate runs another version"
            )
        wanted, found.left_out = changes.only_changed(gates, only_changed, say)
    _run(wanted, request, run_one, found)
    return found.present(outputs, gates, as_json=request.as_json)


def _refuse_versions(request: Request) -> None:
    """A git ref means the same for every gate, and a branch in Langfuse a run of each; a file or a run does not."""
    for option in ("candidate", "against", "baseline"):
        text = getattr(request, option)
        if text is None:
            continue
        source = named_source(text, f"--{option}")
        of_all = isinstance(source, GitRevision) or (
            isinstance(source, LangfuseExperiment) and source.branch is not None
        )
        if not of_all:
            raise ConfigError(
                f"--{option} {text} means one gate, and several are named",
                hint=f"name one gate; of several --{option} takes a git ref, such as git:main",
            )


def _run(
    gates: Sequence[Path], request: Request, run_one: Callable[[Request, Part], int], found: Gathered
) -> None:
    """Run one after the other; once the command is asked to end, the rest is not begun."""
    caps = SharedCaps(request)
    asked: list[bool] = []
    with Interruptions(lambda: asked.append(True)), TemporaryDirectory(prefix="scoregate-") as folder:
        for number, gate in enumerate(gates, 1):
            why = "the command was stopped" if asked else None
            if why is None and (cap := caps.used_up()):
                why = f"{cap} is used up"
            if why is not None:
                found.add(refused(gate, RunInterrupted(f"was not begun: {why}")))
                continue
            say(f"gate {number} of {len(gates)}: {shown_path(gate)}")
            part = Part(Path(folder) / str(number), silent=request.as_json)
            part.folder.mkdir()
            alone = replace(request, gate_path=gate, outputs=(), as_json=False)
            since = iso_now()
            try:
                exit_code = run_one(caps.of_next(alone), part)
            except ScoregateError as error:
                say(str(error))
                part.note(error)
                exit_code = error.exit_code
            caps.take(alone, since)
            found.add(part.came_to(gate, exit_code))
            if part.stopped:
                asked.append(True)
