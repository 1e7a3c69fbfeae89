"""Write numbers, dates and intervals the way the reports do, in the language spoken now."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

from babel.dates import format_date
from babel.units import format_unit

from siyu.language import locale, spoken

NOTHING = "–"
_DAYS = {"en": "d MMM y", "zh": "y年M月d日"}
_SHORT_DAYS = {"en": "d MMM", "zh": "M/d"}
_LARGE = ((10**8, "亿"), (10**4, "万"))
_COUNTED = re.compile(r"^([-\d.,]+)")
_MOST_NAMES = 3
_SMALL_CNY = 100
"""Of what one person costs or brings, the hundredths tell."""


def percent(share: float, digits: int = 1) -> str:
    """Write a fraction as a percentage: 0.1234 is 12.3%."""
    return f"{share:.{digits}%}".replace("-", "−") if math.isfinite(share) else NOTHING


def signed(difference: float, digits: int = 1) -> str:
    """Write a difference of fractions in percentage points without the unit: 0.012 is +1.2."""
    if not math.isfinite(difference):
        return NOTHING
    if not round(100 * difference, digits):
        digits += 1  # an end of an interval near 0 still has a side
    rounded = round(100 * difference, digits) + 0.0  # no "-0.0"
    if not rounded:
        digits -= 1
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def points(difference: float, digits: int = 1) -> str:
    """Write a difference of fractions in percentage points, with its sign: 0.012 is +1.2 pp."""
    unit = {"en": "pp", "zh": "个百分点"}[spoken()]
    text = signed(difference, digits)
    return text if text == NOTHING else f"{text} {unit}"


def apart(difference: float, digits: int = 1) -> str:
    """Write how far apart two fractions are, where words say which way: −0.012 is 1.2 pp."""
    return points(abs(difference), digits).removeprefix("+")


def level(coverage: float) -> str:
    """Write the coverage of an interval, or what it leaves out: 0.95 is 95%, 0.999 is 99.9%."""
    return f"{100 * coverage:.3g}%"


def number(value: float, digits: int = 0) -> str:
    """Write a number with thousands separated: 1234.5 is 1,234 (or 1,234.5 with one digit).

    Counts of people are written to the last one, in Chinese too: a denominator is no round figure.
    """
    if not math.isfinite(value):
        return NOTHING
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def yuan(value: float, digits: int = 0) -> str:
    """Write an amount of money: 1234.5 is 1,234 yuan; in Chinese a large one in 万 or 亿."""
    if not math.isfinite(value):
        return NOTHING
    if spoken() == "en":
        return f"{number(value, digits)} yuan"
    for size, unit in _LARGE:
        if round(abs(value) / size, 2) >= 1:
            written = f"{value / size:,.2f}".rstrip("0").rstrip(".").replace("-", "−")
            return f"{written} {unit}元"
    return f"{number(value, digits)} 元"


def quantity(value: float, unit: str) -> str:
    """Write the value of a finding in its unit: a share as a percentage, money as yuan.

    Args:
        value: in that unit.
        unit: of the output contract, such as "share" or "days".
    """
    if unit == "share":
        return percent(value)
    if unit == "cny":
        return yuan(value, 2 if abs(value) < _SMALL_CNY else 0)
    if unit in ("days", "hours"):
        return span(value if unit == "days" else value / 24)
    return number(value, 2 if unit == "ratio" else 0)


def span(days: float) -> str:
    """Write a length of time in the unit that reads best: 29 minutes, 12.0 hours, 3.0 days."""
    if not math.isfinite(days):
        return NOTHING
    if days < 1 / 24:
        return _unit(round(days * 1440), "minute", "#,##0")
    if days < 2:
        return _unit(round(days * 24, 1), "hour", "#,##0.0")
    return _unit(round(days, 1), "day", "#,##0.0")


def length(days: float) -> str:
    """Write a length of time that was asked for, to three digits: 36 hours, 14 days."""
    if days < 2:
        return _unit(float(f"{days * 24:.3g}"), "hour", "#,##0.###")
    return _unit(days if days >= 1000 else float(f"{days:.3g}"), "day", "#,##0.###")


def day(value: date) -> str:
    """Write a day: 4 Feb 2026."""
    return str(format_date(value, _DAYS[spoken()], locale=locale()))


def short_day(value: date) -> str:
    """Write a day of a year that is known: 4 Feb."""
    return str(format_date(value, _SHORT_DAYS[spoken()], locale=locale()))


def quote(name: str) -> str:
    """Set a name from the data apart from the words around it."""
    return f"“{name}”"


def listed(items: Sequence[str]) -> str:
    """Set items of a list apart from each other."""
    return {"en": ", ", "zh": "、"}[spoken()].join(items)


def clauses(items: Sequence[str]) -> str:
    """Set clauses of a sentence apart from each other."""
    return {"en": "; ", "zh": "；"}[spoken()].join(items)


def few(items: Sequence[str]) -> str:
    """List the first three items and count the others."""
    shown, left = listed(items[:_MOST_NAMES]), len(items) - _MOST_NAMES
    if left <= 0:
        return shown
    return {"en": f"{shown} and {left} more", "zh": f"{shown}等 {len(items)} 个"}[spoken()]


def paragraph(*sentences: str) -> str:
    """Put whole sentences behind each other; an empty one is left out."""
    return {"en": " ", "zh": ""}[spoken()].join(map(full_stop, filter(None, sentences)))


def paragraphs(*texts: str) -> str:
    """Set texts apart from each other, as a page does; an empty one is left out."""
    return "\n\n".join(map(full_stop, filter(None, texts)))


def full_stop(sentence: str) -> str:
    """End a sentence that has no end yet."""
    return sentence if sentence[-1:] in tuple(".!?:。！？：") else sentence + _STOPS[spoken()]


def without_stop(sentence: str) -> str:
    """Take the full stop off a sentence that stands alone, as a title does."""
    return sentence.rstrip(".。")


_STOPS = {"en": ".", "zh": "。"}


def _unit(value: float, unit: str, pattern: str) -> str:
    # CLDR has the whole words for Chinese units of time under "short".
    form: Literal["long", "short"] = "long" if spoken() == "en" else "short"
    text = format_unit(value, f"duration-{unit}", length=form, format=pattern, locale=locale())
    return text if " " in text else _COUNTED.sub(r"\1 ", text)
