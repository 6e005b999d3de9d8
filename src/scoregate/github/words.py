"""Two texts beside each other, with the words that differ marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from scoregate.reports.markdown_text import inline
from scoregate.reports.text import cut, from_first_difference, one_line


def marked(before: str, after: str, length: int) -> tuple[str, str]:
    """Both as Markdown, of at most so many characters each before they are escaped: what is gone struck through, what
    is new underlined. Each begins not long before the first difference."""
    texts = from_first_difference(one_line(before), one_line(after), length)
    old, new = (cut(text, length).split(" ") for text in texts)
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = _told(old, [(i, j, kind != "equal") for kind, i, j, _, _ in steps], "del")
    come = _told(new, [(i, j, kind != "equal") for kind, _, _, i, j in steps], "ins")
    return " ".join(gone), " ".join(come)


def _told(words: Sequence[str], runs: Sequence[tuple[int, int, bool]], tag: str) -> Iterator[str]:
    for first, end, differs in runs:
        text = inline(" ".join(words[first:end]))
        if text:
            yield f"<{tag}>{text}</{tag}>" if differs else text
