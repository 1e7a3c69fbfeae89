"""The funnel by brute force: enumerate every choice of distinct rows, keep what the definition
allows.

Written from the words of the definition, without a thought for speed; it shares no code with the
library.
"""

from datetime import datetime, timedelta
from itertools import pairwise, permutations
from typing import NamedTuple


class Row(NamedTuple):
    user: str
    at: datetime
    event: str
    held: str | None = None


class Funnel(NamedTuple):
    steps: tuple[tuple[str, ...], ...]
    window: timedelta | None
    entry: str = "best"
    order: str = "ordered"
    exclude: tuple[str, ...] = ()
    hold: bool = False
    ties: str = "either"


def follow(
    rows: list[Row], funnel: Funnel, *, starts_from: datetime, starts_until: datetime
) -> dict[str, list[datetime | None]]:
    """For each user with a start: the first start, then the earliest instant of each further step.

    A step that is never reached is None.
    """
    answer = {}
    for user in sorted({row.user for row in rows}):
        own = [row for row in rows if row.user == user and row.at >= starts_from]
        listed = {name for step in funnel.steps for name in step}
        starting = listed if funnel.order == "any" else set(funnel.steps[0])
        starts = [
            row.at
            for row in own
            if row.event in starting
            and row.at <= starts_until
            and not (funnel.hold and row.held is None)
        ]
        if not starts:
            continue
        reached: list[datetime | None] = [min(starts)] + [None] * (len(funnel.steps) - 1)
        for k in range(2, len(funnel.steps) + 1):
            ends = [
                max(row.at for row in chain)
                for chain in permutations([row for row in own if row.event in listed], k)
                if _is_chain(chain, own, funnel)
                and chain[0].at <= starts_until
                and (funnel.entry == "best" or chain[0].at == min(starts))
            ]
            reached[k - 1] = min(ends, default=None)
        answer[user] = reached
    return answer


def _is_chain(chain: tuple[Row, ...], own: list[Row], funnel: Funnel) -> bool:
    first, last = chain[0].at, max(row.at for row in chain)
    if funnel.window is not None and last - first > funnel.window:
        return False
    if funnel.hold and (len({row.held for row in chain}) > 1 or chain[0].held is None):
        return False
    if any(row.event in funnel.exclude and first <= row.at < last for row in own):
        return False
    pairs = list(pairwise(chain))
    if funnel.order == "any":
        # The earliest leads; beyond that each row must serve a different step.
        return all(row.at >= first for row in chain) and any(
            all(row.event in step for row, step in zip(chain, steps, strict=True))
            for steps in permutations(funnel.steps, len(chain))
        )
    if not all(row.event in step for row, step in zip(chain, funnel.steps, strict=False)):
        return False
    if not all(a.at < b.at or (a.at == b.at and funnel.ties == "either") for a, b in pairs):
        return False
    return funnel.order != "strict" or not any(
        a.at < row.at < b.at for a, b in pairs for row in own
    )
