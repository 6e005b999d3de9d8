"""`run`: a gate from its file to its verdict. Nothing here or below prints, asks or exits; a listener hears it all."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from scoregate.gate_run.listener import Listener, Silent
from scoregate.gate_run.request import Request, reviewed

if TYPE_CHECKING:
    from scoregate.gate_file import CandidateSpec, Gate
    from scoregate.gate_run.outcome import Decided, RunOutcome


class RunOptions(TypedDict, total=False):
    """What stands in for the gate's own word: the options of `scoregate run`, under their names there."""

    experiment: str | Path | None
    """Another Python candidate."""
    replay: str | Path | None
    """Recorded outputs as the candidate."""
    candidate: str | Path | None
    """Another version: a Python file, or `git:REF`."""
    version: str | None
    """Label of the candidate."""
    baseline: str | Path | None
    """A results file, the id of a stored run, `langfuse:EXPERIMENT` or `git:REF`."""
    against: str | Path | None
    """A Python file or `git:REF` that is run beside the candidate, as the baseline."""
    rescore_baseline: bool
    on_inconclusive: Literal["warn", "fail"] | None
    seed: int
    trials: int | None
    resume: str | None
    """Id of an unfinished run."""
    only_failed: bool
    item: tuple[str, ...]
    slice: tuple[str, ...]
    """NAME=VALUE each."""
    sample: int | None
    limit: int | None
    shard: str | None
    """K/N: run one of N shares, decide nothing. `outcome.exit_code` is 0 then, whatever the verdict's own is."""
    no_cache: bool
    concurrency: int | None
    timeout: float | None
    """Seconds of one call."""
    max_cost: float | None
    """Dollars."""
    max_calls: int | None
    max_seconds: float | None
    keep_going: bool
    """Make every call, also where the first ones all failed alike."""
    local: bool
    """Keep the run here, whatever Langfuse keys there are."""
    require_delivery: bool
    delivery_seconds: float
    store_path: str | Path | None
    """Another store than the project's `.scoregate/store.sqlite3`."""


def run(gate: str | Path, *, listener: Listener | None = None, **overrides: Unpack[RunOptions]) -> RunOutcome:
    """Run a gate: call the candidate on every item, score, compare with the baseline, decide, deliver.

        outcome = scoregate.run("gates/agent.toml", trials=3)
        outcome.verdict.outcome      # "pass", "regression", "inconclusive" or "invalid"
        outcome.exit_code            # that of `scoregate run`
        outcome.run                  # the run, with its items and scores

    Nothing is printed or asked, and nothing exits: `listener` hears what the command line shows. Every run item is kept
    in the project's store as soon as it is there. The candidate runs in this process, unless the gate isolates it, and
    two gates may run in two threads. Ctrl-C in the main thread ends a run as it ends the command. Where this thread
    runs an event loop, that waits for the whole run: await `run_async` there.

    Raises RunInterrupted where the run did not come to its end, with the command that goes on with it, and otherwise
    the ScoregateError that the command line would tell: with `where`, `hint` and `exit_code`.
    """
    request = _request(gate, overrides)
    heard = listener or Silent()

    def work() -> RunOutcome:
        return run_gate(request, heard, lambda _: None)

    import asyncio

    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return _in_thread(work)
    return work()


async def run_async(
    gate: str | Path, *, listener: Listener | None = None, **overrides: Unpack[RunOptions]
) -> RunOutcome:
    """`run` for a notebook or a server that runs an event loop, which goes on meanwhile.

    The listener is called from another thread. A task that is cancelled ends its run as Ctrl-C does: what is done is
    kept, and the run can be gone on with.
    """
    import asyncio

    from scoregate.errors import ScoregateError
    from scoregate.runner.session import Stop, current_stop

    request, stop = _request(gate, overrides), Stop()

    def work() -> RunOutcome:
        current_stop.set(stop)  # in this thread's own context
        return run_gate(request, listener or Silent(), lambda _: None)

    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.ask()
        with suppress(ScoregateError):
            await running
        raise


def run_gate(request: Request, listener: Listener, decided: Callable[[Decided], None]) -> RunOutcome:
    """What `run` does. `decided` is called with the verdict as soon as it is there, before it is delivered."""
    from scoregate.gate_file import check_trials, read_gate

    gate = reviewed(read_gate(request.gate_path))
    if gate.policy_changes:
        from scoregate.gate_run.policy_changes import known_changes

        for line in known_changes(gate):
            listener.say(f"this change also moves the gate: {line}")

    # Only now, so that a gate that cannot be read is told at once.
    from scoregate.gate_run.assembly import may_be_script, with_experiment

    gate = gate.with_policy(request.on_inconclusive)
    gate = replace(gate, limits=request.applied_to(gate.limits), trials=request.trials or gate.trials)
    check_trials(gate)
    spec = with_experiment(gate, request.experiment_file, replay=request.replay, version=request.version)

    def go() -> RunOutcome:
        return _run_assembled(gate, spec, request, listener, decided)

    if may_be_script(gate, spec):
        from scoregate.runner.users_thread import UsersThread

        return UsersThread().run(go)
    return go()


def _run_assembled(
    gate: Gate,
    spec: CandidateSpec | None,
    request: Request,
    listener: Listener,
    decided: Callable[[Decided], None],
) -> RunOutcome:
    from scoregate.gate_run.alone import run_alone
    from scoregate.gate_run.assembly import assemble
    from scoregate.gate_run.decide import check_labels
    from scoregate.gate_run.deliver import langfuse_of
    from scoregate.own.folder import folder_kept

    with folder_kept(), _importable(gate.root), langfuse_of(request, gate) as langfuse:
        assembly = assemble(gate, spec)
        if request.candidate is not None:
            from scoregate.gate_run.session import with_candidate

            assembly = with_candidate(assembly, request.candidate, label=request.version, say=listener.say)
        assembly = replace(assembly, use_cache=not request.no_cache)
        against = request.beside(gate)
        if gate.wait_for:
            from scoregate.gate_run.wait import check_waiting

            check_waiting(gate, langfuse, beside=against is not None)
        check_labels(gate)
        if request.shard is not None:
            from scoregate.gate_run.shards import check_shard

            check_shard(request, assembly, against)
        if against is None:
            return run_alone(request, assembly, langfuse, listener, decided)
        from scoregate.gate_run.beside import run_beside

        return run_beside(request, assembly, against, langfuse, listener, decided)


_PATHS = ("experiment", "replay", "store_path")
_OF_THE_COMMAND_LINE = ("gate_path", "outputs", "as_json")


def _request(gate: str | Path, overrides: RunOptions) -> Request:
    from scoregate.errors import ConfigError, did_you_mean

    given: dict[str, Any] = dict(overrides)
    known = [field.name for field in fields(Request) if field.name not in _OF_THE_COMMAND_LINE]
    for name in given:
        if name not in known:
            raise ConfigError(f"`run` takes no '{name}'", hint=did_you_mean(name, known))
    for name in _PATHS:
        if given.get(name) is not None:
            given[name] = Path(given[name])
    for name in ("baseline", "candidate", "against"):
        if isinstance(given.get(name), Path):
            given[name] = str(given[name])
    for name in ("item", "slice"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    for name, value in given.items():
        check_option(name, value)
    return Request(gate_path=Path(gate), **given)


_RANGES: dict[str, tuple[type | tuple[type, ...], float, str]] = {
    "trials": (int, 1, "a whole number of at least 1"),
    "concurrency": (int, 1, "a whole number of at least 1"),
    "max_calls": (int, 1, "a whole number of at least 1"),
    "sample": (int, 1, "a whole number of at least 1"),
    "limit": (int, 1, "a whole number of at least 1"),
    "seed": (int, 0, "a whole number of at least 0"),
    "timeout": ((int, float), math.ulp(0.0), "a number above 0"),
    "max_seconds": ((int, float), math.ulp(0.0), "a number above 0"),
    "max_cost": ((int, float), 0.0, "a number of at least 0"),
    "delivery_seconds": ((int, float), 0.0, "a number of at least 0"),
}


def check_option(name: str, value: object) -> None:
    """Raises ConfigError for a value that the command line would refuse."""
    from scoregate.errors import ConfigError

    expected = None
    if name == "on_inconclusive" and value not in (None, "warn", "fail"):
        expected = '"warn" or "fail"'
    elif name == "shard" and value is not None and not isinstance(value, str):
        expected = 'a text, such as "2/8"'
    elif name in _RANGES and value is not None:
        kind, least, words = _RANGES[name]
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not least <= value < math.inf:  # type: ignore[operator]  # it is a number
            expected = words
    if expected is not None:
        raise ConfigError(f"{name} is {expected}, not {value!r:.60}")


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """A project's folder on the import path, for what its candidate imports only while it is called."""
    from scoregate.runner.users_thread import IMPORTING

    entry = str(root)
    with IMPORTING:  # not in the middle of an import of another project's file
        sys.path.insert(0, entry)
    try:
        yield
    finally:
        with IMPORTING, suppress(ValueError):
            sys.path.remove(entry)


def _in_thread(work: Callable[[], RunOutcome]) -> RunOutcome:
    """The result of `work` in a thread of its own, whose event loop is not this one's. Ctrl-C ends it as in `run`."""
    from concurrent.futures import Future

    from scoregate.own.supervisor import Interruptions
    from scoregate.runner.session import Stop, current_stop
    from scoregate.runner.users_thread import settle

    stop = Stop()
    done: Future[RunOutcome] = Future()

    def thread() -> None:
        current_stop.set(stop)
        settle(done, work)

    worker = threading.Thread(target=thread, name="scoregate-run")
    with Interruptions(stop.ask):
        worker.start()
        worker.join()
    return done.result()
