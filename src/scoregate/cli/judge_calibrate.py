"""`scoregate judge calibrate`: how far a judge agrees with people, and the file that a gate may require."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from scoregate.cli.options import gate_argument, json_option, store_option
from scoregate.cli.printing import print_json, print_text, say
from scoregate.judge_trust.calibrating import labels_left_out


@click.command()
@gate_argument
@click.option(
    "--labels",
    metavar="FILE|langfuse",
    help="Human labels: JSON Lines or CSV with item, label and perhaps output; results that people have scored; or "
    "the annotations of a delivered run in Langfuse.",
)
@click.option("--score", metavar="NAME", help="Which judge, where the gate has several.")
@click.option("--run", metavar="RUN", help="Labels without an output are of this run, not of the newest one.")
@click.option(
    "--tolerance",
    type=float,
    metavar="NUMBER",
    help="Numbers agree that differ by no more than this; else as require_calibration says.",
)
@click.option(
    "--pass-at",
    type=float,
    metavar="NUMBER",
    help="Numbers agree that both pass or both fail here; else as require_calibration says.",
)
@click.option("--no-cache", is_flag=True, help="Ask anew, though there are replies.")
@json_option
@store_option
def calibrate(
    gate_path: Path,
    labels: str | None,
    score: str | None,
    run: str | None,
    tolerance: float | None,
    pass_at: float | None,
    no_cache: bool,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Let the judge of GATE judge answers that people have labelled, and write gates/calibrations/SCORE.json.

    The file holds for this judge alone: after a change of prompt, model, parameters or rubric it is to be made again.
    A gate demands it with require_calibration = { kappa = 0.6, max_age_days = 90 } in the score's table.
    """
    from functools import partial

    from scoregate.calibration.file import calibration_path
    from scoregate.cli.terminal import terminal_width
    from scoregate.files.reading import shown_path
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.announce import announce_replies
    from scoregate.judge_trust.calibrating import (
        calibrate_judge,
        comparison_of,
        labelled_answers,
        labels_source,
    )
    from scoregate.judge_trust.calibrations import unmet_now
    from scoregate.judge_trust.human_labels import one_an_item, read_all_labels
    from scoregate.judge_trust.trying import judge_of
    from scoregate.reports.calibration_text import render_calibration
    from scoregate.sources import open_store
    from scoregate.wording import count

    gate = read_gate(gate_path)
    judge = judge_of(gate, score)
    comparison = comparison_of(gate, judge.spec.contract, tolerance, pass_at)
    source = labels_source(gate, judge.name, labels)
    with open_store(gate.root, path=store_path) as store:
        given, others = one_an_item(read_all_labels(source, judge.spec.contract, gate, store, run))
        answers = labelled_answers(gate, given, store, run)
        for note in (*answers.notes, labels_left_out(others)):
            if note is not None:
                say(note)
        try:
            found = calibrate_judge(
                gate,
                judge,
                answers.found,
                store,
                comparison=comparison,
                read=not no_cache,
                announce=partial(
                    announce_replies, judge, store, count(len(answers.found), "answer"), say=say
                ),
            )
        finally:
            if judge.usage.replies:
                say(judge.usage.line(judge.name))
    file = shown_path(calibration_path(gate.root, judge.name))
    unmet = unmet_now(gate).get(judge.name)
    if as_json:
        document = {"file": file, "version": judge.version, "unmet": unmet, **asdict(found)}
        print_json(json.dumps(document, ensure_ascii=False, allow_nan=False))
    else:
        print_text(render_calibration(found, file=file, width=terminal_width(sys.stdout)))
        print_text(f"\nwritten: {file}, for {judge.version}")
    rule = gate.rules.get(judge.name)
    if unmet is not None:
        say(f"what the gate requires is not met: {unmet}")
    elif rule is not None and rule.require_calibration is not None and not as_json:
        print_text("what the gate requires is met")
