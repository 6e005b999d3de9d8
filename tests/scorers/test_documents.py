"""Authorization: which documents an output may, must and must not cite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score

ScoreOutput = Callable[..., Score]


def output(*documents: JSON) -> dict[str, JSON]:
    return {"documents": list(documents)}


@pytest.mark.parametrize(
    ("cited", "value", "comment"),
    [
        (["kb-1"], True, None),
        (["kb-1", "kb-2", "kb-1"], True, None),
        ([], True, None),
        ([{"id": "kb-2", "title": "Refunds"}], True, None),
        (["kb-1", "hr-9", "hr-8"], False, "cites what it may not: hr-9, hr-8"),
        (["KB-1"], False, "cites what it may not: KB-1"),
    ],
)
def test_only_allowed_documents_may_be_cited(
    score: ScoreOutput, cited: list[JSON], value: bool, comment: str | None
) -> None:
    cell = score("allowed_documents", output(*cited), metadata={"allowed_documents": ["kb-1", "kb-2"]})
    assert (cell.value, cell.comment) == (value, comment)


def test_an_empty_list_allows_nothing(score: ScoreOutput) -> None:
    assert score("allowed_documents", output("kb-1"), metadata={"allowed_documents": []}).value is False


def test_the_allowed_list_may_stand_in_the_expected_output(score: ScoreOutput) -> None:
    expected = {"access": ["kb-1"]}
    path = "expected_output.access"
    assert score("allowed_documents", output("kb-1"), expected, allowed_path=path).value is True


def test_required_documents_must_all_be_cited(score: ScoreOutput) -> None:
    expected = {"documents": ["kb-1", "kb-2"]}
    assert score("required_documents", output("kb-2", "x", "kb-1"), expected).value is True
    cell = score("required_documents", output("kb-2"), expected)
    assert (cell.value, cell.comment) == (False, "does not cite: kb-1")
    assert score("required_documents", output(), {"documents": []}).value is True


def test_forbidden_documents_must_not_be_cited(score: ScoreOutput) -> None:
    metadata = {"forbidden_documents": ["hr-1"]}
    assert score("forbidden_documents", output("kb-1"), metadata=metadata).value is True
    cell = score("forbidden_documents", output("kb-1", "hr-1"), metadata=metadata)
    assert (cell.value, cell.comment) == (False, "cites what is forbidden: hr-1")


@pytest.mark.parametrize(
    ("use", "where"),
    [
        ("allowed_documents", "'metadata'"),
        ("required_documents", "'expected_output'"),
        ("forbidden_documents", "'metadata'"),
    ],
)
def test_an_item_without_the_list_is_an_error_or_does_not_apply(
    score: ScoreOutput, use: str, where: str
) -> None:
    cell = score(use, output("kb-1"), {"answer": "x"})
    assert cell.status == "error"
    assert where in (cell.comment or "")
    assert score(use, output("kb-1"), {"answer": "x"}, optional=True).status == "not_applicable"


@pytest.mark.parametrize("use", ["allowed_documents", "required_documents", "forbidden_documents"])
@pytest.mark.parametrize(
    "answer", [None, "kb-1", {}, {"documents": "kb-1"}, {"documents": [1]}, {"documents": [{}]}]
)
def test_an_output_without_a_list_of_documents_fails(score: ScoreOutput, use: str, answer: JSON) -> None:
    lists: JSON = {"allowed_documents": ["kb-1"], "forbidden_documents": ["hr-1"]}
    cell = score(use, answer, {"documents": ["kb-1"]}, metadata=lists)
    assert (cell.value, cell.status) == (False, "ok")
    assert "output" in (cell.comment or "")


@pytest.mark.parametrize("listed", ["kb-1", None, [1], {"kb-1": True}])
def test_a_list_of_the_item_that_is_none_is_an_error(score: ScoreOutput, listed: JSON) -> None:
    cell = score("allowed_documents", output("kb-1"), metadata={"allowed_documents": listed})
    assert cell.status == "error"


def test_documents_may_be_cited_at_another_path(score: ScoreOutput) -> None:
    answer = {"reply": {"sources": ["kb-1"]}}
    metadata = {"allowed_documents": ["kb-1"]}
    assert score("allowed_documents", answer, metadata=metadata, path="reply.sources").value is True


def test_a_path_must_lead_into_the_item(score: ScoreOutput) -> None:
    with pytest.raises(
        ConfigError, match="allowed_path must start with one of input, expected_output, metadata"
    ):
        score("allowed_documents", output(), allowed_path="allowed_documents")
