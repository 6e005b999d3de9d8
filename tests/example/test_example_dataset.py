"""The example dataset has the shape that the README and the gate rely on."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

from scoregate.gate_file import Gate
from scoregate.records import Dataset

SUPPORT = Path(__file__).parents[2] / "experiments" / "support"
ARTICLES = {
    article["id"]: article
    for article in map(json.loads, (SUPPORT / "articles.jsonl").read_text(encoding="utf-8").splitlines())
}
ORDERS = {
    order["id"]: order
    for order in map(json.loads, (SUPPORT / "orders.jsonl").read_text(encoding="utf-8").splitlines())
}


def conversations(dataset: Dataset) -> dict[str, list[str]]:
    """Conversation -> ids of its turns, in the order of the file."""
    turns = defaultdict(list)
    for item in dataset.items:
        if "conversation" in item.metadata:
            turns[item.metadata["conversation"]].append(item.id)
    return dict(turns)


def test_it_holds_at_least_140_items_that_obey_both_schemas(dataset: Dataset) -> None:
    assert len(dataset) >= 140


def test_every_intent_has_at_least_20_items(dataset: Dataset) -> None:
    intents = Counter(item.metadata["intent"] for item in dataset.items)

    assert set(intents) == {"refunds", "shipping", "orders", "account", "billing", "devices"}
    assert min(intents.values()) >= 20


def test_every_customer_tier_has_at_least_20_items(dataset: Dataset) -> None:
    tiers = Counter(item.metadata["customer_tier"] for item in dataset.items)

    assert set(tiers) == {"guest", "standard", "plus", "business"}
    assert min(tiers.values()) >= 20


def test_every_kind_of_case_is_there(dataset: Dataset) -> None:
    kinds = Counter(item.metadata["kind"] for item in dataset.items)

    assert set(kinds) == {"question", "tool_call", "must_refuse", "forbidden_document"}
    assert min(kinds.values()) >= 15


def test_ids_say_the_intent_or_the_conversation_and_the_turn(dataset: Dataset) -> None:
    for item in dataset.items:
        conversation = item.metadata.get("conversation")
        stem = f"conv-{conversation}" if conversation else item.metadata["intent"]
        assert re.fullmatch(rf"{stem}-\d+", item.id)


def test_conversations_have_three_or_four_turns_in_order(dataset: Dataset) -> None:
    turns = conversations(dataset)

    assert len(turns) >= 10
    for name, ids in turns.items():
        assert 3 <= len(ids) <= 4
        assert ids == [f"conv-{name}-{number}" for number in range(1, len(ids) + 1)]


def test_a_turn_knows_what_was_asked_before_it(dataset: Dataset) -> None:
    items = {item.id: item for item in dataset.items}
    for ids in conversations(dataset).values():
        asked: list[str] = []
        for item_id in ids:
            turn = items[item_id].input
            assert [said["content"] for said in turn["history"] if said["role"] == "user"] == asked
            assert turn["user"] == items[ids[0]].input["user"]
            asked.append(turn["question"])


def test_single_questions_have_neither_conversation_nor_history(dataset: Dataset) -> None:
    singles = [item for item in dataset.items if not item.id.startswith("conv-")]

    assert not any("conversation" in item.metadata or "history" in item.input for item in singles)


def test_no_question_comes_twice(dataset: Dataset) -> None:
    questions = Counter(item.input["question"].casefold() for item in dataset.items)

    assert questions.most_common(1)[0][1] == 1


def test_the_articles_that_are_expected_exist_and_state_the_facts(dataset: Dataset) -> None:
    for item in dataset.items:
        expected = item.expected_output
        text = " ".join(ARTICLES[document]["body"] for document in expected.get("documents", [])).casefold()
        for wordings in expected["facts"] if text else []:
            assert any(wording.casefold() in text for wording in wordings), item.id


def test_forbidden_articles_are_forbidden_to_the_one_who_asks(dataset: Dataset) -> None:
    for item in dataset.items:
        for document in item.expected_output.get("forbidden_documents", []):
            assert ARTICLES[document]["audience"] in ("partner", "staff", "finance")
            assert item.input["user"]["role"] in ("guest", "customer")


def test_expected_tool_calls_are_on_orders_of_the_one_who_asks(dataset: Dataset) -> None:
    for item in dataset.items:
        for call in item.expected_output.get("tool_calls", []):
            order = ORDERS.get(call["arguments"]["order_id"])
            assert order is None or order["customer"] == item.input["user"]["id"], item.id


def test_articles_are_two_to_five_sentences_long_for_five_audiences() -> None:
    lengths = {len(re.split(r"(?<=[.!?])\s+", article["body"])) for article in ARTICLES.values()}

    assert {article["audience"] for article in ARTICLES.values()} == {
        "public",
        "customer",
        "partner",
        "staff",
        "finance",
    }
    assert lengths <= {2, 3, 4, 5}


def test_the_gate_names_a_rule_for_every_score_that_the_example_makes(gate: Gate) -> None:
    assert set(gate.rules) == {"answer_correctness", "policy_compliance", "tool_use", "groundedness"}
    assert all(gate.catalog.get(name) for name in gate.rules)
