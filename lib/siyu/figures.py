"""The look of every figure: canvas, colours, fonts, and the picture that a notebook shows."""

from __future__ import annotations

import html
import io
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image

from siyu.formats import full_stop, paragraph, without_stop, without_turns
from siyu.formats import shorten as shorten
from siyu.phrases import cell, heading, phrase

ACCENT = "#0072B2"
SECOND = "#D55E00"
THIRD = "#009E73"
BLACK = "#1A1A1A"
GREY = "#767676"
PALE = "#D5D9DD"
SERIES = (ACCENT, SECOND, THIRD, BLACK)
"""Okabe and Ito's colours that stand out on white, in the order in which series take them."""

WIDTH_INCHES = 9.0
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&]")
_ITEM = re.compile(r"^(\d*)([-+.)])", re.MULTILINE)
"""How a line begins that would be one of a list."""
_CHINESE = re.compile(r"[\u2e80-\uffff]")
_LATIN = "DejaVu Sans"
_BOLDER = 0.7
"""Outline that makes a letter bold, in points."""
_LINE = 1.3
_OPENS, _ENDS = "“‘（《【(", "”’，。；：、！？）》】～),.;:!?%"
_TOKEN = re.compile(
    # One Chinese character, or a word; with the marks that open before it or end behind it.
    rf"[{_OPENS}]*(?:[\u2e80-\uffff]|[^ \u2e80-\uffff]{{1,40}})[{_ENDS}]* *| +"
)
_NO_GLYPH = re.compile(r"Glyph (\d+) ")
_CHANCES = ("p", "p_holm")
_LEAST_CHANCE = 0.0001
"""No test is so exact that a smaller p-value could be told from another."""
_DPI = 200
_COLOURS = 64
_CHINESE_FONTS = (
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
)


class GlyphWarning(UserWarning):
    """A character that no font of this machine has: a reader sees a box."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure as the reader gets it: the image, what it shows in words, and its numbers.

    `name` names the table among the files of a report, `png` is the image, `alt` says what is to be
    seen to those who cannot see it, `table` holds the numbers drawn, one row per mark. `undrawn`
    are the characters that no font of this machine has.
    """

    name: str
    png: bytes
    alt: str
    table: pd.DataFrame
    undrawn: str = ""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Numbers to read: escaped HTML, folded below a caption until asked for."""

    table: pd.DataFrame
    caption: str

    def _repr_html_(self) -> str:
        summary = html.escape(self.caption)
        return f"<details><summary>{summary}</summary>{to_html(self.table)}</details>"


def say(sentence: str) -> None:
    """Show a computed sentence in a notebook, so that no name in it can act as markup.

    An empty one shows nothing.
    """
    from IPython.display import display

    if sentence:
        plain = _ITEM.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", full_stop(sentence)))
        # Not `Markdown(plain)`: it would read a file, or an address, that a sentence happens to be.
        display({"text/markdown": plain, "text/plain": sentence}, raw=True)  # type: ignore[no-untyped-call]


def show(picture: Picture) -> None:
    """Show a picture in a notebook, with its numbers folded below."""
    from IPython.display import display

    display(picture)  # type: ignore[no-untyped-call]
    if len(picture.table):
        show_table(picture.table, phrase("table.numbers"))
    if picture.undrawn:
        say(phrase("table.no_glyph", characters=picture.undrawn))


def show_table(table: pd.DataFrame, caption: str) -> None:
    """Show a table in a notebook, folded below its caption."""
    from IPython.display import display

    display(Table(table=table, caption=caption))  # type: ignore[no-untyped-call]


def to_html(table: pd.DataFrame) -> str:
    """Write a table as HTML in which nothing from the data can act as markup."""
    names = list(map(str, table.columns))
    head = "".join(f"<th>{html.escape(heading(name))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(map(_data, names, row)) + "</tr>" for row in table.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def canvas(
    title: str,
    subtitle: str,
    footer: str,
    *,
    height: float = 4.6,
    columns: int = 1,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] = (1,),
) -> tuple[Figure, list[Axes]]:
    """Make an empty figure in the house's look.

    Args:
        title: the finding, a sentence; its full stop is left out.
        subtitle: measure, unit, population, period.
        footer: source, number of users, method.
        height: of the figure, in inches.
        columns: panels beside each other, equally wide.
        widths: instead, their widths relative to each other.
        heights: of panels below each other, one against the other.

    Returns:
        The figure and its axes, row by row. Finish it with `finish`.
    """
    widths = widths or [1] * columns
    with mpl.rc_context(_style()):
        figure = Figure(figsize=(WIDTH_INCHES, height))
        panels = figure.subplots(
            len(heights), len(widths), squeeze=False, width_ratios=widths, height_ratios=heights
        )
        axes = list(panels.flat)
    top, bottom = height - 0.12, 0.08
    for text, size, weight, colour in (
        (without_stop(title), 13.5, "bold", BLACK),
        (subtitle, 9.5, "normal", GREY),
    ):
        top -= _write(figure, text, top, size=size, weight=weight, colour=colour, va="top") + 0.04
    bottom += _write(figure, footer, bottom, size=7.5, weight="normal", colour=GREY, va="bottom")
    bottom += 0.08
    figure.set_layout_engine(
        "constrained", rect=(0.005, bottom / height, 0.985, (top - bottom) / height)
    )
    return figure, axes


def finish(figure: Figure, *, name: str, alt: str, table: pd.DataFrame) -> Picture:
    """Render a figure to a small PNG: 200 dots per inch, 64 colours."""
    for text in figure.findobj(Text):
        if text.get_fontweight() != "bold":
            text.set_fontfamily(_families())
        text.set_parse_math(False)  # a name may hold dollar signs
    with mpl.rc_context(_style()), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn = FigureCanvasAgg(figure)
        figure.set_dpi(_DPI)
        drawn.draw()  # type: ignore[no-untyped-call]
    undrawn = _undrawn(caught)
    pixels = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
    image = Image.fromarray(pixels).convert("RGB")
    small = io.BytesIO()
    image.quantize(_COLOURS).save(small, format="png", optimize=True)
    return Picture(name=name, png=small.getvalue(), alt=alt, table=table, undrawn=undrawn)


def nothing(reason: str, *, name: str, title: str) -> Picture:
    """Draw the reason why there is nothing to draw."""
    prop = FontProperties(family=_families(), size=11)
    lines = _wrap(reason, prop, 7.5)
    height = max(1.9, 0.7 + 1.4 * prop.get_size_in_points() / 72 * len(lines))
    figure, (axes,) = canvas(title, "", "", height=height)
    axes.set_axis_off()
    said = "\n".join(lines)
    axes.text(0.5, 0.5, said, ha="center", va="center", color=GREY, fontproperties=prop)
    return finish(figure, name=name, alt=paragraph(title, reason), table=pd.DataFrame())


@cache
def chinese_font() -> str:
    """Name the font in which Chinese is drawn; "" where this machine has none.

    The variable SIYU_FONT may name a family, or a font file, to be used instead of the usual ones.
    """
    manager, asked = font_manager.fontManager, os.environ.get("SIYU_FONT", "")
    if Path(asked).is_file():
        with suppress(OSError, RuntimeError):  # a file that is no font names none
            manager.addfont(asked)
            return str(FontProperties(fname=asked).get_name())
    wanted = [asked, *_CHINESE_FONTS]
    if not (there := set(manager.get_font_names())) & set(wanted):
        # Matplotlib keeps its list of fonts from when it first ran: this one may have come since.
        for path in set(font_manager.findSystemFonts()) - {font.fname for font in manager.ttflist}:
            with suppress(OSError, RuntimeError):
                manager.addfont(path)
        there = set(manager.get_font_names())
    return next((name for name in wanted if name in there), "")


def _undrawn(caught: Iterable[warnings.WarningMessage]) -> str:
    """Take from what matplotlib warned of the characters that no font has; pass on the rest."""
    missing: list[str] = []
    for warning in caught:
        if found := _NO_GLYPH.match(str(warning.message)):
            missing.append(chr(int(found[1])))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    characters = "".join(dict.fromkeys(missing))
    if characters:
        warnings.warn(phrase("table.no_glyph", characters=characters), GlyphWarning, stacklevel=3)
    return characters


def _write(
    figure: Figure, text: str, y_inches: float, *, size: float, weight: str, colour: str, va: str
) -> float:
    """Write lines across the figure and give their height in inches."""
    # Chinese fonts often have no bold face: half a line in bold would be no emphasis.
    outlined = weight == "bold" and bool(_CHINESE.search(text))
    bold = weight == "bold" and not outlined
    families = [_LATIN] if bold else _families()
    prop = FontProperties(family=families, size=size, weight="bold" if bold else "normal")
    lines = _wrap(text, prop, WIDTH_INCHES - 0.22)
    x, y = 0.11 / WIDTH_INCHES, y_inches / figure.get_figheight()
    figure.text(
        x,
        y,
        "\n".join(lines),
        color=colour,
        fontproperties=prop,
        va=va,
        path_effects=[withStroke(linewidth=_BOLDER, foreground=colour)] if outlined else None,
    )
    return len(lines) * size * _LINE / 72


def _wrap(text: str, prop: FontProperties, width_inches: float) -> list[str]:
    """Break a text into lines that fit when drawn; Chinese breaks between any two characters."""
    lines: list[str] = []
    line, used = "", 0.0
    for token in _TOKEN.findall(text.replace(" pp", "\u00a0pp")):
        width = _width(token, prop)
        if line and used + width > 72 * width_inches:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line, used = line + token, used + width
    return [*lines, line.rstrip()]


@cache
def _width(token: str, prop: FontProperties) -> float:
    """Measure a token as it will be drawn, in points."""
    renderer = RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a character that no font has is told once it is drawn
        size = renderer.get_text_width_height_descent(token, prop, ismath=False)  # type: ignore[no-untyped-call]
    return float(size[0])


def _families() -> list[str]:
    """DejaVu Sans for Latin, digits and signs, then whichever Chinese font this machine has."""
    return [_LATIN, *filter(None, [chinese_font()])]


def _style() -> Any:
    return {
        "font.family": _families(),
        "font.size": 10,
        "text.color": BLACK,
        "axes.edgecolor": PALE,
        "axes.labelcolor": GREY,
        "axes.labelsize": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.color": PALE,
        "ytick.color": PALE,
        "xtick.labelcolor": BLACK,
        "ytick.labelcolor": BLACK,
        "hatch.linewidth": 0.6,
        "grid.color": "#EEF0F2",
    }


def _data(column: str, value: object) -> str:
    day = ' class="day"' if isinstance(value, date) else ""
    return f"<td{day}>{html.escape(_cell(column, value))}</td>"


def _cell(column: str, value: object) -> str:
    if isinstance(value, float):
        if pd.isna(value):
            return ""
        if column in _CHANCES and value < _LEAST_CHANCE:
            return f"<{_LEAST_CHANCE}"
        return f"{value:.6g}"
    if value is None or value is pd.NaT:
        return ""
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return f"{value:%Y-%m-%d}"
    # The sentence of a finding is no name, and says all it has to say.
    return without_turns(str(value)) if column == "message" else cell(column, str(value))
