"""`.env`: what it sets, and the line that cannot be read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.files.env_file import read_env_file, variable


def env_file(folder: Path, text: str | bytes) -> Path:
    path = folder / ".env"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_values_that_are_set(tmp_path: Path) -> None:
    text = "\ufeffA=1\r\n# no\nexport B = 'two words'  # said\n\nC=\nD\nA=${B}\nE=a#b\n"
    assert read_env_file(env_file(tmp_path, text)) == {"A": "${B}", "B": "two words", "E": "a#b"}


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nSECRET sk-lf-1\n", 2),
        ("SECRET: sk-lf-1", 1),
        ("A=1\n\n\nB='sk-lf-1\nC=2\n", 4),
        ("=sk-lf-1\n", 1),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, line: int
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as refused:
        read_env_file(env_file(tmp_path, text))
    assert str(refused.value).startswith(f".env:{line}: cannot be read as NAME=value")
    assert "sk-lf" not in str(refused.value)
    assert not caplog.records


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.env: cannot be read"):
        read_env_file(env_file(tmp_path, b"A=\xff\n"))


def test_a_variable_is_that_of_the_environment_else_that_of_the_file(tmp_path: Path) -> None:
    env_file(tmp_path, "KEY=filed\nBLANK=\n")
    assert variable("KEY", tmp_path, {"KEY": "set"}) == "set"
    assert variable("KEY", tmp_path, {"KEY": " "}) == "filed"
    assert variable("KEY", tmp_path, {}) == "filed"
    assert variable("BLANK", tmp_path, {}) is None
    assert variable("OTHER", tmp_path, {}) is None


def test_a_variable_that_is_set_needs_no_file(tmp_path: Path) -> None:
    env_file(tmp_path, "no line of a file\n")
    assert variable("KEY", tmp_path, {"KEY": "set"}) == "set"
    with pytest.raises(ConfigError):
        variable("KEY", tmp_path, {})
