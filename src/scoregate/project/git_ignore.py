"""The `.gitignore` of a project: what holds keys or is made anew must not be committed."""

from __future__ import annotations

from pathlib import Path

from scoregate.errors import ScoregateError

_LINES = {
    ".env": (".env", "/.env", ".env*"),
    ".scoregate/": (".scoregate/", ".scoregate", "/.scoregate/", "/.scoregate"),
}
"""Line that is wanted -> lines that do the same."""


def ignore_in_git(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Have git ignore `.env` and `.scoregate/` in a folder: the ignore file, and the lines that it lacked.

    They are written behind what is there, which stays. Raises ScoregateError.
    """
    path = folder / ".gitignore"
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        there = {line.strip() for line in text.splitlines()}
        added = tuple(line for line, same in _LINES.items() if there.isdisjoint(same))
        if added:
            with path.open("a", encoding="utf-8") as file:
                file.write(
                    "".join(
                        ["\n" if text and not text.endswith("\n") else "", *(f"{line}\n" for line in added)]
                    )
                )
    except OSError as error:
        raise ScoregateError(f"cannot be written: {error.strerror}", where=str(path)) from error
    return path, added
