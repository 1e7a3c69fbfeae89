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
_BREAK = re.compile(rf"(?<={_SIGN})[ \n](?! *[-*#\n])|[ \n](?={_SIGN})|(?<={_HAN})[ \n](?={_HAN})")
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


def join_lines(text: str) -> str:
    """Take out the spaces and line ends that only break lines: Chinese has none between words."""
    return _BREAK.sub("", text)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES[language])
