"""Markdown as GitHub's own renderer reads it (cmark-gfm), taken apart into tags and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
_VOID = ("br", "input", "img", "hr")
_DIFFERENCES = ("del", "ins")


@dataclass
class Rendered(HTMLParser):
    """`tags` in their order with their attributes, without those that mark words; `text` as a reader sees it."""

    tags: list[str] = field(default_factory=list)
    text: str = ""
    prose: str = ""
    """The text outside of code, in which alone GitHub looks for names, numbers of issues and addresses."""
    comments: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.still_open.append(tag)
        if tag not in _DIFFERENCES:
            self.tags.append(" ".join([tag, *(f"{name}={value}" for name, value in attrs)]))

    def handle_endtag(self, tag: str) -> None:
        assert self.still_open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if not {"code", "pre"} & set(self.still_open):
            self.prose += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def rendered(markdown: str) -> Rendered:
    """HTML that stands in the Markdown is kept, as far as GitHub would look at it."""
    html = cmarkgfm.markdown_to_html_with_extensions(
        markdown, options=Options.CMARK_OPT_UNSAFE, extensions=_EXTENSIONS
    )
    made = Rendered()
    made.feed(html)
    made.close()
    assert made.still_open == []
    return made
