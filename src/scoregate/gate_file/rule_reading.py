"""Reading a rule: a `[scores.x]` table parsed, and refused where it asks what its score cannot answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from scoregate.calibration.requirement import Requirement, check_required_comparison, read_requirement
from scoregate.catalog import DIRECTIONS, MEASURED_UNITS, SCORED, Catalog, Contract, check_categories
from scoregate.config.table import ConfigTable, shown
from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file.rule import (
    ABSENT,
    BEYOND_MARGIN,
    FAILS_ON,
    MARGINS_OF,
    RULE_KEYS,
    STATISTICS,
    Rule,
    contract_of,
    known_contract,
)


def rule_from_mapping(mapping: Mapping[str, object] | Rule, score: str, where: str | None = None) -> Rule:
    """The rule of `score` from the keys of a `[scores.x]` table, such as `{"max_drop": 0.05, "critical": True}`.

    A key that is None counts as absent. A `Rule` is checked in the same way. There is no catalog here: only
    the built-in scores (`latency_seconds`, `cost_usd`, `tokens_…`, `scored`) have a contract to obey.
    Raises ConfigError, placed at `where` if given.
    """
    required: Requirement | None = None
    if isinstance(mapping, Rule):
        where, required = where or mapping.where, mapping.require_calibration
        mapping = {
            "pass" if f.name == "passing" else f.name: getattr(mapping, f.name)
            for f in fields(Rule)
            if f.name not in ("where", "require_calibration") and getattr(mapping, f.name) != f.default
        }
    if not isinstance(mapping, Mapping):
        raise ConfigError(
            f"the rule of '{score}' must be a Rule or a mapping of its keys, not {shown(mapping)}",
            where=where,
        )
    rule = read_rule(ConfigTable(mapping, ("scores", score), lambda _: where), score, Catalog())
    return rule if required is None else replace(rule, require_calibration=required)


def read_rule(table: ConfigTable, score: str, catalog: Catalog, *, top_level: tuple[str, ...] = ()) -> Rule:
    """Parse and validate one `[scores.x]` table against the score's contract. Raises ConfigError.

    `top_level` are the gate's other keys, for the hint about one that slid below a table header.
    """
    table = table.declared(RULE_KEYS, top_level=top_level)
    rule = Rule(
        min=table.number("min"),
        max=table.number("max"),
        max_drop=_read_margin(table, "max_drop"),
        max_increase=_read_margin(table, "max_increase"),
        min_effect=table.number("min_effect") or 0.0,
        strict=table.flag("strict") or False,
        critical=table.flag("critical") or False,
        direction=table.choice("direction", DIRECTIONS),
        passing=table.texts("pass"),
        ignore=table.texts("ignore"),
        statistic=table.choice("statistic", STATISTICS) or "mean",
        reducer=table.text("reducer"),
        slices=_read_slices(table),
        primary=table.flag("primary") or False,
        advisory=table.flag("advisory") or False,
        require_calibration=_read_requirement(table),
        labels=table.text("labels"),
        margin_of=table.choice("margin_of", MARGINS_OF) or "judge",
        absent=table.choice("absent", ABSENT) or "missing",
        fails_on=table.choice("fails_on", FAILS_ON),
        where=table.where(),
    )
    if rule.min is not None and rule.max is not None and rule.min > rule.max:
        raise table.error("min", f"is {rule.min}, above its max {rule.max}")
    if rule.max_drop is not None and rule.max_increase is not None:
        raise table.error("max_increase", "cannot stand beside 'max_drop': a score has one worse direction")
    if rule.absent != "missing" and (score in MEASURED_UNITS or score == SCORED):
        raise table.error("absent", "is for scores that scorers make, and this one is measured")
    _check_role(table, rule)
    known, contract = known_contract(score, catalog), contract_of(score, rule, catalog)
    if contract is None and catalog.where is not None:
        raise _unknown_score(table, score, catalog)
    _check_categories(table, rule, known)
    _check_can_be_gated(table, rule, known)
    _check_margins(table, rule, known, contract)
    _check_statistic(table, score, rule, contract)
    _check_requirement(table, rule, contract)
    if contract is not None and not contract.inferred:
        _check_scale(table, rule, contract)
    return rule


def _unknown_score(table: ConfigTable, score: str, catalog: Catalog) -> ConfigError:
    near = did_you_mean(score, [*catalog.contracts, *MEASURED_UNITS, SCORED]) or ""
    mark = "" if near.endswith("?") else ";"
    return table.error(
        None,
        f"names a score that {catalog.where} does not know",
        hint=f"{near}{mark} else add it there, or give its `direction` or `pass` here",
    )


def _read_margin(table: ConfigTable, key: str) -> float | None:
    margin = table.number(key)
    if margin == 0:
        raise table.error(
            key,
            "is 0, and no finite number of items can rule out every drop, so the rule could never pass",
            hint="give the largest change that does not matter, such as 0.02; for no lost item use critical = true",
        )
    return margin


def _check_categories(table: ConfigTable, rule: Rule, known: Contract | None) -> None:
    for key in ("pass", "ignore"):
        if known is not None and known.type != "categorical" and table.has(key):
            raise table.error(key, f"is only for categorical scores; this one is {known.type}")
    if known is None and rule.ignore and not rule.passing:
        raise table.error("ignore", "needs 'pass' beside it, as the catalog has no entry for this score")
    check_categories(
        table,
        known.categories if known else (),
        rule.passing or (known.passing if known else ()),
        rule.ignore or (known.ignore if known else ()),
    )
    if rule.direction == "lower" and (rule.passing or (known and known.type == "categorical")):
        raise table.error("direction", 'is "lower"; a categorical score says with `pass` what is good')
    if known is not None and known.name == SCORED and rule.direction == "lower":
        raise table.error("direction", 'is "lower", but a scored cell is always better than a missing one')


def _check_can_be_gated(table: ConfigTable, rule: Rule, known: Contract | None) -> None:
    if rule.direction == "none":
        raise table.error("direction", 'is "none", and a score without a better side cannot be gated')
    if known is None:
        return
    if known.type == "text":
        raise table.error(
            None, "names a text score, which cannot be gated", hint="gate on categories instead"
        )
    if known.type == "categorical" and not (rule.passing or known.passing or known.ordered):
        raise table.error(
            None, "names a categorical score without passing categories", hint='add pass = ["…"]'
        )
    if known.direction == "none" and rule.direction is None:
        raise table.error(
            None,
            "names a score that says no direction, and a score without a better side cannot be gated",
            hint=f'add direction = "higher" or "lower" here or at {known.where}',
        )
    if rule.passing and known.ordered:
        raise table.error("pass", "is on a score of ordered grades, which are gated as numbers")
    if rule.critical and (known.type == "numeric" or known.ordered):
        raise table.error("critical", "needs a score that passes or fails, and this one is numeric")
    if rule.margin_of == "truth" and (known.type == "numeric" or known.ordered):
        raise table.error("margin_of", "needs a score that passes or fails, and this one is numeric")


def _read_requirement(table: ConfigTable) -> Requirement | None:
    inner = table.table("require_calibration")
    return None if inner is None else read_requirement(inner)


def _check_requirement(table: ConfigTable, rule: Rule, contract: Contract | None) -> None:
    """Refuse a comparison with people by which every judge agrees."""
    inner = table.table("require_calibration")
    if inner is not None and rule.require_calibration is not None and contract is not None:
        check_required_comparison(inner, rule.require_calibration, contract)


def _read_slices(table: ConfigTable) -> tuple[str, ...] | None:
    """The names; an empty list says "in no slice", which is not the same as saying nothing."""
    value = table.values.get("slices")
    if value is None:
        return None
    return table.texts("slices") if value not in ([], ()) else ()


def _check_role(table: ConfigTable, rule: Rule) -> None:
    if rule.primary and rule.advisory:
        raise table.error(
            "advisory", "cannot stand beside 'primary': the one gates the pass, the other nothing"
        )
    if rule.advisory and rule.critical:
        raise table.error("advisory", "cannot stand beside 'critical': an advisory score gates nothing")
    if table.has("reducer") and rule.reduced is None:
        raise table.error(
            "reducer", f'is "{rule.reducer}"', hint='write "pass@3" (any of 3) or "pass^3" (all of 3)'
        )


def _check_statistic(table: ConfigTable, score: str, rule: Rule, contract: Contract | None) -> None:
    """Quantiles and sums are of measured quantities, reducers of what passes or fails."""
    if rule.statistic != "mean" and score not in MEASURED_UNITS:
        hint = f"the measured scores are {', '.join(MEASURED_UNITS)}"
        raise table.error("statistic", f'is "{rule.statistic}", which needs a measured score', hint=hint)
    if rule.slices and rule.quantile is not None:
        raise table.error(
            "slices",
            f'cannot stand beside statistic = "{rule.statistic}": too few calls of a slice lie in its tail',
            hint="leave it out, or take the mean",
        )
    if rule.reducer and rule.margin_of == "truth":
        raise table.error(
            "margin_of",
            "cannot stand beside 'reducer': how much of a drop a judge shows is known of single answers",
        )
    if rule.fails_on == BEYOND_MARGIN and (rule.reducer or score == SCORED):
        what = (
            "of the passes that a reducer counts"
            if rule.reducer
            else f"of '{SCORED}', where nothing may be lost"
        )
        raise table.error("fails_on", f'is "{BEYOND_MARGIN}", which cannot be tested {what}')
    numeric = (
        contract is not None and (contract.ordered or contract.type == "numeric") and not contract.inferred
    )
    if rule.reducer and numeric:
        raise table.error("reducer", "needs a score that passes or fails, and this one is numeric")


def _check_margins(table: ConfigTable, rule: Rule, known: Contract | None, contract: Contract | None) -> None:
    """Refuse the margin of the wrong direction. Without a contract `max_drop` reads as the largest loss."""
    lower = contract is not None and contract.direction == "lower"
    if rule.max_increase is not None and contract is None:
        hint = 'add direction = "lower", or use max_drop'
        raise table.error("max_increase", "is only for a score that says that lower is better", hint=hint)
    if rule.max_increase is not None and not lower:
        raise table.error("max_increase", "is on a higher-is-better score", hint="use max_drop")
    if rule.max_drop is not None and lower and known is not None:
        raise table.error("max_drop", "is on a lower-is-better score", hint="use max_increase")


def _check_scale(table: ConfigTable, rule: Rule, contract: Contract) -> None:
    """Refuse limits that no value reaches and margins wider than all values, such as 80 for 0.80."""
    if contract.type == "numeric":
        low, high = contract.min, contract.max
    elif contract.ordered:
        low, high = 0.0, len(contract.grades) - 1.0
    else:
        low, high = 0.0, 1.0  # booleans and categories are gated as pass rates
    hint = f"its values run from {'any' if low is None else low} to {'any' if high is None else high}"
    for key, limit in (("min", rule.min), ("max", rule.max)):
        if limit is not None and ((low is not None and limit < low) or (high is not None and limit > high)):
            raise table.error(key, f"is {limit}, outside the values of the score", hint=hint)
    if low is None or high is None or contract.name in MEASURED_UNITS:
        return
    for key, margin in (("max_drop", rule.max_drop), ("max_increase", rule.max_increase)):
        if margin is not None and margin > high - low:
            raise table.error(key, f"is {margin}, wider than all values of the score", hint=hint)
