"""Results files that cannot be trusted: each is one line that says where and why."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from scoregate.errors import ResultsError
from scoregate.results_file import read_results

HEADER = (
    '{"kind": "run", "schema": 1, "run": "r", "dataset": "d", "candidate": "c", "expected_items": 9, '
    '"trials": 2}'
)
ITEM = '{"kind": "item", "item": "a", "trial": 0, "status": "ok"}'
SCORE = '{"kind": "score", "item": "a", "trial": 0, "score": "s", "value": true, "status": "ok"}'


def problem(path: Path) -> str:
    with pytest.raises(ResultsError) as caught:
        read_results(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def problem_of(folder: Path, *lines: str) -> str:
    path = folder / "run.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return problem(path)


def with_members(line: str, members: str) -> str:
    """The JSON object of a line with further members at its end."""
    return f"{line[:-1]}, {members}}}"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            '{"id": "a", "input": 1}',
            'FILE:1: the first line is no run header, {"kind": "run", ...} (is this a results file?)',
        ),
        (
            HEADER.replace('"schema": 1', '"schema": 2'),
            "FILE:1: written by a newer version of scoregate (format 2; this one reads 1) (upgrade scoregate)",
        ),
        (HEADER.replace('"schema": 1, ', ""), "FILE:1: the key 'schema' is missing"),
        (
            HEADER.replace('"schema": 1', '"schema": "1"'),
            "FILE:1: 'schema' is an integer of at least 1, not '1'",
        ),
        (HEADER.replace('"run": "r", ', ""), "FILE:1: the key 'run' is missing"),
        (HEADER.replace('"run": "r"', '"run": ""'), "FILE:1: 'run' is a text, not empty"),
        (HEADER.replace('"dataset": "d", ', ""), "FILE:1: the key 'dataset' is missing"),
        (HEADER.replace('"candidate": "c", ', ""), "FILE:1: the key 'candidate' is missing"),
        (HEADER.replace('"expected_items": 9, ', ""), "FILE:1: the key 'expected_items' is missing"),
        (
            HEADER.replace('"expected_items": 9', '"expected_items": -1'),
            "FILE:1: 'expected_items' is an integer of at least 0, not -1",
        ),
        (
            HEADER.replace('"trials": 2', '"trials": 0'),
            "FILE:1: 'trials' is an integer of at least 1, not 0",
        ),
        (with_members(HEADER, '"commit": 3'), "FILE:1: 'commit' is a text or null, not a number"),
        (with_members(HEADER, '"scorers": {"s": 1}'), "FILE:1: 'scorers.s' is a text, not a number"),
        (with_members(HEADER, '"metadata": []'), "FILE:1: 'metadata' is an object, not a list"),
    ],
)
def test_a_bad_header_is_an_error(tmp_path: Path, header: str, message: str) -> None:
    assert problem_of(tmp_path, header) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{nonsense", "broken JSON at column 2: expecting property name enclosed in double quotes"),
        ("[1]", "a line is a JSON object"),
        (HEADER, "a second run header (a results file holds one run)"),
        ('{"kind": "itme"}', "the kind of a line is 'item' or 'score', not 'itme'"),
        ("{}", "the kind of a line is 'item' or 'score', not None"),
        (
            '{"kind": "item", "item": "a", "item": "b"}',
            "the key 'item' appears twice in one object",
        ),
        ('{"kind": "item", "trial": 0, "status": "ok"}', "the key 'item' is missing"),
        (ITEM.replace('"a"', "true"), "'item' is a text, not a boolean"),
        (ITEM.replace('"trial": 0, ', ""), "the key 'trial' is missing"),
        (
            ITEM.replace('"trial": 0', '"trial": 2'),
            "trial 2 of a run of 2 trials "
            "(the first trial is 0; the header's 'trials' says how many there are)",
        ),
        (ITEM.replace('"trial": 0', '"trial": -1'), "'trial' is an integer of at least 0, not -1"),
        (ITEM.replace('"trial": 0', '"trial": 0.0'), "'trial' is an integer of at least 0, not 0.0"),
        (ITEM.replace(', "status": "ok"', ""), "the key 'status' is missing"),
        (ITEM.replace('"ok"', '"time_out"'), "'status' is 'time_out' (did you mean 'timeout'?)"),
        (ITEM.replace('"ok"', "[]"), "'status' is [] (known: ok, error, timeout, skipped)"),
        (
            with_members(ITEM, '"latency_seconds": -1'),
            "'latency_seconds' is a number that is not negative, not -1",
        ),
        (
            with_members(ITEM, '"latency_seconds": "1"'),
            "'latency_seconds' is a number that is not negative, not '1'",
        ),
        (with_members(ITEM, '"cost_usd": NaN'), "NaN is no JSON number"),
        (with_members(ITEM, '"output": 1e999'), "the number 1e999 is too large"),
        (with_members(ITEM, '"tokens": 3'), "'tokens' is an object, not a number"),
        (with_members(ITEM, '"tokens": {"input": 3}'), "the key 'output' is missing"),
        (with_members(ITEM, '"slices": {"x": 1}'), "'slices.x' is a text, not a number"),
        (with_members(ITEM, '"cluster": 1'), "'cluster' is a text or null, not a number"),
        (with_members(ITEM, '"attempts": {}'), "'attempts' is a list of objects"),
        (with_members(ITEM, '"attempts": [{"number": 1}]'), "the key 'status' is missing"),
        (
            with_members(ITEM, '"scores": {"s": null}'),
            "a score of status 'ok' has no value (a score that could not be made has status 'error')",
        ),
        (with_members(ITEM, '"scores": {"": 1}'), "a score without a name"),
        (
            with_members(ITEM, '"scores": {"s": {"status": "error", "value": 1}}'),
            "a score of status 'error' has no value, but this has 1",
        ),
        (SCORE.replace('"score": "s", ', ""), "the key 'score' is missing"),
        (SCORE.replace(', "status": "ok"', ""), "the key 'status' is missing"),
        (
            SCORE.replace("true", "null"),
            "a score of status 'ok' has no value (a score that could not be made has status 'error')",
        ),
        (
            SCORE.replace('"ok"', '"not_applicable"'),
            "a score of status 'not_applicable' has no value, but this has True",
        ),
        (SCORE.replace("true", "Infinity"), "Infinity is no JSON number"),
        (
            SCORE.replace("true", "[1]"),
            "a score's value is a boolean, a number or a text, not a list",
        ),
        (
            with_members(SCORE, '"source": "human "'),
            "'source' is 'human ' (did you mean 'human'?)",
        ),
        (with_members(SCORE, '"comment": 1'), "'comment' is a text or null, not a number"),
    ],
)
def test_a_bad_line_is_an_error_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    assert problem_of(tmp_path, HEADER, "", line) == f"FILE:3: {message}"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((ITEM, SCORE, ITEM), "FILE:4: item 'a' trial 0 was already given in line 2"),
        ((SCORE, ITEM, SCORE), "FILE:4: score 's' of item 'a' trial 0 was already given in line 2"),
        (
            (SCORE, with_members(ITEM, '"scores": {"s": true}')),
            "FILE:3: score 's' of item 'a' trial 0 was already given in line 2",
        ),
    ],
)
def test_a_second_record_of_a_cell_is_an_error_that_names_both_lines(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    assert problem_of(tmp_path, HEADER, *lines) == message


def test_a_last_line_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(f"{HEADER}\n{ITEM}\n{SCORE[:40]}")
    assert problem(path).startswith("FILE:3: the last line is cut off: ")


def test_a_last_line_that_is_cut_inside_a_character_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(f"{HEADER}\n".encode() + '{"kind": "item", "item": "é'.encode()[:-1])
    assert problem(path).startswith("FILE:2: the last line is cut off: not UTF-8: byte 0xc3 at offset 26")


def test_a_line_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(f"{HEADER}\n".encode() + b'{"kind": "\xff"}\n')
    assert problem(path) == "FILE:2: not UTF-8: byte 0xff at offset 10 of the line"


def test_cut_off_gzip_data_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{ITEM}\n".encode())[:-9])
    assert problem(path) == "FILE: the gzip data is cut off (write the file again)"


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == "FILE: is empty"


def test_an_absent_file_is_an_error_that_names_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "candidate.jsonl").write_text(HEADER)
    assert problem(tmp_path / "candidat.jsonl") == "FILE: no such file (did you mean 'candidate.jsonl'?)"


def test_an_unknown_ending_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text("a")
    assert problem(tmp_path / "run.csv") == "FILE: unknown kind of file (known: .jsonl, .jsonl.gz)"


@pytest.mark.parametrize(("items", "trials"), [(9, 10**9), (10**12, 2)])
def test_counts_that_the_lines_have_nothing_to_do_with_are_refused(
    tmp_path: Path, items: int, trials: int
) -> None:
    header = HEADER.replace('"expected_items": 9', f'"expected_items": {items}')
    header = header.replace('"trials": 2', f'"trials": {trials}')
    assert problem_of(tmp_path, header, ITEM, SCORE) == (
        f"FILE:1: the header says {items:,} items of {trials:,} trials, and there are 2 run items and scores "
        "(are 'expected_items' and 'trials' right?)"
    )


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_before_it_fills_the_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(f"{HEADER}\n".encode())
        for _ in range(120):
            file.write(b" " * (1 << 20))
    assert problem(path) == "FILE: unpacks to more than 300 times its size (unpack it, and look)"


def test_a_pipe_is_no_results_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.jsonl")
    assert problem(tmp_path / "run.jsonl") == (
        "FILE: is no file that can be read again (write it to a file first)"
    )
