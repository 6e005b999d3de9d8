"""`scoregate check` of several gates: each decided from results of its own that exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from scoregate.cli.many import Gathered, gates_of, outputs_of_all, refused
from scoregate.cli.printing import say
from scoregate.cli.terminal import report_of, show
from scoregate.errors import ConfigError, ScoregateError
from scoregate.files.reading import shown_path
from scoregate.gate_file.source import LangfuseExperiment, named_source
from scoregate.gate_run.check import check_gate
from scoregate.gate_run.newest import NEWEST, results_of


def check_many(
    named: Sequence[Path],
    candidate: str,
    baseline: str | None,
    *,
    on_inconclusive: Literal["warn", "fail"] | None,
    seed: int,
    outputs: tuple[str, ...],
    as_json: bool,
    store_path: Path | None,
) -> int:
    """Decide the gates that these files and folders mean, and return the worst exit code."""
    _refuse_one_result(candidate, baseline)
    wanted = outputs_of_all(outputs)
    gates, found = gates_of(named), Gathered()
    names = Counter(gate.stem for gate in gates)
    for number, gate in enumerate(gates, 1):
        say(f"gate {number} of {len(gates)}: {shown_path(gate)}")
        try:
            if candidate != NEWEST and names[gate.stem] > 1:
                raise ConfigError(
                    f"{candidate} has one results file for {names[gate.stem]} gates of this name",
                    where=shown_path(gate),
                    hint="check each of them alone",
                )
            decided = check_gate(
                gate,
                results_of(gate, candidate, store_path),
                baseline,
                on_inconclusive=on_inconclusive,
                seed=seed,
                store_path=store_path,
            )
            asked = {"on_inconclusive": on_inconclusive, "seed": seed}
            report = report_of(decided, evidence=True, asked=asked)
        except ScoregateError as error:
            say(str(error))
            found.add(refused(gate, error))
            continue
        if not as_json:
            show(report, as_json=False)
        found.add(report)
    return found.present(wanted, gates, as_json=as_json)


def _refuse_one_result(candidate: str, baseline: str | None) -> None:
    if candidate != NEWEST and not Path(candidate).is_dir():
        raise ConfigError(
            f"--candidate {candidate} means one gate's results, and several are named",
            hint=f"of several it takes {NEWEST}, or a folder with a results file NAME.jsonl for each gate NAME",
        )
    source = None if baseline is None else named_source(baseline, "--baseline")
    if source is not None and not (isinstance(source, LangfuseExperiment) and source.branch is not None):
        raise ConfigError(
            f"--baseline {baseline} means one gate, and several are named",
            hint="leave it out, or name one gate",
        )
