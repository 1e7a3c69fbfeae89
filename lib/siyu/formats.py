"""Write numbers, dates and intervals the way the reports do."""

from __future__ import annotations

import math
from datetime import date

NOTHING = "–"


def percent(share: float, digits: int = 1) -> str:
    """Write a fraction as a percentage: 0.1234 is 12.3%."""
    return f"{share:.{digits}%}" if math.isfinite(share) else NOTHING


def points(difference: float, digits: int = 1) -> str:
    """Write a difference of fractions in percentage points, with its sign: 0.012 is +1.2 pp."""
    if not math.isfinite(difference):
        return NOTHING
    rounded = round(100 * difference, digits) + 0.0  # no "-0.0"
    sign = "+" if rounded > 0 else "−" if rounded < 0 else ""
    return f"{sign}{abs(rounded):.{digits}f} pp"


def number(value: float, digits: int = 0) -> str:
    """Write a number with thousands separated: 1234.5 is 1,234 (or 1,234.5 with one digit)."""
    if not math.isfinite(value):
        return NOTHING
    rounded = round(value, digits) + 0.0
    return f"{rounded:,.{digits}f}".replace("-", "−")


def yuan(value: float) -> str:
    """Write an amount of money: 1234.5 is 1,234 yuan."""
    return f"{number(value)} yuan"


def span(days: float) -> str:
    """Write a length of time in the unit that reads best: 29 minutes, 12.0 hours, 3.0 days."""
    if not math.isfinite(days):
        return NOTHING
    if days < 1 / 24:
        return f"{number(days * 1440)} minutes"
    return f"{number(days * 24, 1)} hours" if days < 2 else f"{number(days, 1)} days"


def day(value: date) -> str:
    """Write a day: 4 Feb 2026."""
    return f"{value.day} {value:%b %Y}"


def quote(name: str) -> str:
    """Set a name from the data apart from the words around it."""
    return f"“{name}”"


def between(lower: str, upper: str, *, level: float) -> str:
    """Write an interval whose ends are already written: (95% CI 11.1% to 13.8%)."""
    return f"({level:.0%} CI {lower} to {upper})"
