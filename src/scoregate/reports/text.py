"""Text for people: safe to print, measured and wrapped by what a terminal shows.

Other people's text reaches the terminal and GitHub through here. An output may hold terminal escape sequences
or characters that turn the reading direction, so these are written out (`\\x1b`) and never passed on.

What a reader sees as one character (a family of joined emoji, a flag, a letter with its marks) is measured as one by
wcwidth, and never cut in two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.wording import written_out

_MOST_CHARACTERS = 20_000
"""Of a longer text only this much is looked at: nobody reads it in a report."""
_LINE_BREAK = " ⏎ "
_ELLIPSIS = "…"
OWN_SIGNS = "−–…·×→±≥≤"
"""Signs that reports write themselves, of one column each; for them alone wcwidth need not be loaded."""
_WITHOUT_OWN_SIGNS = str.maketrans("", "", OWN_SIGNS)
_COLOURS = {"green": "32", "red": "31", "yellow": "33", "magenta": "35"}
MARK_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta"}


def plain(text: str) -> str:
    """The text with its line breaks as `\\n`, and unprintable characters written out."""
    lines = text[:_MOST_CHARACTERS].expandtabs(4).splitlines()
    return "\n".join(map(written_out, lines))


def one_line(text: str) -> str:
    """The text on one line: line breaks become a return sign, runs of white space one space."""
    lines = (" ".join(line.split()) for line in plain(text).splitlines())
    return _LINE_BREAK.join(line for line in lines if line)


def as_text(value: JSON) -> str:
    """A JSON value as text: a string as it is, unless it would read as another value (`"42"`, `""`)."""
    if not isinstance(value, str):
        return json_codec.dumps(value, ensure_ascii=False, default=repr)
    return json_codec.dumps(value, ensure_ascii=False) if _reads_as_another_value(value) else value


def cut(text: str, length: int) -> str:
    """The text, or its first characters and an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def from_first_difference(before: str, after: str, width: int) -> tuple[str, str]:
    """Both texts, their shared beginning cut if it is so long that `width` characters would not show what differs."""
    if max(len(before), len(after)) <= width or before == after:
        return before, after
    shared = _shared_beginning(before, after)
    if shared <= width // 2:
        return before, after
    cut = shared - width // 4
    space = before.find(" ", cut, shared)
    start = space + 1 if space >= 0 else cut
    return f"…{before[start:]}", f"…{after[start:]}"


def _shared_beginning(before: str, after: str) -> int:
    for index, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return index
    return min(len(before), len(after))


def _reads_as_another_value(text: str) -> bool:
    if not text.strip():
        return True
    if len(text) > _MOST_CHARACTERS:
        return False
    try:
        json_codec.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def display_width(text: str) -> int:
    """Columns of a text without control characters."""
    if _is_plain(text):
        return len(text)
    from wcwidth import width

    return width(text, control_codes="ignore")


def pad(text: str, width: int) -> str:
    """The text, filled with spaces on the right to `width` columns."""
    return text + " " * (width - display_width(text))


def shorten(text: str, width: int) -> str:
    """The text if it fits into `width` columns (at least 1), else its beginning and an ellipsis."""
    if display_width(text) <= width:
        return text
    kept = beginning(text, width - 1).rstrip()
    while display_width(kept + _ELLIPSIS) > width:  # a stray mark may take a column of what comes after it
        kept = kept[:-1]
    return kept + _ELLIPSIS


def beginning(text: str, width: int) -> str:
    """As much of the text as fits into `width` columns."""
    return text[: _fitting(text, width)]


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken at spaces; a word that is too long is cut, on lines of its own.

    A character that is itself wider than `width` stands alone on a line, which is then too wide.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if display_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while (cut := _fitting(word, width) or _first(word)) < len(word):
            lines.append(word[:cut])
            word = word[cut:]
        line = word
    return [*lines, line] if line else lines


def _is_plain(text: str) -> bool:
    """Whether every character is one that a reader sees, of one column."""
    return text.translate(_WITHOUT_OWN_SIGNS).isascii()


def _fitting(text: str, width: int) -> int:
    """Length of the beginning of `text` that fits into `width` columns, between characters that a reader sees.

    Its characters one by one, and then the whole of them: marks may add a column to what stands before them.
    """
    if _is_plain(text):
        return min(len(text), width)
    from wcwidth import iter_graphemes

    used, ends = 0, [0]
    for character in iter_graphemes(text):
        used += display_width(character)
        if used > width:
            break
        ends.append(ends[-1] + len(character))
    while display_width(text[: ends[-1]]) > width:
        ends.pop()
    return ends[-1]


def _first(text: str) -> int:
    """Length of the first character that a reader sees."""
    from wcwidth import iter_graphemes

    return len(next(iter_graphemes(text)))


@dataclass(frozen=True, slots=True)
class Paint:
    """Paints text, or leaves it as it is where colour is off."""

    on: bool

    def __call__(self, text: str, colour: str | None, *, bold: bool = False) -> str:
        if not self.on or colour is None:
            return text
        return f"\x1b[{'1;' if bold else ''}{_COLOURS[colour]}m{text}\x1b[0m"


def hanging(text: str, width: int, *, first: str, indent: int = 2) -> list[str]:
    """The text wrapped behind `first`, further lines indented."""
    lines = wrap(one_line(text), width - max(len(first), indent)) or [""]
    return [(first if index == 0 else " " * indent) + line for index, line in enumerate(lines)]


def paragraphs(texts: Iterable[str], width: int, *, first: str) -> list[str]:
    """Each text wrapped behind `first`."""
    return [line for text in texts for line in hanging(text, width, first=first)]
