"""The language a process speaks to its reader: one at a time, English unless said otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from babel import Locale

LANGUAGES = ("en", "zh")
_LOCALES = {"en": "en", "zh": "zh"}
_SIGN = "[\u3001-\u303f\uff00-\uff5e]"
_HAN = "[\u3001-\u303f\u4e00-\u9fff\uff00-\uff5e]"
_FOLD = re.compile(rf"(?<={_SIGN}) | (?={_SIGN})|(?<={_HAN}) (?={_HAN})")
_HAN_ENDS = re.compile(rf"{_SIGN}.|.{_SIGN}|{_HAN}{_HAN}")
_BLOCK = re.compile(r"\s*(?:[-*+]\s|[>#|]|\d+[.)]\s|```|$)")
"""How a line begins that is no continuation of the one before."""
_spoken = "en"


def use_language(language: str) -> None:
    """Speak a language from now on; a notebook says it once, before anything is drawn or said.

    Raises:
        ValueError: naming the languages there are.
    """
    global _spoken
    if language not in LANGUAGES:
        raise ValueError(f"language = {language!r} must be one of {', '.join(LANGUAGES)}")
    _spoken = language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for a while."""
    before = _spoken
    use_language(language)
    try:
        yield
    finally:
        use_language(before)


def spoken() -> str:
    """Give the language spoken now, one of `LANGUAGES`."""
    return _spoken


def locale() -> Locale:
    """Give the habits of the language spoken now: plurals, dates, units."""
    return _locale(_spoken)


def join_folds(text: str) -> str:
    """Take out the spaces that only fold a sentence: Chinese has none between words."""
    return _FOLD.sub("", text)


def join_lines(text: str) -> str:
    """Take out the line ends inside the paragraphs of a Markdown text where Chinese needs no space.

    Lists, tables, quotations, headings and blocks of code keep their lines.
    """
    joined: list[str] = []
    in_code = False
    for line in text.split("\n"):
        before = joined[-1] if joined else ""
        goes_on = not (in_code or _BLOCK.match(line) or before.lstrip().startswith(("#", "```")))
        if goes_on and before and _HAN_ENDS.search(before[-1] + line[0]):
            joined[-1] += line
        else:
            joined.append(line)
        in_code ^= line.lstrip().startswith("```")
    return "\n".join(joined)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES[language])
