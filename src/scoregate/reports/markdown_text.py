"""Parts of a Markdown text that keep to their share of its length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def bullets(texts: Iterable[str], share: int) -> list[str]:
    """A list of at most `share` characters, and a line that counts what is left out."""
    kept, left = within([f"- {text}" for text in texts], share)
    if left:
        kept.append(f"- … and {left:,} more, left out here for length")
    return ["\n".join(kept)] if kept else []


def within(blocks: Sequence[str], share: int) -> tuple[list[str], int]:
    """The first blocks that fit into `share` characters, and how many do not."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(block) + 2
        if used > share:
            return list(blocks[:index]), len(blocks) - index
    return list(blocks), 0


def cut(text: str, length: int) -> str:
    """The text, or its first characters and an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"
