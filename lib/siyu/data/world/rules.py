"""Rules that settings must keep, each broken one told as name, value, rule, remedy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence


class SettingsError(ValueError):
    """A setting outside its range."""


def outside(
    name: str, number: float, *, above: float | None = None, most: float = math.inf
) -> Iterable[str]:
    """Numbers are finite, at least 0 (or above `above`), and at most `most`."""
    high_enough = number >= 0 if above is None else number > above
    if not (high_enough and number <= most and math.isfinite(number)):
        low = "at least 0" if above is None else f"above {above:g}"
        rule = low if most == math.inf else f"{low} and at most {most:g}"
        remedy = "a positive number" if most == math.inf else "a fraction, 0.3 for 30%"
        yield f"{name} = {number} must be {rule}; give {remedy}"


def unlike(name: str, table: Mapping[str, object], keys: Sequence[str]) -> Iterable[str]:
    """A table has exactly the given keys."""
    if set(table) != set(keys):
        yield f"{name} has {', '.join(table) or 'nothing'}; give exactly {', '.join(keys)}"


def each_outside(
    name: str,
    table: Mapping[str, float],
    keys: Sequence[str],
    *,
    above: float | None = None,
    most: float = math.inf,
) -> Iterable[str]:
    """A table has exactly the given keys, and each number keeps the rule of `outside`."""
    yield from unlike(name, table, keys)
    for key, number in table.items():
        yield from outside(f"{name}.{key}", number, above=above, most=most)


def not_shares(name: str, shares: Mapping[str, float], keys: Sequence[str]) -> Iterable[str]:
    """A table of shares has exactly the given keys, and sums to 1."""
    yield from each_outside(name, shares, keys, most=1)
    total = sum(shares.values())
    if abs(total - 1) > 1e-9:
        yield f"{name} sums to {total:g} and must sum to 1; divide each share by {total:g}"
