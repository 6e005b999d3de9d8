"""The one way from results to a verdict: compared, held against the anchor, and believed as far as its judges are.

Whoever has results to decide comes through here: `run`, `check`, `enforce`, and two versions side by side. (What has
no judges to believe and no script, such as `scoregate.compare` and `baseline accept`, asks `gates.compare` itself.)

Two runs that cannot be compared are invalid (`gates.comparability`: other items, other scorers, a part of the dataset
as the baseline, a score that the baseline lacks), and so is a run without a baseline. Else the rules of one look say
something (`gates.look`: guards, then scores and slices, each by `gates.rules`), and the worst of them counts, in the
order regression, invalid, inconclusive, pass. It can be overruled, in this order:

1. too many missing cells make it invalid, also a regression; a part of the dataset never passes;
2. side by side: a version beside itself compares nothing, and never passes;
3. a drop that is proved against the anchor is a regression, also where the baseline cannot be compared; an anchor
   that cannot be compared is invalid, but for a regression (`gates.anchors`);
4. from stored results: what a scorer says otherwise of answers that are the same is invalid; a drop that is proved
   without those answers stays one (`gates.same_answers`);
5. rules of judges that are not calibrated, or proved to be kinder to one version, are invalid; a drop in spite of a
   judge that favours the candidate stays one, and so do those of other scores (`judge_trust.trust`);
6. the candidate's own script may say regression, or invalid where nothing is proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scoregate.errors import ScoregateError
from scoregate.gates.acceptance import objections
from scoregate.gates.anchors import with_anchor
from scoregate.gates.compare import beside_itself, check_decidable, compare_with_both, nothing_to_compare
from scoregate.gates.dead_rules import dead_rules
from scoregate.gates.levels import main_share
from scoregate.gates.provenance import command_to_score_alike
from scoregate.gates.same_answers import with_same_answers
from scoregate.sources import with_expected_items
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from pathlib import Path

    from scoregate.gate_file import Gate
    from scoregate.gate_run.session import SideBySide
    from scoregate.records import Run, RunHeader, ScoreValue, Verdict
    from scoregate.runner.candidates.script import ScriptEnd
    from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and what to do about it."""

    verdict: Verdict
    hints: tuple[str, ...] = ()
    """A command each, to be shown on a line of its own."""


def decide(
    gate: Gate,
    baseline: Run | None,
    candidate: Run,
    anchor: Run | None = None,
    *,
    seed: int = 0,
    store: Store | None = None,
    script: ScriptEnd | None = None,
    why_no_baseline: str = "",
) -> Decision:
    """Decide from results that are there.

    `gate` is the gate as it was read, `baseline` None where there is none yet, which `why_no_baseline` explains.
    Items that the candidate was to cover and does not hold are looked up in `store` and in the gate's dataset. `script`
    is the word of the candidate's own script, of which a stored run keeps what it had against it.

    The same arguments give the same verdict. Raises ConfigError for rules, labels or calibrations that cannot be used,
    and ResultsError for runs that cannot be read.
    """
    check_labels(gate)
    if baseline is None:
        verdict = nothing_to_compare(candidate, gate, why_no_baseline, seed=seed)
    else:
        expected = with_expected_items(candidate, gate, store)
        margins = _with_true_margins(gate, candidate.header)
        verdict = compare_with_both(margins, baseline, expected, anchor, seed=seed)

        def again(other: Run) -> Verdict:
            return compare_with_both(
                margins, baseline, with_expected_items(other, gate, store), anchor, seed=seed
            )

        verdict = with_same_answers(gate, verdict, baseline, candidate, again)
    return _believed(gate, verdict, baseline, candidate, script)


def decide_beside(
    gate: Gate, session: SideBySide, anchor: Run | None = None, *, seed: int = 0, itself: str | None = None
) -> Decision:
    """Decide from two versions that are run beside each other, round by round, until the data decide.

    `itself` names the one version that both are, where that is so.

    The session is finished then. Raises as `decide`, and RunInterrupted and StoreWriteError where a round was not
    completed, after which it can be gone on with.
    """
    from scoregate.gates.rounds import decide_in_rounds

    check_labels(gate)
    margins = _with_true_margins(gate, session.candidate_run.header)
    verdict = decide_in_rounds(main_share(margins), session, seed=seed)
    if itself is not None:
        verdict = beside_itself(verdict, itself)
    baseline, candidate = session.finish()
    if anchor is not None:
        # The number of later trials depends on what was seen, that of the first round does not.
        assert session.first_round is not None
        verdict = with_anchor(margins, verdict, anchor, session.first_round, seed=seed)
    return _believed(gate, verdict, baseline, candidate)


def _believed(
    gate: Gate, verdict: Verdict, baseline: Run | None, candidate: Run, script: ScriptEnd | None = None
) -> Decision:
    """The verdict without what uncalibrated or biased judges say, and with the word of the candidate's script."""
    commands: tuple[str, ...] = ()
    if gate.has_judges:
        from scoregate.judge_trust.trust import judge_trust

        trust = judge_trust(gate, baseline, candidate)
        verdict, commands = trust.applied(verdict), trust.commands
    if gate.policy_changes:
        verdict = replace(verdict, policy_changes=gate.policy_changes)
    script = script or _as_kept(candidate)
    if script is not None:
        verdict = _with_script(verdict, script)
    return Decision(verdict, (*commands, *to_compare_at_all(gate, verdict, baseline, candidate)))


def check_labels(gate: Gate) -> None:
    """Refuse human labels that a rule names and that cannot be read. Raises as `read_all_labels`."""
    if gate.has_judges:
        from scoregate.judge_trust.judged_answers import refuse_unreadable_labels

        refuse_unreadable_labels(gate)


def _with_true_margins(gate: Gate, candidate: RunHeader) -> Gate:
    """The gate with its margins of the truth as margins of the judges' scores."""
    if not gate.has_judges:
        return gate
    from scoregate.judge_trust.calibrations import with_true_margins

    return with_true_margins(gate, candidate)


def _with_script(verdict: Verdict, end: ScriptEnd) -> Verdict:
    """The verdict with the script's word: its regression is one, and a script that failed makes no valid comparison.

    What the gate itself has found stands beside it: a regression that is proved stays one.
    """
    outcome, reason = verdict.outcome, verdict.reason
    if end.outcome is not None:
        if outcome != "regression":
            outcome = end.outcome
        reason = f"{end.reason}; the gate's own comparison is {verdict.outcome}: {reason}"
    evaluated = [f"the script's run evaluation {one.name}: {_shown(one.value)}" for one in end.evaluations]
    notes = (*verdict.notes, *evaluated, *end.notes)
    return replace(verdict, outcome=outcome, reason=reason, notes=notes)


def _shown(value: ScoreValue) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value!s:.60}"


def _as_kept(candidate: Run) -> ScriptEnd | None:
    """What the run keeps of the word of its script; None where that had nothing against it."""
    said = candidate.header.facts.script
    if said is None:
        return None
    from scoregate.runner.candidates.script import ScriptEnd

    return ScriptEnd(said.outcome, said.reason)


def to_compare_at_all(gate: Gate, verdict: Verdict, baseline: Run | None, candidate: Run) -> tuple[str, ...]:
    """The command after which the two can be compared, where different scorers made the verdict invalid."""
    if baseline is None or verdict.outcome != "invalid":
        return ()
    return tuple(filter(None, [command_to_score_alike(gate, baseline.header, candidate.header)]))


def how_to_accept(gate: Gate, gate_path: Path, candidate: Run) -> list[str]:
    """What stands between a run and the first baseline: nothing but the command, or what to mend."""
    from scoregate.baselines.langfuse_acceptance import other_branch

    try:
        check_decidable(gate, candidate)
    except ScoregateError as error:
        return [f"mend the gate before a run is accepted: {error}"]
    against = [*objections(candidate, gate), *filter(None, [other_branch(gate, candidate)])]
    if against:
        return [f"this run is no baseline yet: {'; '.join(against)}"]
    dead = dead_rules(gate, candidate)
    return [
        *(
            f"{clause}, so that its rule would guard nothing: mend it first, or name it in --why"
            for clause in dead.values()
        ),
        proposed_command("baseline", "accept", gate_path, candidate.id, why=True),
    ]
