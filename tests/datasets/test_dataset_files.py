"""Reading JSON Lines and JSON datasets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from scoregate.datasets import MAX_ITEM_BYTES, read_dataset
from scoregate.errors import DatasetError


def write(folder: Path, text: str | bytes, name: str = "items.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problem(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.replace(str(path), "FILE")


def test_reads_the_items_of_a_json_lines_file_in_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"id": "b", "input": "hi", "expected_output": [1], "metadata": {"intent": "refund"}}\n'
        '{"id": "a", "input": {"question": "why"}}\n',
    )
    dataset = read_dataset(path)
    first, second = dataset.items
    assert (first.id, first.input, first.expected_output, first.metadata) == (
        "b",
        "hi",
        [1],
        {"intent": "refund"},
    )
    assert (second.id, second.input, second.expected_output, second.metadata) == (
        "a",
        {"question": "why"},
        None,
        {},
    )
    assert dataset.source == str(path)
    assert dataset.version is None


def test_is_named_after_its_file_unless_a_name_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b'{"id": "a", "input": 1}\n'), "support.v2.jsonl.gz")
    assert read_dataset(path).name == "support.v2"
    assert read_dataset(path, name="support").name == "support"


def test_an_integer_id_stands_for_its_decimal_text(tmp_path: Path) -> None:
    path = write(tmp_path, '{"id": 7, "input": 1}')
    assert read_dataset(path).items[0].id == "7"


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbf\n{"id": "a", "input": 1}\r\n  \n\n{"id": "b", "input": 2}')
    assert [item.id for item in read_dataset(path).items] == ["a", "b"]


def test_line_separators_of_unicode_do_not_end_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, '{"id": "a", "input": "one\u2028two\x85three"}\n')
    assert read_dataset(path).items[0].input == "one\u2028two\x85three"


@pytest.mark.parametrize("text", ['[{"id": "a", "input": 1}]', '\ufeff{"items": [{"id": "a", "input": 1}]}'])
def test_a_json_file_is_a_list_or_an_object_with_items(tmp_path: Path, text: str) -> None:
    assert read_dataset(write(tmp_path, text, "items.json")).items[0].id == "a"


GOOD = '{"id": "a", "input": 1}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"id": "b", "imput": 1}\n',
            "FILE:2: unknown column 'imput' (did you mean 'input'?)",
        ),
        (
            '{"id": "b", "input": 1, "notes": 1}\n',
            "FILE:2: unknown column 'notes' (known: expected_output, id, input, metadata)",
        ),
        ('\n{"id": "a", "input": 2}', "FILE:3: duplicate id 'a', first used at FILE:1"),
        ('{"input": 2}', "FILE:2: an item has no id (give each item a unique, lasting id)"),
        (
            '{"id": " ", "input": 2}',
            "FILE:2: an item has no id (give each item a unique, lasting id)",
        ),
        ('{"id": true, "input": 2}', "FILE:2: an id is a text or an integer, not True"),
        ('{"id": 1.5, "input": 2}', "FILE:2: an id is a text or an integer, not 1.5"),
        ('{"id": "b"}', "FILE:2: item 'b' has no input (an input may be anything but null)"),
        (
            '{"id": "b", "input": null}',
            "FILE:2: item 'b' has no input (an input may be anything but null)",
        ),
        (
            '{"id": "b", "input": 1, "metadata": ["x"]}',
            "FILE:2: metadata is a JSON object, not a list",
        ),
        (
            '"b"',
            'FILE:2: an item is a JSON object, not text (such as {"id": "a", "input": "..."})',
        ),
        ('{"id": "b", "input": ', "FILE:2: broken JSON at column 22: expecting value"),
        ('{"id": "b", "input": 2\n', "FILE:2: broken JSON at column 23: expecting ',' delimiter"),
        ('{"id": "b", "input": 2\r\n', "FILE:2: broken JSON at column 23: expecting ',' delimiter"),
        ('{"id": "b", "input": NaN}', "FILE:2: NaN is no JSON number"),
        ('{"id": "b", "input": [-Infinity]}', "FILE:2: -Infinity is no JSON number"),
        ('{"id": "b", "input": 1e999}', "FILE:2: the number 1e999 is too large"),
        (
            '{"id": "b", "input": 1, "input": 2}',
            "FILE:2: the key 'input' appears twice in one object",
        ),
        (
            f'{{"id": "b", "input": {"9" * 5000}}}',
            "FILE:2: an integer with too many digits to be read",
        ),
        (
            f'{{"id": "b", "input": {"[" * 5000}{"]" * 5000}}}',
            "FILE:2: JSON that is nested too deeply",
        ),
        (
            '{"id": "b", "input": "\\ud83d"}',
            "FILE:2: item 'b': holds half of a surrogate pair, which is no text "
            "(a character outside the basic plane was cut in two)",
        ),
    ],
)
def test_a_bad_line_is_an_error_with_its_line_number(tmp_path: Path, text: str, message: str) -> None:
    assert problem(write(tmp_path, GOOD + text)) == message


def test_a_byte_that_is_not_utf8_is_named_with_line_and_offset(tmp_path: Path) -> None:
    message = problem(write(tmp_path, GOOD.encode() + b'{"id": "b", "input": "caf\xe9"}\n'))
    assert message == "FILE:2: not UTF-8: byte 0xe9 at offset 49 (save the file as UTF-8)"


def test_a_json_file_that_is_not_utf8_is_named_with_line_and_offset(tmp_path: Path) -> None:
    message = problem(write(tmp_path, b'[\n{"id": "b", "input": "caf\xe9"}]', "items.json"))
    assert message == "FILE:2: not UTF-8: byte 0xe9 at offset 27 (save the file as UTF-8)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": "a", "input": 1},\n {"id": }]', "FILE:2: broken JSON at column 9: expecting value"),
        ('{"items": 3}', 'FILE: is no list of items, nor {"items": [...]}'),
        ('{"data": []}', 'FILE: is no list of items, nor {"items": [...]}'),
        (
            '[{"id": "a", "input": 1}, {"id": "b", "input": NaN}]',
            "FILE: item 2: item 'b': holds NaN or Infinity, which are no JSON numbers",
        ),
        (
            '[{"id": "a", "input": 1}, {"id": "a", "input": 2}]',
            "FILE: item 2: duplicate id 'a', first used at FILE: item 1",
        ),
        (
            '[{"id": "a", "input": 1, "id": "b"}]',
            "FILE: the key 'id' appears twice in one object",
        ),
        ("[" * 5000, "FILE: JSON that is nested too deeply"),
        ("", "FILE:1: broken JSON at column 1: expecting value"),
    ],
)
def test_a_bad_json_file_is_an_error_with_line_or_item(tmp_path: Path, text: str, message: str) -> None:
    assert problem(write(tmp_path, text, "items.json")) == message


def test_the_first_error_is_told_and_the_others_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + '{"id": "b"}\nnonsense\n' + GOOD)
    assert problem(path) == ("FILE:2: item 'b' has no input, and 2 more (an input may be anything but null)")


@pytest.mark.parametrize(("name", "text"), [("items.jsonl", "\n\n"), ("items.json", "[]")])
def test_no_items_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    assert problem(write(tmp_path, text, name)) == "FILE: holds no items"


def test_an_item_over_the_limit_is_an_error_with_line_and_size(tmp_path: Path) -> None:
    long = json.dumps({"id": "b", "input": "x" * 50_000_000})
    path = write(tmp_path, GOOD + long + '\n{"id": "a", "input": 1}\n')
    assert problem(path) == (
        "FILE:2: an item of 50.0 MB; the limit is 20 MB, and 1 more "
        "(keep large content outside the dataset and name it in the input)"
    )


def test_an_item_within_the_limit_is_read(tmp_path: Path) -> None:
    frame = len(b'{"expected_output":null,"id":"a","input":"","metadata":{}}')
    text = "x" * (MAX_ITEM_BYTES - frame)
    assert read_dataset(write(tmp_path, json.dumps([{"id": "a", "input": text}]), "items.json"))
    over = json.dumps([{"id": "a", "input": text + "x"}])
    assert "an item of 20.0 MB" in problem(write(tmp_path, over, "items.json"))


def test_an_absent_file_is_an_error_that_names_a_near_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "support-agent.jsonl")
    write(tmp_path, "", "notes.txt")
    assert (
        problem(tmp_path / "suport-agent.jsonl") == "FILE: no such file (did you mean 'support-agent.jsonl'?)"
    )
    assert problem(tmp_path / "x.jsonl") == f"FILE: no such file (in '{tmp_path}': support-agent.jsonl)"


def test_an_absent_file_in_a_full_folder_is_an_error_that_counts_the_others(tmp_path: Path) -> None:
    for number in range(9):
        write(tmp_path, GOOD, f"{number}.jsonl")
    assert problem(tmp_path / "support.csv") == f"FILE: no such file ('{tmp_path}' holds 9 other such files)"


def test_an_absent_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "items.jsonl"
    assert problem(path) == f"FILE: the folder '{path.parent}' does not exist"


def test_a_folder_is_an_error_that_lists_its_datasets(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert problem(tmp_path) == "FILE: is a folder, not a file (in 'FILE': items.jsonl)"


def test_an_unknown_ending_is_an_error(tmp_path: Path) -> None:
    assert problem(write(tmp_path, GOOD, "items.xlsx")) == (
        "FILE: unknown kind of file (known: .jsonl, .jsonl.gz, .json, .csv, .parquet)"
    )


def test_cut_off_gzip_data_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(GOOD.encode() * 100)
    assert problem(write(tmp_path, packed[:-10], "items.jsonl.gz")) == (
        "FILE: the gzip data is cut off (write the file again)"
    )


def test_a_gz_file_that_is_not_packed_is_an_error(tmp_path: Path) -> None:
    assert problem(write(tmp_path, GOOD, "items.jsonl.gz")).startswith("FILE: broken gzip data: ")
