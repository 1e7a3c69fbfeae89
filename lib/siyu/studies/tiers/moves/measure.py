"""Reduce reviews to moves: what each round changed, member by member, counted in the engine."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.studies.rounds import Rounds
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members
from siyu.studies.tiers.moves.measures import LEFT, NOT_REVIEWED, Measures

_SUMS = ("last", "last_moved", "n", "moved", "t", "tt", "t_moved")


def measure(members: Members, *, move_reviews: int = 3, basis_days: int = 0) -> Measures:
    """Measure who moves between tiers from round to round.

    A review is that of the round in which it lies, the last one where there are several. Who left
    before the end of a round is in none of its tiers, whenever reviewed.

    Args:
        members: from `find_members`; without reviews nothing can be told.
        move_reviews: rounds from the one on which members are told apart to the one at which they
            have moved, at least 1.
        basis_days: days of spend that set a tier, at least 0: as long as the log holds fewer,
            hardly anybody can fall, so moves from such rounds are in no comparison.

    Raises:
        TierError: a number out of range.
    """
    if move_reviews < 1:
        raise TierError(f"move_reviews = {move_reviews} must be at least 1; use 3")
    if basis_days < 0:
        raise TierError(f"basis_days = {basis_days} must be at least 0; use 90, or 0 for none")
    if not members.tiers:
        return _nothing(members, move_reviews)
    rounds = members.rounds
    last = len(rounds.days) - 1
    opening = max([place for place, day in enumerate(rounds.days) if day < members.first] or [0])
    known = members.begins + timedelta(days=basis_days)
    compared = next((place for place, day in enumerate(rounds.days) if day >= known), last)
    placed = _placed(members, rounds).cache()
    held, counts = _held(members, placed, rounds)
    held = held.cache()
    moved = _count(held.select("round", "tier", before=held.before.fill_null(-1)))
    gone = held.filter(held.next.isnull() & (held.gone <= last))
    gone = _count(gone.select("tier", round=gone.gone))
    steps, joined = _steps(held, last, opening, move_reviews)
    return Measures(
        source=members.source,
        as_of=members.as_of,
        min_users=members.min_users,
        tiers=members.tiers,
        unit=rounds.unit,
        reviews=rounds.days[opening:],
        move_reviews=move_reviews,
        moved=_from(moved, opening),
        gone=_from(gone, opening),
        steps=steps,
        joined=joined,
        whole=rounds.days[compared] if compared > opening else None,
        histories=_histories(held, last, max(opening, compared)),
        counts=counts,
    )


def _nothing(members: Members, move_reviews: int) -> Measures:
    none = pd.DataFrame(columns=["round", "before", "tier", "step", "n"], dtype="int64")
    return Measures(
        source=members.source,
        as_of=members.as_of,
        min_users=members.min_users,
        tiers=(),
        unit="day",
        reviews=(),
        move_reviews=move_reviews,
        whole=None,
        **dict.fromkeys(("moved", "gone", "steps", "joined", "histories"), none),
        counts={},
    )


def _from(counts: pd.DataFrame, opening: int) -> pd.DataFrame:
    """Count rounds from the one at which the accounts open; those before it belong to it."""
    return counts.assign(round=(counts["round"] - opening).clip(lower=0))


def _placed(members: Members, rounds: Rounds) -> ir.Table:
    """Give the reviews with their `round`, and that by whose end the member is `gone`."""
    users = members.users
    gone = ibis.ifelse(users.left_at.isnull(), len(rounds.ends), rounds.place(users.left_at))
    reviews = members.reviews
    reviews = reviews.select("number", "since", "tier", round=rounds.place(reviews.since))
    return reviews.join(users.select("number", "left_at", gone=gone), "number")


def _held(members: Members, placed: ir.Table, rounds: Rounds) -> tuple[ir.Table, dict[str, int]]:
    """Give the review of each member and round, with the tier `before` and the round `next`."""
    inside = placed.filter(placed.round < len(rounds.ends))
    kept = inside.filter(inside["round"] < inside.gone)
    held = kept.group_by("number", "round").agg(
        tier=kept.tier.argmax(kept.since), gone=kept.gone.max()
    )
    passed = inside.anti_join(kept, "number")
    passed = passed.filter((passed.since <= passed.left_at) & (passed["round"] == passed.gone))
    numbers = {
        "reviews": members.pool.table("tiers").count(),
        "known": placed.count(),
        "after_leaving": placed.count(where=placed.since > placed.left_at),
        "kept": kept.count(),
        "held": held.count(),
        "passed": passed.number.nunique(),
    }
    found = {name: int(one.to_pandas()) for name, one in numbers.items()}
    over = ibis.window(group_by="number", order_by="round")
    held = held.mutate(before=held.tier.lag().over(over), next=held["round"].lead().over(over))
    return held, {
        "reviews": found["reviews"],
        "strangers": found["reviews"] - found["known"],
        "after_leaving": found["after_leaving"],
        "odd": rounds.odd,
        "later": rounds.later,
        "repeated": found["kept"] - found["held"],
        "passed": found["passed"],
    }


def _steps(
    held: ir.Table, last: int, opening: int, move_reviews: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count members by their tiers at rounds that are `move_reviews` apart, back from the last."""
    ends = range(last, opening + move_reviews - 1, -move_reviews)
    anchors = [last - move_reviews * i for i in range(len(ends) + 1)]
    people = held.group_by("number").agg(
        gone=held.gone.max(),
        first=held["round"].min(),
        **{f"at_{i}": held.tier.max(where=held["round"] == at) for i, at in enumerate(anchors)},
    )
    people = people.cache()
    parts = []
    for i, end in enumerate(ends):
        begun = people.filter(people[f"at_{i + 1}"].notnull())
        absent = ibis.ifelse(begun.gone <= end, LEFT, NOT_REVIEWED)
        earlier = begun[f"at_{i + 2}"] if i + 2 < len(anchors) else ibis.null("int8")
        chosen = begun.select(
            origin=f"at_{i + 1}",
            to=begun[f"at_{i}"].cast("int64").fill_null(absent),
            earlier=earlier.cast("int64").fill_null(-1),
        )
        parts.append(_count(chosen).assign(step=i))
    empty = pd.DataFrame(columns=["origin", "to", "earlier", "n", "step"], dtype=int)
    new = people.filter((people["first"] > last - move_reviews) & people.at_0.notnull())
    return pd.concat([empty, *parts], ignore_index=True), _count(new.select(tier="at_0"))


def _histories(held: ir.Table, last: int, first: int) -> pd.DataFrame:
    """Count users by what their reviews after the first round say, per tier before and way."""
    rows = held.filter(held.before.notnull() & (held["round"] > first))
    t = rows["round"] - last
    rows = rows.mutate(t=t, is_last=(t == 0).cast("int64"))
    parts: list[pd.DataFrame] = []
    for way, went in (("down", rows.tier < rows.before), ("up", rows.tier > rows.before)):
        own = rows.mutate(moved=went.cast("int64"))
        sums = own.group_by("number", "before").agg(
            last=own.is_last.sum(),
            last_moved=(own.is_last * own.moved).sum(),
            n=(1 - own.is_last).sum(),
            moved=((1 - own.is_last) * own.moved).sum(),
            t=own.t.sum(),
            tt=(own.t * own.t).sum(),
            t_moved=(own.t * own.moved).sum(),
        )
        counts = sums.group_by(["before", *_SUMS]).agg(users=sums.count()).to_pandas()
        counts = counts.sort_values(["before", *_SUMS], ignore_index=True)
        parts.append(counts.rename(columns={"before": "tier"}).assign(way=way))
    return pd.concat(parts, ignore_index=True)


def _count(table: ir.Table) -> pd.DataFrame:
    columns = sorted(table.columns)
    counts: pd.DataFrame = table.group_by(columns).agg(n=table.count()).to_pandas()
    return pd.DataFrame(counts.astype("int64").sort_values(columns, ignore_index=True))
