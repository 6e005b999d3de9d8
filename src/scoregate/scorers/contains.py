"""Phrases that an output must hold: any of some, all of some, none of some."""

from __future__ import annotations

from collections.abc import Mapping

from scoregate.errors import ConfigError
from scoregate.paths import PathError, json_type, look_up
from scoregate.records import JSON, DatasetItem
from scoregate.scorers.forbidden_content import phrase_finder
from scoregate.scorers.outcome import Scored, not_applicable
from scoregate.scorers.reading import ScoringCall, item_path, quoted, scored, unscored
from scoregate.scorers.text_match import normalised

CONTAINS_VERSION = "1"


def contains(
    *,
    any: list[str] | None = None,
    all: list[str] | None = None,
    none: list[str] | None = None,
    any_path: str | None = None,
    all_path: str | None = None,
    none_path: str | None = None,
    ignore_case: bool = True,
    output_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """True if the output holds one of `any`, each of `all` and none of `none`.

    The paths lead to further phrases in the dataset item (`any_path = "metadata.names"`): a text or a list of texts. A
    phrase is found as by `forbidden_content`: anywhere, however its spaces, quotes and dashes are written; of an
    object or a list, in every text of it. Where the item lacks a path it is an error; with `optional` that part does
    not count, and an item of which no part is left is not applicable. An output that is null is False.
    """
    fixed = {"any": any or [], "all": all or [], "none": none or []}
    given = {"any": any_path, "all": all_path, "none": none_path}
    paths = {kind: item_path(path, f"{kind}_path") for kind, path in given.items() if path is not None}
    if not paths and not any and not all and not none:
        raise ConfigError("contains needs any, all, none, or one of their paths")
    if "" in map(normalised, [*fixed["any"], *fixed["all"], *fixed["none"]]):
        raise ConfigError("a phrase is empty")

    def check(*, output: JSON, item: DatasetItem) -> Scored:
        wanted = {kind: list(phrases) for kind, phrases in fixed.items()}
        lacking: list[str] = []
        for kind, path in paths.items():
            try:
                wanted[kind] += _phrases(look_up(item, path), path)
            except PathError as error:
                lacking.append(str(error))
            except ValueError as error:
                return unscored(str(error))
        if lacking and not optional:
            return unscored(f"dataset item: {lacking[0]}")
        if not (wanted["any"] or wanted["all"] or wanted["none"]):
            return not_applicable(lacking[0] if lacking else "the item names no phrases")
        try:
            actual = look_up(output, output_path or "")
        except PathError as error:
            return scored(False, f"output: {error}")
        if actual is None:
            return scored(False, "the output is null")
        return _judged(actual, wanted, ignore_case)

    return check


def _judged(actual: JSON, wanted: Mapping[str, list[str]], ignore_case: bool) -> Scored:
    is_held = phrase_finder(actual, ignore_case)
    said = []
    if wanted["any"] and not any(map(is_held, wanted["any"])):
        said.append(f"holds none of {', '.join(map(quoted, wanted['any']))}")
    absent = [phrase for phrase in wanted["all"] if not is_held(phrase)]
    if absent:
        said.append(f"lacks {', '.join(map(quoted, absent))}")
    present = [phrase for phrase in wanted["none"] if is_held(phrase)]
    if present:
        said.append(f"holds {', '.join(map(quoted, present))}")
    return scored(not said, "; ".join(said) or None)


def _phrases(listed: JSON, path: str) -> list[str]:
    more = [listed] if isinstance(listed, str) else listed
    if not isinstance(more, list) or not all(isinstance(one, str) and normalised(one) for one in more):
        raise ValueError(f"{path} must be a list of phrases, not {json_type(listed)}: {quoted(listed)}")
    return more
