"""A file is written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoregate.errors import ResultsError
from scoregate.files.writing import atomic_file


def write(path: Path, data: bytes) -> None:
    with atomic_file(path, ResultsError) as file:
        file.write(data)


def test_the_content_takes_the_files_place_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("old")
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_inside_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("old")

    def write_half() -> None:
        with atomic_file(path, ResultsError) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions_and_a_replaced_one_keeps_its_own(tmp_path: Path) -> None:
    path, usual = tmp_path / "run.jsonl", tmp_path / "usual"
    usual.touch()
    write(path, b"1")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    write(path, b"2")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_an_absent_folder_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "run.jsonl"
    with pytest.raises(ResultsError) as caught:
        write(path, b"x")
    assert str(caught.value) == f"{path}: cannot be written: No such file or directory (nothing was changed)"


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be written: Is a directory"):
        write(tmp_path, b"x")
    assert list(tmp_path.parent.glob(".*.tmp")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(ResultsError, match="cannot be written: Permission denied"):
        write(tmp_path / "run.jsonl", b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_an_error_and_stays_a_device() -> None:
    with pytest.raises(ResultsError, match="cannot be written: No space left on device"):
        write(Path("/dev/full"), b"x")
    assert Path("/dev/full").is_char_device()


def test_a_disk_that_refuses_more_bytes_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("old")
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from scoregate.files.writing import atomic_file; from scoregate.errors import ResultsError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with atomic_file(Path(sys.argv[1]), ResultsError) as file:\n"
        "        file.write(b'x' * 100_000)\n"
        "except ResultsError as error: print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f"{path}: cannot be written: File too large (nothing was changed)"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
