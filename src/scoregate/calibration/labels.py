"""A judge's values beside human labels of the same items, checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from scoregate.catalog import Contract
from scoregate.errors import DatasetError
from scoregate.records import ScoreValue


@dataclass(frozen=True, slots=True)
class JudgedItem:
    """One item with a human label."""

    item: str
    judge: ScoreValue
    """None where the judge gave no valid reply."""
    label: bool | int | float | str
    reasoning: str | None = None
    """The judge's."""


def checked(judged: Sequence[JudgedItem], contract: Contract) -> None:
    """Refuse what breaks the score's contract, an item that is there twice, and nothing at all.

    Raises ContractError naming score and item, DatasetError for the rest.
    """
    if not judged:
        raise DatasetError(
            "no item has a human label, so there is nothing to calibrate with",
            where=contract.name,
            hint="give labels of at least 50 items, drawn at random",
        )
    seen = set()
    for one in judged:
        if one.item in seen:
            raise DatasetError(
                f"item '{one.item}' has two labels",
                where=contract.name,
                hint="settle on one label an item: agreement counts items",
            )
        seen.add(one.item)
        contract.check(one.label, item=one.item)
        if one.judge is not None:
            contract.check(one.judge, item=one.item)


def labels_fingerprint(judged: Sequence[JudgedItem], contract: Contract) -> str:
    """64 hexadecimal digits over the ids and labels, in any order; 1 and true are one boolean label."""
    labels = sorted([one.item, _spelling(one.label, contract)] for one in judged)
    return hashlib.sha256(json.dumps(labels, separators=(",", ":")).encode("utf-8")).hexdigest()


def _spelling(label: bool | int | float | str, contract: Contract) -> str:
    if isinstance(label, str):
        return label
    return str(bool(label)).lower() if contract.type == "boolean" else repr(float(label))
