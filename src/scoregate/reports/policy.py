"""What a gate asks of a candidate: its rules and limits, with a digest by which two builds tell whether it moved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

from scoregate.catalog import Contract
from scoregate.gate_file import Gate
from scoregate.gate_file.candidate import Limits, Rounds
from scoregate.gate_file.gate import Inference, OnDatasetChange
from scoregate.gate_file.rule import Rule
from scoregate.own import json_codec
from scoregate.reports.declared import as_json

_USUAL: Mapping[str, Any] = {one.name: one.default for one in fields(Gate)}
"""Key -> what it is in a gate that does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The gate file's own words, with what was said in their place on the command line."""

    sparse: ClassVar[bool] = True
    digest: str
    """Of all that follows and of the scores' contracts: see `digest_of`."""
    alpha: float
    on_inconclusive: Literal["warn", "fail"]
    trials: int
    rules: Mapping[str, Rule]
    """Score -> its table: floors, margins and what else it says."""
    pass_level: float = _USUAL["pass_level"]
    max_failed_items: float = _USUAL["max_failed_items"]
    max_baseline_age_days: float = _USUAL["max_baseline_age_days"]
    on_dataset_change: OnDatasetChange = _USUAL["on_dataset_change"]
    inference: Inference = _USUAL["inference"]
    rounds: Rounds = field(default_factory=Rounds)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, gate: Gate, contracts: Mapping[str, Contract]) -> Policy:
        """Of a gate, whose scores have these contracts."""
        made = cls(
            digest="",
            alpha=gate.alpha,
            pass_level=gate.pass_level,
            on_inconclusive=gate.on_inconclusive or "warn",
            max_failed_items=gate.max_failed_items,
            max_baseline_age_days=gate.max_baseline_age_days,
            on_dataset_change=gate.on_dataset_change,
            inference=gate.inference,
            trials=gate.trials,
            rounds=gate.rounds,
            limits=gate.limits,
            rules=dict(gate.rules),
        )
        return replace(made, digest=digest_of(made, contracts))


def digest_of(policy: Policy, contracts: Mapping[str, Contract]) -> str:
    """SHA-256 of the policy's JSON without `digest` and with `contracts`: keys sorted, no spaces, ASCII."""
    parts = {**as_json(policy), "contracts": as_json(contracts)}
    del parts["digest"]
    text = json_codec.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
