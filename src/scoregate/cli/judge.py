"""`scoregate judge`: look at what a judge is asked and replies, and share its replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scoregate.cli.judge_calibrate import calibrate
from scoregate.cli.judge_pairs import compare
from scoregate.cli.options import gate_argument, json_option, store_option
from scoregate.cli.printing import print_json, print_text, say
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.judge_trust.trying import Tried
    from scoregate.judging.judge import Judge
    from scoregate.records import JSON


@click.group()
def judge() -> None:
    """Try a judge, calibrate it, compare two runs by it, and share its replies."""
    from scoregate.own.supervisor import own_process

    own_process()


@judge.command()
@gate_argument
@click.option("--score", metavar="NAME", help="Which judge, where the gate has several.")
@click.option("--item", "items", multiple=True, metavar="ID", help="Only this item; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="Only so many items.")
@click.option("--run", metavar="RUN", help="Judge the answers of this run, not of the newest one.")
@click.option("--output", metavar="TEXT", help="Judge this text; a JSON object or array is one.")
@click.option("--dry-run", is_flag=True, help="Show what would be asked, and call nothing.")
@click.option("--no-cache", is_flag=True, help="Ask anew, though there is a reply.")
@json_option
@store_option
def test(
    gate_path: Path,
    score: str | None,
    items: tuple[str, ...],
    limit: int,
    run: str | None,
    output: str | None,
    dry_run: bool,
    no_cache: bool,
    as_json: bool,
    store_path: Path | None,
) -> None:
    """Show what the judge of GATE is asked about an answer, and what it replies.

    A reply that is kept already costs nothing; a new one is kept for the next run.
    """
    from scoregate.errors import ConfigError
    from scoregate.gate_file import read_gate
    from scoregate.gate_run.announce import check_replied
    from scoregate.judge_trust.trying import answers_to_try, as_output, judge_of, try_judge
    from scoregate.sources import existing_store

    gate = read_gate(gate_path)
    chosen = judge_of(gate, score)
    store = existing_store(gate.root, store_path)
    given = None if output is None else as_output(output)
    answers = answers_to_try(gate, store, items=items, limit=limit, run=run, output=given)
    tried = try_judge(
        chosen,
        answers,
        store,
        dry=dry_run,
        concurrency=gate.limits.concurrency,
        read=not no_cache,
        cap_usd=gate.limits.max_cost_usd,
    )
    if as_json:
        print_json(json.dumps(_as_json(chosen, tried), ensure_ascii=False))
    else:
        print_text("\n\n".join([_head(chosen), *map(_shown, tried)]))
    if not dry_run:
        say(chosen.usage.line(chosen.name))
        check_replied(chosen)
    lacking = [one.judgement.comment for one in tried if not one.messages and one.judgement is not None]
    if lacking:
        raise ConfigError(f"{len(lacking):,} of {len(tried):,} prompts could not be made: {lacking[0]}")


judge.add_command(calibrate)
judge.add_command(compare)


@judge.group()
def cache() -> None:
    """The replies that are kept in the store, for all runs."""


@cache.command("export")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@store_option
def export_cache(path: Path, store_path: Path | None) -> None:
    """Write all kept replies to FILE (JSON Lines)."""
    from scoregate.judging.exchange import write_replies
    from scoregate.sources import find_root, open_store

    with open_store(find_root(), path=store_path, create=False) as store:
        number = write_replies(store.replies.all(), path)
    print_text(f"{count(number, 'reply', 'replies')} in {path}")


@cache.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@store_option
def import_cache(path: Path, store_path: Path | None) -> None:
    """Keep the replies of FILE, which `export` wrote. What is kept already stays as it is.

    All lines are checked first: with one that no judge could have written, nothing is kept.
    """
    from scoregate.judging.exchange import read_replies
    from scoregate.sources import find_root, open_store

    replies = read_replies(path)
    with open_store(find_root(), path=store_path) as store:
        number = store.replies.add(replies)
    print_text(f"{number:,} of {len(replies):,} replies are new")


@cache.command("forget-invalid")
@store_option
def forget_invalid(store_path: Path | None) -> None:
    """Forget the replies that hold no valid score, so that their judges are asked again. The others stay."""
    from scoregate.sources import find_root, open_store

    with open_store(find_root(), path=store_path, create=False) as store:
        number = store.replies.forget_invalid()
    print_text(f"{number:,} invalid {'reply' if number == 1 else 'replies'} forgotten")


def _head(chosen: Judge) -> str:
    spec = chosen.spec
    votes = f", {spec.votes} votes ({spec.rule})" if spec.votes > 1 else ""
    return f"judge {chosen.name} ({chosen.version}): {spec.model} at {spec.base_url}{votes}"


def _shown(tried: Tried) -> str:
    from scoregate.reports.text import one_line

    lines = [f"item {one_line(tried.answer.item.id)} ({tried.answer.source}, trial {tried.answer.trial})"]
    for message in tried.messages:
        lines += [f"  {message['role']}:", *(f"    {line}" for line in _safe_lines(message["content"]))]
    judgement = tried.judgement
    if judgement is None:
        return "\n".join(lines)
    value = judgement.value if isinstance(judgement.value, str) else json.dumps(judgement.value)
    lines.append(f"  score: {value}" if judgement.status == "ok" else "  error:")
    lines += [f"    {line}" for line in _safe_lines(judgement.comment)]
    if len(judgement.votes) > 1:
        for number, vote in enumerate(judgement.votes, 1):
            said = vote.error or f"{json.dumps(vote.value)} {vote.reasoning}"
            lines.append(f"  vote {number}: {one_line(said)}")
    return "\n".join(lines)


def _safe_lines(text: str) -> list[str]:
    """Other people's text, line by line, whole, with what a terminal would obey written out."""
    from scoregate.reports.text import plain

    piece = 10_000  # `plain` looks at no more than twice that.
    return [
        "".join(plain(line[start : start + piece]) for start in range(0, len(line), piece))
        for line in text.splitlines()
    ]


def _as_json(chosen: Judge, tried: list[Tried]) -> JSON:
    return {
        "judge": chosen.name,
        "version": chosen.version,
        "model": chosen.spec.model,
        "items": [
            {
                "item": one.answer.item.id,
                "trial": one.answer.trial,
                "source": one.answer.source,
                "messages": [dict(message) for message in one.messages],
                "judgement": None
                if one.judgement is None
                else {
                    "value": one.judgement.value,
                    "status": one.judgement.status,
                    "comment": one.judgement.comment,
                    "votes": [
                        {"value": vote.value, "reasoning": vote.reasoning, "error": vote.error}
                        for vote in one.judgement.votes
                    ],
                },
            }
            for one in tried
        ],
    }
