"""From the outputs of an executed notebook to safe HTML: nothing that comes out of data can run.

Markdown is rendered with raw HTML shown as text; HTML outputs keep only an allow-list of elements.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import mistune
import nh3

from siyu.phrases import phrase
from siyu.report.outcome import plain

_PNG_PIXELS_PER_POINT = 2
_HTML_TAGS = {
    *("b", "br", "code", "em", "i", "p", "pre", "small", "span", "strong", "sub", "sup"),
    *("caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    *("a", "abbr", "details", "div", "figcaption", "figure", "hr", "li", "ol", "summary", "ul"),
}
_HTML_ATTRIBUTES = {
    "*": {"class", "title"},
    "a": {"href"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "details": {"open"},
}


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading of a page, for its table of contents."""

    level: int
    text: str
    anchor: str


class Renderer(mistune.HTMLRenderer):
    """Markdown to HTML with raw HTML escaped, no images from elsewhere, and anchored headings."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.headings: list[Heading] = []

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Render a heading with an anchor; the page's title is the only one of level 1."""
        level = max(level, 2)
        words = unescape(re.sub(r"<[^>]*>", "", text))
        slug = re.sub(r"\W+", "-", words.lower()).strip("-")
        anchor = f"s{len(self.headings) + 1}-{slug}"
        self.headings.append(Heading(level=level, text=words, anchor=anchor))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Render the alternative text: a page loads nothing from elsewhere."""
        return text


class Content:
    """Turns the cells of one page into HTML, and collects its headings."""

    def __init__(self) -> None:
        self._renderer = Renderer()
        self._markdown = mistune.create_markdown(renderer=self._renderer, plugins=["table"])

    @property
    def headings(self) -> list[Heading]:
        """The headings rendered so far."""
        return self._renderer.headings

    def markdown(self, text: str) -> str:
        """Render Markdown."""
        return str(self._markdown(text))

    def output(self, output: Mapping[str, Any]) -> str:
        """Render one output of a code cell in its richest safe form.

        Standard error speaks to the author and stays in the notebook; an error that ended the
        notebook stands at the top of the page, with its cell.
        """
        if output["output_type"] == "stream" and output["name"] == "stdout":
            return f"<pre>{escape(plain(output['text']))}</pre>"
        if "data" not in output:
            return ""
        data = output["data"]
        if "image/png" in data:
            return _figure(plain(data["image/png"]), output["metadata"].get("image/png", {}))
        if "text/html" in data:
            return f'<div class="scroll">{clean_html(plain(data["text/html"]))}</div>'
        if "text/markdown" in data:
            return self.markdown(plain(data["text/markdown"]))
        return f"<pre>{escape(plain(data.get('text/plain', '')))}</pre>"


def clean_html(text: str) -> str:
    """Keep the elements and attributes of tables and plain text; drop scripts and styles whole."""
    return nh3.clean(
        text,
        tags=_HTML_TAGS,
        attributes=_HTML_ATTRIBUTES,
        clean_content_tags={"script", "style"},
        url_schemes={"http", "https", "mailto"},
    )


def _figure(encoded: str, metadata: Mapping[str, Any]) -> str:
    encoded = "".join(encoded.split())
    # Width and height stand in the first chunk of every PNG; given early, the page does not jump.
    width, height = struct.unpack(">II", base64.b64decode(encoded[:32])[16:24])
    return (
        f'<figure><img src="data:image/png;base64,{encoded}"'
        f' alt="{escape(metadata.get("alt", phrase("page.no_description")))}"'
        f' width="{width // _PNG_PIXELS_PER_POINT}" height="{height // _PNG_PIXELS_PER_POINT}">'
        "</figure>"
    )
