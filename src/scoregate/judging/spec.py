"""A `[scorers.NAME]` table with `use = "judge"`, read into what the judge is and how it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from scoregate.catalog import Contract
from scoregate.config.table import Anything, Choice, ConfigTable, Integer, Keys, Number, Table, Text, Texts
from scoregate.gate_file import ScorerSpec
from scoregate.judging.identity import JudgeIdentity
from scoregate.judging.template import PAIR, Template, read_template
from scoregate.records import JSON
from scoregate.scorers.judge import JsonSchema, output_schema

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_DEFAULT_API_KEY = "OPENAI_API_KEY"

VoteRule = Literal["majority", "mean", "median"]
VOTE_RULES: tuple[VoteRule, ...] = ("majority", "mean", "median")

_Fence = Literal["refuse", "allow"]
FENCES: tuple[_Fence, ...] = ("refuse", "allow")

_OURS = frozenset(
    ("model", "messages", "response_format", "stream", "stream_options", "n", "tools", "functions")
)
_URL_HINT = "write it as https://host/v1 or http://host:port/v1"
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.]+(%[A-Za-z0-9._-]+)?")
"""A name (an international one in its xn-- form) or an IPv4 address, or an IPv6 address."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRICE_KEYS: Keys = {"input": Number(at_least=0), "output": Number(at_least=0)}
JUDGE = Table(
    keys={
        "prompt": Text(),
        "model": Text(),
        "base_url": Text(),
        "api_key": Text(pattern=_NAME.pattern),
        "parameters": Table(others=Anything(), never=_OURS),
        "votes": Integer(at_least=1),
        "rule": Choice(VOTE_RULES),
        "after": Texts(),
        "price": Table(keys=_PRICE_KEYS, required=("input", "output")),
        "pairwise": Text(),
        "fence": Choice(FENCES),
    },
    required=("prompt", "model"),
)
"""What may stand beside `use = "judge"`."""


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens."""

    input: float
    output: float

    def of(self, tokens_input: int, tokens_output: int) -> float:
        """Dollars for so many tokens."""
        return (tokens_input * self.input + tokens_output * self.output) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """A judge as its gate describes it."""

    name: str
    """Of the scorer and of the score that it makes."""
    contract: Contract
    template: Template
    model: str
    base_url: str = DEFAULT_BASE_URL
    api_key: str = _DEFAULT_API_KEY
    """Name of the variable that holds the key, in the environment or in the project's `.env`."""
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    votes: int = 1
    rule: VoteRule | None = None
    """None for a single vote."""
    after: tuple[str, ...] = ()
    """Scores that must have passed."""
    price: Price | None = None
    pairwise: Template | None = None
    """Prompt that compares two answers, of the variables `first` and `second`; no part of the score's identity."""
    fence: _Fence = "refuse"
    """allow: a reply may be its one JSON object in a code fence."""
    root: Path = Path()
    """The project's folder, whose `.env` may hold the key."""
    where: str | None = None
    """`file:line` of the table, for messages."""

    @property
    def schema(self) -> JsonSchema:
        """JSON Schema of a reply: reasoning first, then a score that keeps the contract."""
        return output_schema(self.contract)

    @property
    def identity(self) -> JudgeIdentity:
        return JudgeIdentity(
            prompt=self.template.text,
            model=self.model,
            parameters=self.parameters,
            base_url=self.base_url,
            schema=self.schema,
            rubric=self.contract.rubric,
            votes=self.votes,
            rule=self.rule,
            after=self.after,
            fence=self.fence,
        )


def read_judge(spec: ScorerSpec, contract: Contract | None, *, root: Path) -> JudgeSpec:
    """The judge of a table. `contract` is the catalog's entry of the score, which must be there.

    The prompt's path is relative to `root`. Raises ConfigError with the place of the table, or of the prompt's line.
    """
    table = ConfigTable(spec.arguments, ("scorers", spec.name), lambda _: spec.where)
    table = table.declared(JUDGE.keys)
    if contract is None or contract.inferred:
        raise table.error(
            None,
            f"is a judge, and the score catalog has no entry '{spec.name}' that says which values it may give",
            hint=f"add a table [{spec.name}] with its type to gates/scores.toml",
        )
    if contract.type == "numeric" and (contract.min is None or contract.max is None):
        raise table.error(
            None,
            f"is a judge, and the score catalog gives '{spec.name}' no range",
            hint=f"add min and max to [{spec.name}] in gates/scores.toml: the model is told them, and held to them",
        )
    output_schema(contract)  # Raises for a score that no judge can give.
    prompt, model = (_needed(table, key) for key in ("prompt", "model"))
    votes, rule = _votes(table, contract)
    after = table.texts("after")
    if spec.name in after:
        raise table.error("after", "names the judge's own score")
    return JudgeSpec(
        name=spec.name,
        contract=contract,
        template=read_template(root / prompt, shown=prompt, named_at=table.where("prompt")),
        model=model,
        base_url=_base_url(table),
        api_key=_api_key(table),
        parameters=_parameters(table),
        votes=votes,
        rule=rule,
        after=tuple(dict.fromkeys(after)),
        price=_price(table),
        pairwise=_pairwise(table, root),
        fence=table.choice("fence", FENCES) or "refuse",
        root=root,
        where=spec.where,
    )


def _needed(table: ConfigTable, key: str) -> str:
    text = table.text(key)
    if text is None:
        example = 'prompt = "prompts/relevance.md"' if key == "prompt" else 'model = "gpt-5-mini"'
        raise table.error(None, f"is a judge without a {key}", hint=f"add {example}")
    return text


def _pairwise(table: ConfigTable, root: Path) -> Template | None:
    path = table.text("pairwise")
    if path is None:
        return None
    return read_template(root / path, shown=path, named_at=table.where("pairwise"), answers=PAIR)


def _votes(table: ConfigTable, contract: Contract) -> tuple[int, VoteRule | None]:
    votes, rule = table.integer("votes") or 1, table.choice("rule", VOTE_RULES)
    if votes % 2 == 0:
        raise table.error("votes", f"is {votes}, with which votes can tie", hint="give an odd number")
    if votes > 1 and rule is None:
        allowed = ", ".join(f'"{word}"' for word in VOTE_RULES)
        raise table.error(
            "votes", f"is {votes} without a rule that makes them one score", hint=f"add rule = {allowed}"
        )
    if rule in ("mean", "median") and contract.type != "numeric":
        raise table.error(
            "rule",
            f'is "{rule}", and the score is {contract.type}',
            hint='only "majority" makes sense for it',
        )
    return votes, rule if votes > 1 else None


def _base_url(table: ConfigTable) -> str:
    url = table.text("base_url")
    if url is None:
        return DEFAULT_BASE_URL
    try:
        parts = urlsplit(url)
    except ValueError:
        # The URL is not shown: nobody knows which part of it is a password.
        raise table.error("base_url", "is no URL", hint=_URL_HINT) from None
    # Said before anything that would print the URL: what stands there may be secret.
    if parts.username or parts.password or parts.query or parts.fragment:
        raise table.error(
            "base_url",
            "holds a user, a password, a query or a fragment",
            hint="a key goes into an environment variable, which api_key names",
        )
    plain = url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.netloc or not plain:
        raise table.error("base_url", f'is "{url}", which is no URL', hint=_URL_HINT)
    if not _has_host_and_port(parts):
        raise table.error("base_url", f'is "{url}", with a host or port that cannot be', hint=_URL_HINT)
    return url.rstrip("/")


def _has_host_and_port(parts: SplitResult) -> bool:
    """Whether a client can at least try to connect there: a name or address, and a port below 65536 if any."""
    try:
        _ = parts.port
    except ValueError:
        return False
    return bool(_HOST.fullmatch(parts.hostname or ""))


def _api_key(table: ConfigTable) -> str:
    name = table.text("api_key")
    if name is not None and not _NAME.fullmatch(name):
        # Never shown: it is probably the key itself.
        raise table.error(
            "api_key",
            "is no name of an environment variable",
            hint='write the name of the variable that holds the key, such as "OPENAI_API_KEY", never the key itself',
        )
    return name or _DEFAULT_API_KEY


def _parameters(table: ConfigTable) -> Mapping[str, JSON]:
    inner = table.table("parameters")
    if inner is None:
        return {}
    for key in inner.values:
        if key in _OURS:
            raise inner.error(key, "cannot be set: the judge sets it itself")
    return dict(inner.values)


def _price(table: ConfigTable) -> Price | None:
    inner = table.table("price")
    if inner is None:
        return None
    inner = inner.declared(_PRICE_KEYS)
    prices = [inner.number(key) for key in ("input", "output")]
    if prices[0] is None or prices[1] is None:
        raise inner.error(
            None, "needs both prices", hint="price = { input = 0.25, output = 2.0 } per million tokens"
        )
    return Price(prices[0], prices[1])
