"""`scoregate score`: write one score to Langfuse, at the moment after an answer was given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from scoregate.cli.printing import print_text, say

if TYPE_CHECKING:
    from scoregate.catalog import Contract
    from scoregate.langfuse.score_body import ScoreParent
    from scoregate.langfuse.score_writer import ScoreWriter, WrittenScore
    from scoregate.records import ScoreValue

_NEGATIVE = re.compile(r"-\.?\d\S*")

_environment_option = click.option(
    "--environment",
    help="The score's environment, instead of LANGFUSE_TRACING_ENVIRONMENT; without both, that of what it is about.",
)
_trace_option = click.option("--trace-id", required=True, help="The trace of the answer.")


@click.group()
def score() -> None:
    """Write one score to Langfuse: on a trace, an observation, a session, a run item or a run.

    Writing one again replaces it. It prints what the server accepted; exit code 2 where it refuses, with its reason, 5
    where it cannot be reached.
    """


@score.command()
@_trace_option
@click.option("--interaction-id", required=True, help="The answer in the product's own ids.")
@click.option(
    "--value", required=True, type=click.Choice(["positive", "negative"]), help="What the user said of it."
)
@click.option("--feedback-type", default="user", show_default=True, help="How it was given, such as thumbs.")
@click.option(
    "--agent-version", default="unknown", show_default=True, help="The version of the agent that answered."
)
@_environment_option
def feedback(
    trace_id: str,
    interaction_id: str,
    value: str,
    feedback_type: str,
    agent_version: str,
    environment: str | None,
) -> None:
    """What a user said of an answer: user_feedback on its trace, one an interaction."""
    from typing import cast

    from scoregate.langfuse.feedback import FeedbackEvent, FeedbackValue

    event = FeedbackEvent(
        interaction_id=interaction_id,
        value=cast(FeedbackValue, value),  # click.Choice took nothing else
        feedback_type=feedback_type,
        agent_version=agent_version,
    )
    _write(environment, lambda writer: writer.feedback(event, trace_id=trace_id.strip()))


@score.command()
@_trace_option
@click.option("--correct", is_flag=True, help="The answer is right.")
@click.option("--incorrect", is_flag=True, help="It is not.")
@_environment_option
def correctness(trace_id: str, correct: bool, incorrect: bool, environment: str | None) -> None:
    """Whether an answer is right: answer_correctness on its trace."""
    if correct == incorrect:
        raise click.UsageError("give --correct or --incorrect" + (", and not both" if correct else ""))
    _write(environment, lambda writer: writer.correctness(trace_id=trace_id.strip(), correct=correct))


@score.command()
@_trace_option
@click.option(
    "--used-unauthorized-document", is_flag=True, help="The answer broke the policy: fail, else pass."
)
@_environment_option
def policy(trace_id: str, used_unauthorized_document: bool, environment: str | None) -> None:
    """Whether an answer used only what its user may read: policy_compliance on its trace."""
    _write(
        environment,
        lambda writer: writer.policy(
            trace_id=trace_id.strip(), used_unauthorized_document=used_unauthorized_document
        ),
    )


@score.command()
@click.option("--session-id", required=True, help="The conversation.")
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["resolved", "escalated", "abandoned", "unknown"]),
    help="By the product alone, with a person's help, without an end, or not known.",
)
@_environment_option
def session(session_id: str, outcome: str, environment: str | None) -> None:
    """How a conversation ended: session_resolution on its session."""
    from typing import cast

    from scoregate.langfuse.score_writer import SessionOutcome

    _write(
        environment,
        # click.Choice took nothing else
        lambda writer: writer.session(session_id=session_id.strip(), outcome=cast(SessionOutcome, outcome)),
    )


class _TakesNegative(click.Command):
    """A negative number among the words is an argument and no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Only then, so that a misspelt option is told as one in every other case.
        ctx.ignore_unknown_options = any(map(_NEGATIVE.fullmatch, args))
        return super().parse_args(ctx, args)


@score.command("set", cls=_TakesNegative)
@click.argument("name")
@click.argument("value")
@click.option("--trace-id", help="A trace; with --observation-id the trace that it is in.")
@click.option("--observation-id", help="An observation of that trace.")
@click.option("--session-id", help="A session.")
@click.option("--run", "experiment", metavar="EXPERIMENT", help="A run, by its id or name in Langfuse.")
@click.option("--item", help="A run item of that run, by the id of its dataset item.")
@click.option("--comment", help="Goes beside the rubric's version.")
@click.option("--metadata", "pairs", metavar="KEY=VALUE", multiple=True, help="May be repeated.")
@_environment_option
def set_(
    name: str,
    value: str,
    trace_id: str | None,
    observation_id: str | None,
    session_id: str | None,
    experiment: str | None,
    item: str | None,
    comment: str | None,
    pairs: tuple[str, ...],
    environment: str | None,
) -> None:
    """Write the score NAME of the catalog, with VALUE, at the parent that its contract names.

    \b
      scoregate score set groundedness 0.8 --trace-id T --observation-id O
      scoregate score set answer_correctness true --run EXPERIMENT --item ITEM
    """
    parent = _parent(trace_id, observation_id, session_id, experiment, item)
    metadata = _metadata(pairs)

    def write(writer: ScoreWriter) -> WrittenScore:
        parsed = _value(value, writer.contract(name))
        return writer.set(name, parsed, parent(writer), comment=comment, metadata=metadata)

    _write(environment, write)


def _write(environment: str | None, write: Callable[[ScoreWriter], WrittenScore]) -> None:
    from scoregate.catalog import CATALOG_FILE, Catalog, read_catalog
    from scoregate.langfuse.score_writer import ScoreWriter
    from scoregate.langfuse.settings import require_settings
    from scoregate.sources import find_root

    root = find_root()
    path = root / "gates" / CATALOG_FILE
    catalog = read_catalog(path) if path.is_file() else Catalog()
    with ScoreWriter(require_settings(root, "a score"), catalog, environment, say) as writer:
        written = write(writer)
        print_text(f"accepted by the server: {written}")
        warning = writer.warning(written)
        if warning:
            say(warning)


def _parent(
    trace_id: str | None,
    observation_id: str | None,
    session_id: str | None,
    experiment: str | None,
    item: str | None,
) -> Callable[[ScoreWriter], ScoreParent]:
    """What the options name. A run is looked up by the writer, so that a mistake in the words comes first."""
    from scoregate.langfuse.score_body import ScoreParent

    given = [option for option in (trace_id, session_id, experiment) if option is not None]
    if len(given) != 1:
        raise click.UsageError(
            "give one of --trace-id (with --observation-id for an observation), --session-id and --run (with --item "
            "for a run item)"
        )
    if observation_id is not None and trace_id is None:
        raise click.UsageError("--observation-id goes with --trace-id")
    if item is not None and experiment is None:
        raise click.UsageError("--item goes with --run")
    place = given[0].strip()
    if trace_id is not None:
        parent = (
            ScoreParent.observation(place, observation_id.strip())
            if observation_id
            else ScoreParent.trace(place)
        )
        return lambda _: parent
    if session_id is not None:
        return lambda _: ScoreParent.session(place)
    return lambda writer: writer.run_item(place, item) if item else writer.run(place)


def _metadata(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"--metadata takes KEY=VALUE and not '{pair}'")
        if key.strip() in found:
            raise click.UsageError(f"--metadata gives '{key.strip()}' twice")
        found[key.strip()] = value
    return found


def _value(text: str, contract: Contract) -> ScoreValue:
    """A word of the command line as a value of the contract's type; the contract itself is checked later."""
    if contract.type in ("categorical", "text"):
        return text
    if contract.type == "boolean":
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in known:
            raise click.UsageError(f"{contract.name} is boolean: give true or false and not '{text}'")
        return known[text.lower()]
    try:
        return int(text) if text.lstrip("+-").isdecimal() else float(text)
    except ValueError:
        raise click.UsageError(f"{contract.name} is numeric: '{text}' is no number") from None
