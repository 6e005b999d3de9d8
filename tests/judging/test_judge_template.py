"""A judge's prompt: what stands in its place, and what is refused before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.judging.template import MissingVariable, parse_template, read_template
from scoregate.records import DatasetItem

ITEM = DatasetItem(
    id="q1",
    input={"question": "How many?", "tags": ["a", "b"]},
    expected_output="42",
    metadata={"intent": "count", "empty": None},
)


def compiled(text: str, output: object = "an answer", item: DatasetItem = ITEM) -> str:
    return parse_template(text, where="p.md").compile(item, {"output": output})


def test_texts_are_put_in_as_they_are() -> None:
    text = "{{input.question}} {{ output }} / {{expected_output}} ({{metadata.intent}})"
    assert compiled(text) == "How many? an answer / 42 (count)"


def test_what_is_no_text_is_put_in_as_json() -> None:
    assert compiled("{{input.tags}} {{input.tags.1}} {{output}}", {"ö": 1}) == '["a", "b"] b {"ö": 1}'
    assert compiled("{{output}} {{metadata.empty}}", None) == "null null"


def test_braces_in_a_value_mean_nothing() -> None:
    assert compiled("{{output}}", "{{input}} {{nothing}}") == "{{input}} {{nothing}}"


def test_half_a_surrogate_pair_is_spelled_out() -> None:
    assert compiled("{{output}}", "a\ud800b") == "a\\ud800b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n{{ouput}}", "p.md:2: {{ouput}} is no variable of a judge's prompt (did you mean 'output'?)"),
        ("{{}}", "p.md:1: {{}} is no variable of a judge's prompt"),
        ("{{input..x}}", "p.md:1: {{input..x}} is no path"),
        ("a\nb\n{{output", "p.md:3: {{ begins a variable that does not end"),
        ("{{ {{output}}", "p.md:1: {{ begins a variable that does not end"),
    ],
)
def test_mistakes_are_told_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_template(text, where="p.md")
    assert str(caught.value).startswith(message)


def test_a_prompt_that_does_not_show_the_output_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.md"
    path.write_text("{{input}}")
    with pytest.raises(ConfigError, match="the judge would not see what it judges"):
        read_template(path)


def test_a_prompt_that_is_not_there_is_told_at_the_place_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_template(tmp_path / "p.md", shown="prompts/p.md", named_at="gates/agent.toml:5")
    assert str(caught.value) == (
        "gates/agent.toml:5: the prompt prompts/p.md cannot be read: no such file or directory"
    )


def test_a_field_that_some_items_lack_is_refused_for_the_whole_dataset() -> None:
    template = parse_template("{{output}}\n{{metadata.intent}} {{expected_output}}", where="p.md")
    bare = DatasetItem(id="q2", input="x", expected_output="1", metadata={})
    template.check([ITEM])
    with pytest.raises(ConfigError) as caught:
        template.check([ITEM, bare])
    assert str(caught.value).startswith(
        "p.md:2: {{metadata.intent}} is missing in 1 of 2 items, the first is 'q2': "
    )


def test_an_expected_output_that_is_not_there_is_missing() -> None:
    template = parse_template("{{output}} {{expected_output}}", where="p.md")
    with pytest.raises(ConfigError, match="the item has no expected_output"):
        template.check([DatasetItem(id="q2", input="x")])


def test_an_output_without_the_field_is_told_when_it_comes() -> None:
    with pytest.raises(MissingVariable) as caught:
        compiled("\n{{output.answer}}", {"text": "x"})
    assert str(caught.value) == "p.md:2: {{output.answer}} is missing: no 'answer' in 'output' (keys: text)"


def test_line_ends_and_a_byte_order_mark_make_no_other_prompt(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf{{output}}\r\nend")
    (tmp_path / "b.md").write_bytes(b"{{output}}\nend")
    assert read_template(tmp_path / "a.md").text == read_template(tmp_path / "b.md").text
