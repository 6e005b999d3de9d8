"""The gate: which dataset, candidate, baseline and rules; parsed from TOML, with file:line in every error."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from scoregate.catalog import CATALOG_FILE, SCORED, Catalog, Contract, read_catalog
from scoregate.config.table import Anything, Choice, ConfigTable, Integer, Keys, Number, Table, Text, Texts
from scoregate.config.toml_lines import read_toml
from scoregate.errors import ConfigError, did_you_mean
from scoregate.files.reading import shown_path
from scoregate.gate_file.candidate import (
    CANDIDATE_KEYS,
    LIMIT_KEYS,
    ROUND_KEYS,
    CandidateSpec,
    Limits,
    Rounds,
    read_candidate,
    read_limits,
    read_rounds,
)
from scoregate.gate_file.project import ALPHA, GATES_FOLDER, NO_GATES, PROJECT_FILE, PYPROJECT, shared_alpha
from scoregate.gate_file.rule import RULE_KEYS, Rule, contract_of
from scoregate.gate_file.rule_reading import read_rule
from scoregate.gate_file.source import (
    File,
    GitRevision,
    LangfuseDataset,
    Source,
    SourceProblem,
    read_dataset_source,
    read_gate_source,
    read_source,
)
from scoregate.records import JSON

_DEFAULT_MAX_FAILED_ITEMS = 0.05
_DEFAULT_ALPHA = 0.01
_DEFAULT_PASS_LEVEL = 0.05
_DEFAULT_BASELINE_AGE_DAYS = 14.0
_DEFAULT_WAIT_SECONDS = 120.0

Inference = Literal["dataset", "population"]
INFERENCES: tuple[Inference, ...] = ("dataset", "population")
OnDatasetChange = Literal["additions", "invalid", "intersection"]
ON_DATASET_CHANGE: tuple[OnDatasetChange, ...] = ("additions", "invalid", "intersection")
ON_INCONCLUSIVE: tuple[Literal["warn", "fail"], ...] = ("warn", "fail")
_TOP_KEYS: Keys = {
    "dataset": Text(),
    "experiment": Text(),
    "baseline": Text(),
    "trials": Integer(at_least=1),
    "on_inconclusive": Choice(ON_INCONCLUSIVE),
    "max_failed_items": Number(at_least=0, at_most=1),
    "alpha": ALPHA,
    "pass_level": Number(above=0, below=0.5),
    "cluster": Text(),
    "input_schema": Text(),
    "expected_output_schema": Text(),
    "anchor": Text(),
    "inference": Choice(INFERENCES),
    "max_baseline_age_days": Number(above=0),
    "on_dataset_change": Choice(ON_DATASET_CHANGE),
    "wait_for": Texts(),
    "wait_seconds": Number(above=0),
    "paths": Texts(),
}
SCORER_KEYS: Keys = {"use": Text()}
"""Beside it stand the arguments of the scorer that it names."""
GATE = Table(
    keys={
        **_TOP_KEYS,
        "candidate": Table(keys=CANDIDATE_KEYS),
        "limits": Table(keys=LIMIT_KEYS),
        "slices": Table(others=Text()),
        "scorers": Table(others=Table(keys=SCORER_KEYS, required=("use",), others=Anything())),
        "scores": Table(others=Table(keys=RULE_KEYS), fewest=1),
        "rounds": Table(keys=ROUND_KEYS),
    },
    required=("scores",),
)
"""What may stand in a gate file."""
JUDGE = "judge"
"""What `use` says of a judge, whose scores may need a calibration; no scorer of the library has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSpec:
    """A scorer of the library, from a `[scorers.NAME]` table; `use` names it, the rest are its arguments."""

    name: str
    use: str
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    where: str | None = None

    @property
    def is_judge(self) -> bool:
        return self.use == JUDGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate, read and validated. Paths are resolved."""

    name: str
    rules: Mapping[str, Rule]
    dataset: str | None = None
    """Path of a dataset file, or `langfuse:NAME[@TIME]`."""
    candidate: CandidateSpec | None = None
    baseline: str | None = None
    """Path of a results file or lock file, `run:ID`, `langfuse:EXPERIMENT`, or `git:REF`: run beside the candidate."""
    anchor: str | None = None
    """A second, fixed baseline (path, `run:ID`, `langfuse:EXPERIMENT`): small drops that pass are seen together."""
    max_baseline_age_days: float = _DEFAULT_BASELINE_AGE_DAYS
    """A stored baseline older than this is said to be old."""
    on_dataset_change: OnDatasetChange = "additions"
    """Runs of two states of a dataset are compared on the items that did not change: additions, where all of the
    baseline's are there unchanged; intersection, where at least half of them are; invalid, never."""
    inference: Inference = "dataset"
    """dataset: worse on these items, beyond the noise of trials; population: worse on items like these."""
    rounds: Rounds = field(default_factory=Rounds)
    """How fresh trials are used where both versions run side by side."""
    catalog: Catalog = field(default_factory=Catalog)
    scorers: tuple[ScorerSpec, ...] = ()
    trials: int = 1
    on_inconclusive: Literal["warn", "fail"] | None = None
    """None: the command's default, "warn" for run and check, "fail" for release."""
    max_failed_items: float = _DEFAULT_MAX_FAILED_ITEMS
    """Share of missing or failed cells above which the comparison is invalid."""
    alpha: float = _DEFAULT_ALPHA
    """False-alarm level of this gate, in all its rules together; of a project's, the part that is this gate's."""
    pass_level: float = _DEFAULT_PASS_LEVEL
    """One-sided error level of the pass bound and of the floors."""
    input_schema: str | None = None
    """Path of a JSON Schema that every input obeys."""
    expected_output_schema: str | None = None
    cluster: str | None = None
    """Path into the item, such as `metadata.conversation`."""
    slices: Mapping[str, str] = field(default_factory=dict)
    """Slice name -> path into the item."""
    wait_for: tuple[str, ...] = ()
    """Scores that evaluators in Langfuse write once a run is there, and that the verdict waits for."""
    wait_seconds: float = _DEFAULT_WAIT_SECONDS
    """How long; what is absent then is missing."""
    paths: tuple[str, ...] = ()
    """Patterns of further files that the candidate is made of, from the project's root: `run --only-changed` runs the
    gate where one of them has changed."""
    limits: Limits = field(default_factory=Limits)
    path: Path | None = None
    root: Path = field(default_factory=Path)
    """The project's root: the folder that holds the gate's `gates/`."""
    policy_changes: tuple[str, ...] = ()
    """What the change under review moves of the gate itself, a line each; told by `gate_run.policy_changes`."""

    @property
    def place(self) -> str:
        """The gate as a person finds it: its file, or its name where it was made in Python."""
        return shown_path(self.path) if self.path else self.name

    @property
    def optional_scores(self) -> frozenset[str]:
        """Scores that do not apply to an item of which nothing is said."""
        return frozenset(name for name, rule in self.rules.items() if rule.absent == "not_applicable")

    @property
    def dataset_source(self) -> Path | LangfuseDataset | None:
        """What `dataset` means. Raises SourceProblem for a text that `read_gate` would have refused."""
        return read_dataset_source(self.dataset) if self.dataset is not None else None

    @property
    def baseline_source(self) -> Source | None:
        """What `baseline` means. Raises SourceProblem for a text that `read_gate` would have refused."""
        return read_source(self.baseline) if self.baseline is not None else None

    @property
    def anchor_source(self) -> Source | None:
        """What `anchor` means. Raises SourceProblem for a text that `read_gate` would have refused."""
        return read_source(self.anchor) if self.anchor is not None else None

    @property
    def side_by_side(self) -> bool:
        """Whether the baseline is a git ref that is run beside the candidate."""
        return isinstance(self.baseline_source, GitRevision)

    @property
    def gated_scores(self) -> tuple[str, ...]:
        """The scores that can break the gate."""
        return tuple(name for name, rule in self.rules.items() if name != SCORED and not rule.advisory)

    @property
    def has_judges(self) -> bool:
        """Whether a judge makes a score, or a rule asks something of who does; else nothing of judges need be read."""
        return any(spec.is_judge for spec in self.scorers) or any(
            rule.labels is not None or rule.require_calibration is not None or rule.margin_of == "truth"
            for rule in self.rules.values()
        )

    def with_policy(self, on_inconclusive: Literal["warn", "fail"] | None) -> Gate:
        """The gate with the caller's word on `inconclusive` in place of its own; None leaves that."""
        return self if on_inconclusive is None else replace(self, on_inconclusive=on_inconclusive)

    def contract(self, score: str) -> Contract | None:
        """The score's contract from the catalog, with the rule's own direction and categories applied.

        Results from elsewhere need no catalog. Where it has no entry, the built-in scores have a contract of
        their own; a rule with `pass` makes an open categorical one, in which every other category fails; a
        rule with `direction` makes a numeric one that takes numbers or booleans. Both are marked `inferred`.
        None means that only the values can tell: all booleans are read as higher-is-better, all else is an
        error of the comparison.
        """
        return contract_of(score, self.rules.get(score), self.catalog)


def read_gate(path: Path) -> Gate:
    """Parse and validate a gate file, with the score catalog beside it if there is one.

    Paths in the file become absolute. They are relative to the project's root: the folder that holds the `gates/`
    folder which the file lies in, or the file's own folder where it lies in none. The working directory decides
    nothing. Whether the paths exist is not checked here.

    Raises ConfigError with file:line and, for an unknown key or a missing gate, a suggestion.
    """
    path = Path(path)
    if path.name in NO_GATES:
        what = "score catalog" if path.name == CATALOG_FILE else "project's own file"
        raise ConfigError(f"this is the {what}, not a gate", where=str(path), hint=_gates_near(path))
    top = ConfigTable.top_of(read_toml(path, "gate", neighbours=_gates_near)).declared(GATE.keys)
    root = project_root(path)
    catalog = _read_catalog_beside(path)
    slices = top.table("slices")
    slice_paths = slices.text_values() if slices else {}
    failed = top.number("max_failed_items")
    trials = top.integer("trials") or 1
    scorers = _read_scorers(top)
    gate = Gate(
        name=path.stem,
        dataset=_read_dataset(top, root),
        candidate=read_candidate(top, root),
        baseline=_read_source(top, "baseline", root),
        anchor=_read_source(top, "anchor", root),
        max_baseline_age_days=top.number("max_baseline_age_days") or _DEFAULT_BASELINE_AGE_DAYS,
        on_dataset_change=top.choice("on_dataset_change", ON_DATASET_CHANGE) or "additions",
        inference=top.choice("inference", INFERENCES) or "dataset",
        rounds=read_rounds(top.table("rounds"), trials),
        catalog=catalog,
        scorers=scorers,
        trials=trials,
        on_inconclusive=top.choice("on_inconclusive", ON_INCONCLUSIVE),
        max_failed_items=_DEFAULT_MAX_FAILED_ITEMS if failed is None else failed,
        alpha=_alpha(top.number("alpha"), root),
        pass_level=top.number("pass_level") or _DEFAULT_PASS_LEVEL,
        input_schema=top.file("input_schema", root),
        expected_output_schema=top.file("expected_output_schema", root),
        cluster=top.text("cluster"),
        slices=slice_paths,
        wait_for=tuple(dict.fromkeys(top.texts("wait_for"))),
        wait_seconds=top.number("wait_seconds") or _DEFAULT_WAIT_SECONDS,
        paths=top.texts("paths"),
        limits=read_limits(top.table("limits")),
        rules=_read_rules(top, catalog, slice_paths, {spec.name for spec in scorers if spec.use == JUDGE}),
        path=path.parent.resolve() / path.name,
        root=root,
    )
    check_trials(gate)
    return gate


def _alpha(own: float | None, root: Path) -> float:
    """The gate's own level, where the project's gates share none or its part of that is more."""
    places = (root / GATES_FOLDER / PROJECT_FILE, *(folder / PYPROJECT for folder in (root, *root.parents)))
    shared = shared_alpha(root) if any(map(_may_state_alpha, places)) else None
    if shared is None:
        return own or _DEFAULT_ALPHA
    return min(own or shared.share, shared.share)


def _may_state_alpha(place: Path) -> bool:
    """A look at the text, as most projects say nothing of it."""
    try:
        text = place.read_bytes()
    except OSError:
        return False
    return place.name == PROJECT_FILE or b"tool.scoregate" in text or b"[tool]" in text


def check_trials(gate: Gate) -> None:
    """Refuse a reducer of more trials than an item gets. Raises ConfigError."""
    for name, rule in gate.rules.items():
        if rule.reduced is not None and rule.reduced.k > gate.trials:
            raise ConfigError(
                f"{rule.reducer} of '{name}' needs {rule.reduced.k} trials of every item, "
                f"and the gate makes {gate.trials}",
                where=rule.where,
                hint=f"set trials = {rule.reduced.k} at the top of the gate",
            )


def _read_rules(
    top: ConfigTable, catalog: Catalog, slices: Collection[str], judges: Collection[str]
) -> dict[str, Rule]:
    scores = top.table("scores")
    if scores is None or not scores.values:
        where = top.where("scores") if scores else top.where()
        hint = "add a table such as [scores.answer_correctness]"
        raise ConfigError("the gate has no scores, so it would decide nothing", where=where, hint=hint)
    rules = {}
    for name, table in scores.tables().items():
        rules[name] = rule = read_rule(table, name, catalog, top_level=tuple(_TOP_KEYS))
        for key in ("require_calibration", "labels", "margin_of"):
            if table.has(key) and name not in judges:
                hint = f'it goes with a [scorers.{name}] table that has use = "judge"'
                raise table.error(
                    key, "is for scores that a judge makes, and no judge makes this one", hint=hint
                )
        for wanted in rule.slices or ():
            if wanted not in slices:
                hint = (
                    did_you_mean(wanted, slices) or 'add a [slices] table, such as intent = "metadata.intent"'
                )
                raise table.error("slices", f'names "{wanted}", which [slices] does not define', hint=hint)
    if all(rule.advisory for rule in rules.values()):
        hint = "take `advisory = true` from at least one"
        raise ConfigError(
            "every score is advisory, so the gate would decide nothing", where=scores.where(), hint=hint
        )
    return rules


def _read_dataset(top: ConfigTable, root: Path) -> str | None:
    """A path made absolute, or `langfuse:NAME[@TIME]`."""
    text = top.text("dataset")
    if text is None:
        return None
    try:
        source = read_dataset_source(text)
    except SourceProblem as problem:
        raise top.error("dataset", str(problem), hint=problem.hint) from None
    return str(root / text if isinstance(source, Path) else source)


def _read_source(top: ConfigTable, key: Literal["baseline", "anchor"], root: Path) -> str | None:
    """A path made absolute, or `run:ID`, `git:REF` and `langfuse:NAME`."""
    text = top.text(key)
    if text is None:
        return None
    try:
        source = read_gate_source(text, key)
    except SourceProblem as problem:
        raise top.error(key, str(problem), hint=problem.hint) from None
    return str(root / source.path if isinstance(source, File) else source)


def _read_scorers(top: ConfigTable) -> tuple[ScorerSpec, ...]:
    scorers = top.table("scorers")
    specs = []
    for name, table in (scorers.tables() if scorers else {}).items():
        use = table.text("use")
        if use is None:
            raise table.error(None, "does not say which scorer it is", hint='add use = "…"')
        arguments = {key: value for key, value in table.values.items() if key != "use"}
        for key, value in arguments.items():
            if not _is_json(value):
                raise table.error(
                    key, "holds a date, a time or a number that is not finite, which JSON has not"
                )
        specs.append(ScorerSpec(name=name, use=use, arguments=arguments, where=table.where()))
    return tuple(specs)


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_json(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_is_json(entry) for entry in value)
    return isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))


def _read_catalog_beside(path: Path) -> Catalog:
    beside = path.parent / CATALOG_FILE
    return read_catalog(beside) if beside.exists() else Catalog()


def project_root(path: Path) -> Path:
    """See `read_gate`. Of several `gates/` folders around the file it is the innermost."""
    folder = path.parent.resolve()
    around = (place.parent for place in (folder, *folder.parents) if place.name == GATES_FOLDER)
    return next(around, folder)


def _gates_near(path: Path) -> str:
    """A hint that names the gates of the folder that `path` is or lies in, and those of the working directory."""
    from difflib import get_close_matches

    gates: dict[str, str] = {}
    for folder in (Path(), path if path.is_dir() else path.parent):
        inner = folder / GATES_FOLDER
        found = sorted((inner if inner.is_dir() else folder).glob("*.toml"))
        gates |= {file.stem: str(file) for file in found if file.name not in NO_GATES}
    near = get_close_matches(path.stem, gates, n=1)
    if near:
        return f"did you mean '{gates[near[0]]}'?"
    known = ", ".join(sorted(gates.values()))
    return f"gates here: {known}" if known else "there is none yet; `scoregate init` writes an example"
