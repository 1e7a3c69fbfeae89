"""Say whole sentences from the catalogue of the language spoken now.

A phrase says what is filled in and how it is written: `{rate:percent}`, `{steps:names}`. What is
said is decided in code, by key; how it is said stands in `wording/<language>/<part>.yaml`, with the
same keys in every language, so that no sentence is put together from fragments. The part is the
first word of a key, and is read when something of it is first said.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from siyu import formats
from siyu.language import join_folds, locale, spoken

_LONGEST_NAME = 120
"""As many letters as a product's name may have in the shops; twice those of a Chinese one."""
_PANEL = 24
"""Width of a name above a panel, or at a mark."""
Text = str | Mapping[str, str]
"""A phrase; or one per plural category, chosen by the number that `by` names."""


_SOME_STEPS = re.compile(r"(\d+) of (\d+) steps")
_AGAIN = re.compile(r"(.+) \((\d+)\)")
"""Names of ours for steps in any order, and for a step asked for again."""
# The one in C reads a catalogue in an eighth of the time; a PyYAML built from source may lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def phrase(key: str, /, **values: Any) -> str:
    """Say one phrase.

    Args:
        key: its place in the catalogue, such as "funnel.loss.none".
        values: what is filled in, by name; more than the phrase takes are left out.

    Raises:
        KeyError: there is no such phrase, or a value is missing.
    """
    part, _, name = key.partition(".")
    text = wording(spoken(), part).get(name)
    if text is None:
        raise KeyError(key)
    if not isinstance(text, str):
        category = locale().plural_form(round(values[text["by"]]))
        text = text.get(category, text["other"])
    return _WRITER.vformat(text, (), values)


def term(name: str) -> str:
    """Give the reader's word for a standard name (of an event, a channel, a lure, a segment, …).

    In a name of several, as segments and steps have, each standard part gets its word; what only
    this merchant knows stays as it is, cut where it is no name but a text.
    """
    if (own := _word(name)) is not None:
        return own
    if found := _SOME_STEPS.fullmatch(name):
        return phrase("page.some_steps", k=found[1], n=found[2])
    if (found := _AGAIN.fullmatch(name)) and (own := _word(found[1])) is not None:
        return phrase("page.in_brackets", text=own, n=found[2])
    for between, said in ((" × ", " × "), (" or ", phrase("page.or"))):
        parts = name.split(between)
        if len(parts) > 1 and any(_word(part) is not None for part in parts):
            return said.join(map(term, parts))
    return formats.shorten(name, width=_LONGEST_NAME)


def _word(name: str) -> str | None:
    own = wording(spoken(), "terms").get(name)
    return None if own is None else str(own)


def cell(column: str, value: str) -> str:
    """Give the reader's word for a value in a column of a table."""
    own = wording(spoken(), "values").get(f"{column}.{value}")
    return term(value) if own is None else str(own)


def heading(column: str) -> str:
    """Give the reader's word for a column of a table."""
    return str(wording(spoken(), "columns").get(column, column))


@cache
def wording(language: str, part: str) -> dict[str, Text]:
    """Read the phrases of a part, by what stands behind it in a key; a language may have none."""
    file = files("siyu") / "wording" / language / f"{part}.yaml"
    if not file.is_file():
        return {}
    return dict(_flat(yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)))


def section(name: str) -> dict[str, str]:
    """Give the phrases below a key, for a page that chooses among them itself."""
    part, _, below = name.partition(".")
    words, prefix = wording(spoken(), part), f"{below}." if below else ""
    return {key.removeprefix(prefix): str(words[key]) for key in words if key.startswith(prefix)}


def _flat(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Text]]:
    for name, value in block.items():
        if isinstance(value, dict) and not {"by", "other"} <= set(value):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _joined(value)


def _joined(text: Text) -> Text:
    if isinstance(text, str):
        return join_folds(text)
    return {name: join_folds(form) for name, form in text.items()}


def _names(names: Sequence[str]) -> str:
    return formats.few([formats.quote(term(name)) for name in names])


FORMATS: Mapping[str, Callable[[Any], str]] = {
    "percent": formats.percent,
    "points": formats.points,
    "apart": formats.apart,
    "signed": formats.signed,
    "number": formats.number,
    "decimal": lambda value: formats.number(value, 1),
    "ratio": lambda value: formats.number(value, 2),
    "yuan": formats.yuan,
    "span": formats.span,
    "length": formats.length,
    "day": formats.day,
    "level": formats.level,
    "term": term,
    "label": lambda name: formats.shorten(term(name), width=_PANEL),
    "name": lambda name: formats.quote(term(name)),
    "names": _names,
    "items": formats.listed,
    "clauses": formats.clauses,
    "columns": lambda columns: " × ".join(map(heading, columns)),
}
"""How a value can be written, by the name that stands behind the colon."""


class _Writer(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return FORMATS[format_spec](value) if format_spec else str(value)


_WRITER = _Writer()
