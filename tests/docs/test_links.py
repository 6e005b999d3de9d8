"""Links between the pages lead somewhere, and every page can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, REPOSITORY, Page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_and_its_anchor_resolve(page: Page) -> None:
    anchors = {other.path: other.anchors for other in PAGES}
    broken = [
        link
        for link, path, anchor in _links(page)
        if not path.exists() or (anchor and anchor not in anchors.get(path, set()))
    ]
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    pages = {page.path: page for page in PAGES}
    waiting, seen = [REPOSITORY / "README.md"], set()
    while waiting:
        path = waiting.pop()
        if path in pages and path not in seen:
            seen.add(path)
            waiting += [linked for _, linked, _ in _links(pages[path])]
    assert sorted(page.name for path, page in pages.items() if path not in seen) == []


def test_anchors_are_spelled_as_github_spells_them(tmp_path: Path) -> None:
    page = Page(tmp_path / "x.md")
    page.path.write_text(
        "# Scripts for Langfuse's `[action]`\n\n```\n# no heading\n```\n\n## scoregate.compare\n"
    )
    assert page.anchors == {"scripts-for-langfuses-action", "scoregatecompare"}


def _links(page: Page) -> Iterator[tuple[str, Path, str]]:
    """Each link to a place in the repository: itself, the file, the anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.prose):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        yield link, (page.path.parent / name).resolve() if name else page.path, anchor
