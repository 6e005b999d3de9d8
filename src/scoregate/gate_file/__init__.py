"""The gate: which dataset, candidate, baseline and rules; parsed from TOML, with file:line in every error."""

from scoregate.gate_file.candidate import CandidateSpec, Limits, Rounds
from scoregate.gate_file.gate import Gate, Inference, ScorerSpec, check_trials, project_root, read_gate
from scoregate.gate_file.project import NO_GATES
from scoregate.gate_file.rule import (
    ANY_DROP,
    BEYOND_MARGIN,
    DEFAULT_MARGIN,
    DEFAULT_RATIO_MARGIN,
    FailsOn,
    Reducer,
    Rule,
    Statistic,
)
from scoregate.gate_file.rule_reading import rule_from_mapping

__all__ = [
    "ANY_DROP",
    "BEYOND_MARGIN",
    "DEFAULT_MARGIN",
    "DEFAULT_RATIO_MARGIN",
    "NO_GATES",
    "CandidateSpec",
    "FailsOn",
    "Gate",
    "Inference",
    "Limits",
    "Reducer",
    "Rounds",
    "Rule",
    "ScorerSpec",
    "Statistic",
    "check_trials",
    "project_root",
    "read_gate",
    "rule_from_mapping",
]
