"""Questions with the recorded answers of four models: GSM8K, where it lies beside the checkout, and made-up ones."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from scoregate.records import JSON

GSM8K = Path(__file__).parents[2] / "shared" / "data" / "gsm8k"
BOTH = ("gsm8k", "made-up")
PATTERN = r"A:\s*(.*)"
"""Where an answer stands in an output."""


@dataclass(frozen=True, slots=True)
class RecordedAnswers:
    """A `dataset.jsonl`, whose metadata hold slices, and an `outputs.<model>.jsonl` for each model, in a folder."""

    name: str
    folder: Path
    number: int
    """Of the questions."""
    right: Mapping[str, int]
    """Model -> how many of its answers are right: a small model without and with a verifier, then a large one."""

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self.right)

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset.jsonl"

    def outputs(self, model: str) -> Path:
        return self.folder / f"outputs.{model}.jsonl"

    def records(self, path: Path) -> dict[str, dict[str, JSON]]:
        """Id -> line of one of the files."""
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return {line["id"]: line for line in lines}


def recorded_answers(name: str, folder: Path, *, number: int = 300) -> RecordedAnswers:
    """Those of BOTH with this name; made-up ones are so many, a multiple of 20, and go to the folder."""
    if name == "made-up":
        return _made_up(folder, number)
    if not GSM8K.is_dir():
        pytest.skip(f"the GSM8K data is not beside the checkout (looked in {GSM8K})")
    right = {"6b_finetuning": 286, "6b_verification": 515, "175b_finetuning": 458, "175b_verification": 742}
    return RecordedAnswers("gsm8k", GSM8K, 1319, right)


# Of every 20 questions, by their place, those that a model gets right.
_RIGHT: Mapping[str, Collection[int]] = {
    "small": range(8),
    "small_checked": (*range(6), *range(8, 14)),
    "large": (4, 5, *range(8, 15)),
    "large_checked": (*range(14), 15, 17),
}


def _made_up(folder: Path, number: int) -> RecordedAnswers:
    ids = [f"made-up-{place:04}" for place in range(number)]
    questions = [_question(place) for place in range(number)]
    _write(folder / "dataset.jsonl", [{"id": id, **one} for id, one in zip(ids, questions, strict=True)])
    for model, good in _RIGHT.items():
        outputs: list[dict[str, JSON]] = []
        for place, id in enumerate(ids):
            is_right = place % 20 in good
            output = _solution(place, int(questions[place]["expected_output"]["answer"]), is_right=is_right)
            outputs.append({"id": id, "output": output, "is_correct": is_right})
        _write(folder / f"outputs.{model}.jsonl", outputs)
    right = {model: len(good) * number // 20 for model, good in _RIGHT.items()}
    return RecordedAnswers("made-up", folder, number, right)


def _question(place: int) -> dict[str, JSON]:
    boxes, each, given = 3 + place % 7, 40 + place * 11, 2 + place % 5
    about = f"A depot has {boxes} boxes of {each} screws and gives {given} screws away."
    # Lengths and steps take turns at different paces, so that every pair of them occurs.
    length = ("short", "medium", "long", "medium", "long", "long")[place % 6]
    more = {
        "short": "",
        "medium": " It is a Monday.",
        "long": " It is a Monday, and the depot is in a valley.",
    }
    return {
        "input": {"question": f"{about}{more[length]} How many screws are left?"},
        "expected_output": {"answer": str(boxes * each - given)},
        "metadata": {"steps": ("1-2", "3-4", "5+")[place // 6 % 3], "length": length},
    }


def _solution(place: int, answer: int, *, is_right: bool) -> str:
    """A derivation, whose numbers are not the answer, and the answer in one of several spellings."""
    told = answer if is_right else answer + 1 + place % 3
    spelled = (f"{told}", f"{told:,}", f"{told}.0", f"${told:,}.")[place % 4]
    return f"First count what is in the boxes: {answer + 7}\nThen take away what is given.\nA: {spelled}"


def _write(path: Path, records: list[dict[str, JSON]]) -> None:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
