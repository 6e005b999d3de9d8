"""How many terminal columns a text takes, and padding, shortening and wrapping by that measure.

What a reader sees as one character (a family of joined emoji, a flag, a letter with its marks) is measured as one by
wcwidth, and never cut in two.
"""

from __future__ import annotations

ELLIPSIS = "…"
OWN_SIGNS = "−–…·×→±≥≤"
"""Signs that reports write themselves, of one column each; for them alone wcwidth need not be loaded."""
_WITHOUT_OWN_SIGNS = str.maketrans("", "", OWN_SIGNS)


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
    while display_width(kept + ELLIPSIS) > width:  # a stray mark may take a column of what comes after it
        kept = kept[:-1]
    return kept + ELLIPSIS


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
