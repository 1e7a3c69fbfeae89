"""What the reviews of a pool are reduced to: counts of members by where they were and are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

LEFT, NOT_REVIEWED = -1, -2
"""Codes beside those of tiers: of who has left, and of who is there but was not reviewed."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Moves between tiers, reduced; all counts are of members, and a tier is an index into `tiers`.

    A member is who was ever reviewed and has not left; without a review in a round a member keeps
    the tier of the one before.

    reviews: the days by which the rounds are named, in order; of those before `first` only the last
        one, at which the accounts open. unit: "day", or "month" (see `find_rounds`).
    moved: per `round` (its place), `before` (-1: never reviewed before) and `tier`: `n` reviewed.
    gone: per `round` and `tier` (their last): `n` who left since the round before.
    steps: of members reviewed at a round, `step` (0: the latest) times `move_reviews` before the
        last, the later one: per `origin` there, `to` (or LEFT, NOT_REVIEWED) at the later one, and
        `earlier` (tier, a step before; -1: not reviewed then): `n`. move_reviews: rounds in a step.
    joined: per `tier` at the last round: `n` first reviewed since the one of step 0 at which it
        begins.
    whole: the day of the first round that knew all of the spend that sets a tier; None: all did.
    histories: users by what their reviews after that round, or the opening, say: per `tier` before
        and `way` ("down", "up"): `last` reviews in the last round and `last_moved` of them, `n`
        reviews and `moved` in the earlier ones, and of all of them `t`, `tt`, `t_moved`: sums of
        the round (0 the last, -1 the one before), its square, and that of the moves; `users` are so
        many.
    counts: `reviews` there are; of `strangers` (not in users); `after_leaving`; `odd` (on another
        than a common day); `later` (after the last round); `repeated` (in a round that had a later
        one); `passed` (members first reviewed and gone within one round).
    """

    source: str
    as_of: date
    min_users: int
    tiers: tuple[str, ...]
    unit: str
    reviews: tuple[date, ...]
    move_reviews: int
    moved: pd.DataFrame
    gone: pd.DataFrame
    steps: pd.DataFrame
    joined: pd.DataFrame
    whole: date | None
    histories: pd.DataFrame
    counts: dict[str, int]
