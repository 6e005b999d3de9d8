"""A call that held its process up until that was ended is not made again when the run is resumed."""

from __future__ import annotations

from typing import Any

Drive = Any


def test_a_scorer_that_held_the_process_up_is_not_called_for_that_item_again(drive: Drive) -> None:
    asked = []

    def right(*, input: dict[str, str], **_: object) -> bool:
        asked.append(input["q"])
        return True

    async def kind(*, input: dict[str, str], **_: object) -> bool:
        asked.append(input["q"])
        return True

    for scorer, other in ((right, kind), (kind, right)):
        asked.clear()
        name = scorer.__name__
        driven = drive(
            lambda item, trial: "answer",
            evaluators=[scorer, other],
            held_up={("b", 0): name},
            run_id=f"run-{name}",
        )
        cells = driven.scores(name)
        assert [cells[item].status for item in "abc"] == ["ok", "error", "ok"]
        assert cells["b"].comment == "held the interpreter until the run was ended, and was not called again"
        assert {cell.status for cell in driven.scores(other.__name__).values()} == {"ok"}
        assert sorted(asked) == ["a", "a", "b", "c", "c"]
