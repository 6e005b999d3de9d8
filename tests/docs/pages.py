"""The Markdown files of the repository, taken apart: prose, fenced blocks, code within a line, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Page:
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        return self.path.relative_to(REPOSITORY).as_posix()

    @property
    def prose(self) -> str:
        """Everything that is not in a fenced block."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> Iterator[str]:
        """Fenced blocks of these languages ("" where a block names none), their indentation taken off."""
        for language, block in _FENCE.findall(self.text):
            if language in languages:
                indent = min(
                    (len(line) - len(line.lstrip()) for line in block.splitlines() if line.strip()), default=0
                )
                yield "".join(line[indent:] or "\n" for line in block.splitlines(keepends=True))

    def inline(self) -> Iterator[str]:
        """Code within a line of prose; where it runs on into the next line, in one line."""
        for code in _INLINE.findall(self.prose):
            yield " ".join(code.split())

    @property
    def anchors(self) -> set[str]:
        """What `#…` may name: the headings, as GitHub spells them."""
        found = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


PAGES = tuple(Page(path) for path in sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]))
