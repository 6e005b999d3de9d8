"""`scoregate judge compare`: two runs beside each other, item by item, in both orders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.options import gate_argument, json_option, store_option
from scoregate.cli.printing import print_json, print_text, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scoregate.judging.pairwise import Preference
    from scoregate.records import JSON


@click.command()
@gate_argument
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--score", metavar="NAME", help="Which judge, where the gate has several.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many answers.")
@click.option("--no-cache", is_flag=True, help="Ask anew, though there are replies.")
@json_option
@store_option
def compare(
    gate_path: Path,
    a: str,
    b: str,
    score: str | None,
    limit: int | None,
    no_cache: bool,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Ask the judge of GATE, for every item, whether run A or run B answered better, in both orders.

    The judge's `pairwise` prompt has {{first}} and {{second}}. An answer wins if it does in both orders; replies that
    contradict each other are a tie and count as a flip. This decides no gate.
    """
    from scoregate.baselines.load import load_run
    from scoregate.errors import ServiceError
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.announce import announce_replies, check_replied
    from scoregate.judge_trust.trying import judge_of_pairs, pairs_of, prefer_all
    from scoregate.judging.pairwise import equal_answers
    from scoregate.sources import open_store
    from scoregate.wording import count

    gate = read_gate(gate_path)
    judge = judge_of_pairs(gate, score)
    with open_store(gate.root, path=store_path) as store:
        runs = load_run(a, store, "A"), load_run(b, store, "B")
        pairs = pairs_of(gate, *runs, limit=limit)
        differing = sum(not equal_answers(pair.a, pair.b) for pair in pairs.whole)
        replies = 2 * judge.spec.votes * differing
        announce_replies(judge, store, count(len(pairs.whole), "pair"), replies, say)
        preferences = prefer_all(
            judge,
            pairs.whole,
            store,
            concurrency=gate.limits.concurrency,
            read=not no_cache,
            cap_usd=gate.limits.max_cost_usd,
        )
    if as_json:
        print_json(json.dumps(_as_json(preferences, pairs.left_out), ensure_ascii=False))
    else:
        print_text(_shown(preferences, (runs[0].id, runs[1].id), pairs.left_out))
    say(judge.usage.line(judge.name))
    check_replied(judge)
    failed = [one for one in preferences if one.winner is None]
    if len(failed) == len(preferences):
        raise ServiceError(f"no pair could be compared, the first because: {failed[0].comments[0]}")


def _shown(preferences: Sequence[Preference], runs: tuple[str, str], left_out: Sequence[str]) -> str:
    from scoregate.judging.pairwise import counted_preferences
    from scoregate.reports.text import one_line

    counts = counted_preferences(preferences)
    ties = f"{counts.ties:,} ties ({counts.equal:,} of equal answers, {counts.flips:,} flips)"
    lines = [
        f"A {runs[0]}",
        f"B {runs[1]}",
        f"{len(preferences):,} pairs: A better {counts.a:,}, B better {counts.b:,}, {ties}, {counts.errors:,} errors",
        f"flip rate: {_share(counts.flips, counts.answered)} of the pairs that were answered in both orders",
        f"B wins {_share(counts.b, counts.a + counts.b)} of the decided pairs",
    ]
    if left_out:
        lines.append(f"left out, as not both runs have the output: {len(left_out):,} (first: {left_out[0]})")
    undecided = [one for one in preferences if one.winner is None][:10]
    lines += [one_line(f"- {one.item}: {'; '.join(one.comments)}") for one in undecided]
    return "\n".join(lines)


def _share(hits: int, n: int) -> str:
    """`12.5 % [1.6, 38.3] (n = 16)`, with the exact 95 % interval."""
    from scoregate.statistics.estimate import exact_interval

    if not n:
        return "unknown (n = 0)"
    low, high = exact_interval(hits, n)
    return f"{100 * hits / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}] (n = {n:,})"


def _as_json(preferences: Sequence[Preference], left_out: Sequence[str]) -> JSON:
    from dataclasses import asdict

    from scoregate.judging.pairwise import counted_preferences
    from scoregate.statistics.estimate import exact_interval

    counts = counted_preferences(preferences)
    decided = counts.a + counts.b
    return {
        **asdict(counts),
        "pairs": len(preferences),
        "left_out": len(left_out),
        "flip_rate": counts.flips / counts.answered if counts.answered else None,
        "flip_rate_interval": list(exact_interval(counts.flips, counts.answered)),
        "b_wins": counts.b / decided if decided else None,
        "b_wins_interval": list(exact_interval(counts.b, decided)),
        "items": [
            {
                "item": one.item,
                "trial": one.trial,
                "winner": one.winner,
                "flipped": one.flipped,
                "comments": list(one.comments),
            }
            for one in preferences
        ],
    }
