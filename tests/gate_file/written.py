"""Gates written into the project that is the working directory, and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate


def gate_of(text: str, path: str = "gates/help-desk.toml") -> Gate:
    Path(path).write_text(text)
    return read_gate(Path(path))


def refusal(text: str) -> str:
    """The message about a gate, without the path of the file in front of the line."""
    with pytest.raises(ConfigError) as caught:
        gate_of(text)
    assert caught.value.exit_code == 2
    return str(caught.value).removeprefix("gates/help-desk.toml:").strip()
