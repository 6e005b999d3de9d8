"""Output as a page shows it, held against what a command prints."""

from __future__ import annotations

import re

GAP = "…"
"""A line of its own where the page leaves lines out."""
RUN_ID = re.compile(r"\b[a-z-]+-\d{8}-\d{6}-[0-9a-f]{4}\b")


def follow(shown: str, printed: str) -> dict[str, str]:
    """Check that each shown line follows the one before it, as printed, except over a gap.

    Ids of runs are other ones here: returns each id that is shown with the one that was printed in its place.
    """
    lines, position, gap = printed.splitlines(), 0, False
    here: dict[str, str] = {}
    for line in shown.splitlines():
        if line == GAP:
            gap = True
            continue
        wanted = RUN_ID.sub("RUN", line)
        rest = [RUN_ID.sub("RUN", one) for one in lines[position:]]
        assert wanted in (rest if gap else rest[:1]), (line, lines)
        position += rest.index(wanted) + 1
        here |= dict(zip(RUN_ID.findall(line), RUN_ID.findall(lines[position - 1]), strict=True))
        gap = False
    assert gap or not "".join(lines[position:]).strip(), lines[position:]
    return here
