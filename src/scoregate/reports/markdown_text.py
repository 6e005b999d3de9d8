"""Text in GitHub's Markdown: other people's can show, but not act, and each part keeps to its share of the length.

An output may hold pipes, fences, HTML, images, @mentions and #references. In running text and tables every
character with a meaning is written as an entity, which works the same inside `<code>`, where backslashes do
not; so a table keeps its columns. Longer values go into fenced blocks with a fence longer than any inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from scoregate.reports.text import one_line, plain

_ENTITIES = str.maketrans(
    {mark: f"&#{ord(mark)};" for mark in "|\\`*[]~$"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_ZERO_WIDTH_SPACE = "&#8203;"
_STARTS_A_BLOCK = re.compile(r"(?:[-+]|#+|\d+[.)])(?:\s|$)|[-=]+$")
_REFERENCE = re.compile(r"@(?=\w)|(?<!&)#(?=\w)|(?i:\bGH-)(?=\d)")
"""What stands before a name or number that GitHub would notify or link; not the sign of an entity."""
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LONGEST_ID = 200


def bullets(texts: Iterable[str], share: float) -> list[str]:
    """A list of at most `share` characters, and a line that counts what is left out."""
    kept, left = fitting([f"- {text}" for text in texts], share)
    if left:
        kept.append(f"- … and {left:,} more, left out here for length")
    return ["\n".join(kept)] if kept else []


def fitting(blocks: Sequence[str], share: float) -> tuple[list[str], int]:
    """The first blocks that fit into `share` characters, and how many do not."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(block) + 2
        if used > share:
            return list(blocks[:index]), len(blocks) - index
    return list(blocks), 0


def inline(text: str) -> str:
    """Running text on one line, with nothing in it that GitHub would format, link or notify anyone of."""
    safe = _escape(one_line(text))
    safe = _REFERENCE.sub(lambda sign: sign[0] + _ZERO_WIDTH_SPACE, safe)
    return (_ZERO_WIDTH_SPACE if _STARTS_A_BLOCK.match(safe) else "") + safe


def code(text: str) -> str:
    """A name (item id, score, command) as inline code; a very long one is cut."""
    line = one_line(text)
    if len(line) > _LONGEST_ID:
        line = line[: _LONGEST_ID - 1] + "…"
    return f"<code>{_escape(line)}</code>"


def link(label: str, url: str) -> str:
    """A link, or for anything but a web address its text."""
    if not re.fullmatch(r"https?://[^\s<>()\"'`|\\]+", url):
        return f"{inline(label)}: {code(url)}"
    return f"[{inline(label)}]({url})"


def fenced(text: str) -> str:
    """The text, lines kept, as a block that it cannot end itself."""
    safe = plain(text)
    longest = max(map(len, re.findall("`+", safe)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{safe}\n{fence}"


def _escape(line: str) -> str:
    safe = line.translate(_ENTITIES)
    safe = _OUTER_UNDERSCORE.sub("&#95;", safe)
    # GitHub makes links of bare addresses, even inside <code>.
    return safe.replace("://", "&#58;//").replace("www.", "www&#46;")
