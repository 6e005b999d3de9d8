"""Reading CSV and Parquet datasets."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from scoregate.datasets import read_dataset
from scoregate.errors import DatasetError
from scoregate.records import JSON


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "items.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def parquet_file(folder: Path, rows: list[dict[str, JSON]]) -> Path:
    import pyarrow
    import pyarrow.parquet

    path = folder / "items.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def problem(path: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_dataset(path)
    return str(caught.value).replace(str(path), "FILE")


def test_a_csv_cell_is_text_unless_it_starts_like_a_json_object_or_list(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "id,input,expected_output,metadata\n"
        '1,"{""question"": ""why?""}",42,"{""n"": 1}"\n'
        '[x],true,"[1, 2]",\n',
    )
    first, second = read_dataset(path).items
    assert (first.id, first.input, first.expected_output) == ("1", {"question": "why?"}, "42")
    assert first.metadata == {"n": 1}
    assert (second.id, second.input, second.expected_output) == ("[x]", "true", [1, 2])
    assert second.metadata == {}


def test_dotted_csv_columns_build_objects_and_empty_cells_are_absent(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "id,metadata.intent,metadata.user.tier,input.question,metadata\n"
        'a,refund,,why?,"{""n"": 1}"\n'
        "b,,gold,how?,\n",
    )
    first, second = read_dataset(path).items
    assert first.metadata == {"n": 1, "intent": "refund"}
    assert second.metadata == {"user": {"tier": "gold"}}
    assert second.input == {"question": "how?"}


def test_a_csv_cell_may_hold_several_lines_and_more_than_the_usual_limit(tmp_path: Path) -> None:
    text = "line one\r\nline two" + "x" * 200_000
    path = csv_file(tmp_path, f'\ufeffid,input\r\na,"{text}"\r\n\r\n')
    assert read_dataset(path).items[0].input == text


def test_a_csv_error_names_the_line_that_its_row_starts_on(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,input\na,"one\ntwo\nthree"\n\nb,"one\ntwo"\na,x\n')
    assert problem(path) == "FILE:8: duplicate id 'a', first used at FILE:2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,imput\na,x\n", "FILE:1: unknown column 'imput' (did you mean 'input'?)"),
        ("id.x,input\na,x\n", "FILE:1: unknown column 'id.x' (did you mean 'id'?)"),
        ("id,input,\na,x,\n", "FILE:1: column 3 has no name"),
        ("id,input,input\na,x,y\n", "FILE:1: the column 'input' appears twice"),
        ("id,input,metadata..x\na,x,y\n", "FILE:1: the column 'metadata..x' has an empty part"),
        ("input\nx\n", "FILE:1: there is no column 'id'"),
        ("id,metadata.input\na,x\n", "FILE:1: there is no column 'input'"),
        (
            "id;input\na;x\n",
            "FILE:1: the header is one column, 'id;input' (separate the columns with commas)",
        ),
        ("id,input\na,x,y\n", "FILE:2: cells in the row: 3, in the header: 2"),
        ("id,input\na\n", "FILE:2: cells in the row: 1, in the header: 2"),
        ("id,input\na,\n", "FILE:2: item 'a' has no input (an input may be anything but null)"),
        ("id,input\n,x\n", "FILE:2: an item has no id (give each item a unique, lasting id)"),
        ('id,input\na,"x', "FILE:2: broken CSV: unexpected end of data"),
        (
            "id,input\na,[INST] hello\n",
            "FILE:2: the cell of 'input' starts like JSON but is not: broken JSON at column 2: "
            "expecting value (a text that starts with { or [ needs a JSON Lines file)",
        ),
        (
            "id,input\na,[NaN]\n",
            "FILE:2: the cell of 'input' starts like JSON but is not: NaN is no JSON number "
            "(a text that starts with { or [ needs a JSON Lines file)",
        ),
        (
            "id,input,input.x\na,text,y\n",
            "FILE:2: 'input.x' has a value, and so has a column that it lies inside",
        ),
        (
            'id,input,input.x\na,"{""x"": 1}",y\n',
            "FILE:2: 'input.x' has a value here and in another column",
        ),
        ("id,input,metadata\na,x,y\n", "FILE:2: metadata is a JSON object, not text"),
        ("id,input\n", "FILE: holds no items"),
        ("", "FILE: holds no items"),
    ],
)
def test_a_bad_csv_file_is_an_error_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert problem(csv_file(tmp_path, text)) == message


def test_a_csv_file_that_is_not_utf8_is_named_with_line_and_offset(tmp_path: Path) -> None:
    path = csv_file(tmp_path, b"id,input\na,caf\xe9\n")
    assert problem(path) == "FILE:2: not UTF-8: byte 0xe9 at offset 14 (save the file as UTF-8)"


def test_parquet_structs_are_objects_and_their_nulls_are_absent(tmp_path: Path) -> None:
    path = parquet_file(
        tmp_path,
        [
            {"id": 1, "input": {"question": "why?", "tags": [1, None]}, "metadata": {"intent": "refund"}},
            {"id": 2, "input": {"question": "[how?]", "tags": None}, "metadata": {"tier": "gold"}},
        ],
    )
    first, second = read_dataset(path).items
    assert first.id == "1"
    assert first.input == {"question": "why?", "tags": [1, None]}
    assert first.metadata == {"intent": "refund"}
    assert second.input == {"question": "[how?]"}
    assert second.metadata == {"tier": "gold"}


def test_a_parquet_error_names_the_row(tmp_path: Path) -> None:
    rows: list[dict[str, JSON]] = [{"id": "a", "input": 1.0}, {"id": "b", "input": float("nan")}]
    assert problem(parquet_file(tmp_path, rows)) == (
        "FILE: row 2: item 'b': holds NaN or Infinity, which are no JSON numbers"
    )


def test_a_parquet_value_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    rows: list[dict[str, JSON]] = [{"id": "a", "input": "x", "metadata": {"on": datetime.date(2026, 1, 2)}}]
    assert problem(parquet_file(tmp_path, rows)) == (
        "FILE: row 1: the column 'metadata' holds a date, which is no JSON "
        "(store it as text, number or struct)"
    )


def test_an_unknown_parquet_column_is_an_error(tmp_path: Path) -> None:
    assert problem(parquet_file(tmp_path, [{"id": "a", "input": "x", "Metadata": 1}])) == (
        "FILE: unknown column 'Metadata' (did you mean 'metadata'?)"
    )


def test_a_file_that_is_no_parquet_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    path.write_text("id,input\n")
    assert problem(path).startswith("FILE: broken Parquet file: ")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    path = parquet_file(tmp_path, [{"id": "a", "input": "x"}])
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path; from scoregate.datasets import read_dataset\n"
        "from scoregate.errors import ConfigError\n"
        "try: read_dataset(Path(sys.argv[1]))\n"
        "except ConfigError as error: print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert (
        answer.stdout.strip() == f"{path}: reading Parquet needs pyarrow (pip install 'scoregate[parquet]')"
    )
