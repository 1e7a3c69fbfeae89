"""Reduce a pool to members by what staff did for them in time, and whether they stayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import elapsed_us
from siyu.phrases import phrase
from siyu.studies.breakdown import find_parted, resolve
from siyu.studies.events import find_unknown, known_events
from siyu.studies.retention.contact.definition import Contact, read_contacts
from siyu.studies.retention.contact.measures import Measures
from siyu.studies.retention.definition import RetentionError
from siyu.studies.retention.measure import find_members

_HOUR_US = 3_600_000_000
_ROUNDING = 1e-9


def measure(
    pool: Source,
    contacts: Sequence[str],
    *,
    period_days: int,
    stay_days: int = 30,
    adjust: Sequence[str] = (),
    experiment: str = "",
    experiment_arms: Sequence[str] = ("within_1h", "later"),
    experiment_shares: Sequence[float] = (0.5, 0.5),
    experiment_contact: str = "greet within 1h",
    min_users: int = 30,
) -> Measures:
    """Measure who was contacted in time, and who was still there some days after the landmark.

    Args:
        pool: the source, masked at its `as_of`.
        contacts: what to study, see `read_contacts`.
        period_days: members count who were added in these days, up to and including `as_of`.
        stay_days: days from the landmark after which staying is read, at least 1.
        adjust: columns of `users` for which comparisons are adjusted, beside the hour of adding.
        experiment: in `assignments`, in which the contact was drawn by lot; "" for none.
        experiment_arms: its arm that is contacted in time, then the one that is not.
        experiment_shares: of all who are drawn, the share meant for each of the two.
        experiment_contact: which of the contacts it was about.
        min_users: smallest group that is shown.

    Raises:
        RetentionError: a contact, an arm or a number that cannot be, or `users` has no times of
        addition.
    """
    for name, value in (
        ("period_days", period_days),
        ("stay_days", stay_days),
        ("min_users", min_users),
    ):
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    if (
        len(experiment_shares) != 2
        or min(experiment_shares) <= 0
        or sum(experiment_shares) > 1 + _ROUNDING
    ):
        raise RetentionError(
            f"experiment_shares = {list(experiment_shares)} must be two shares above 0, of at most "
            "1 together; use [0.5, 0.5] for an even draw"
        )
    studied, absent = _known(pool, read_contacts(contacts))
    # Of who was added before the log begins nobody knows whether they were contacted.
    begins = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    first = max(pool.as_of - timedelta(days=period_days - 1), begins)
    users = _added(pool).filter(lambda t: t.joined_on >= first)
    breakdown = resolve(pool, adjust, from_events=False)
    breakdown = breakdown.without(breakdown.learnt_later(users))
    users = breakdown.attach(users).cache()
    leaving = users.group_by([*breakdown.columns, "outcome"]).agg(n=users.count()).to_pandas()
    parted = find_parted(leaving, breakdown)
    breakdown = breakdown.without({one: phrase("retention.leak", column=one) for one in parted})
    users, named = _with_arms(pool, users, experiment, experiment_arms)
    users = _with_flags(pool, users, studied).cache()
    (tested,) = read_contacts([experiment_contact])
    counts: dict[str, pd.DataFrame] = {}
    measures = Measures(
        contacts=studied,
        source=pool.name,
        first=first,
        as_of=pool.as_of,
        stay_days=stay_days,
        min_users=min_users,
        n_added=int(users.count().to_pandas()),
        adjust=breakdown.by,
        refused=breakdown.refused,
        absent=absent,
        counts=counts,
        experiment=named if tested in studied else "",
        arms=(experiment_arms[0], experiment_arms[1]),
        planned_share=experiment_shares[0] / sum(experiment_shares),
        tested=tested.id,
    )
    for contact in studied:
        keys = [*breakdown.columns, "hour", *measures.earlier(contact)]
        if measures.experiment and contact == tested:
            keys.append("arm")
        counts[contact.id] = _count(pool, users, contact, keys, stay_days)
    return measures


def _added(pool: Source) -> ir.Table:
    users = find_members(pool)
    return users.select(
        "user_id",
        "added_at",
        "left_at",
        reached_1_at=users.added_at,
        joined_on=pool.day(users.added_at),
        hour=pool.local(users.added_at).hour().cast("int64"),
        outcome=users.left_at.notnull().cast("int64"),
    )


def _with_arms(
    pool: Source, users: ir.Table, experiment: str, arms: Sequence[str]
) -> tuple[ir.Table, str]:
    """Add the arm of each member of the experiment, "" for the others; name it if it is there."""
    if len(arms) != 2 or arms[0] == arms[1]:
        raise RetentionError(
            f"experiment_arms = {list(arms)} must be two arms: contacted in time, and not"
        )
    if not experiment or not pool.has("assignments"):
        return users.mutate(arm=ibis.literal("")), ""
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == experiment)
    there = sorted(drawn.select("arm").distinct().to_pandas()["arm"])
    for arm in arms if there else ():
        if arm not in there:
            raise RetentionError(
                f"experiment_arms: {experiment!r} has no arm {arm!r}; it has {', '.join(there)}"
            )
    drawn = drawn.select(drawn_id="user_id", arm="arm")
    users = users.left_join(drawn, users.user_id == drawn.drawn_id).drop("drawn_id")
    users = users.mutate(arm=users.arm.fill_null(""))
    return users, experiment if int((users.arm != "").sum().to_pandas() or 0) else ""


def _known(pool: Source, asked: Sequence[Contact]) -> tuple[list[Contact], tuple[str, ...]]:
    """Keep the contacts whose event the log has seen, and say of the other events what is wrong."""
    if not pool.has("events"):
        return [], (phrase("retention.contact.absent.table"),)
    known = known_events(pool, [one.event for one in asked])
    missing = dict.fromkeys(one.event for one in asked if one.event not in known)
    problems = (find_unknown([event], known) for event in missing)
    return (
        [one for one in asked if one.event in known],
        tuple(phrase("retention.contact.absent.event", problem=problem) for problem in problems),
    )


def _with_flags(pool: Source, users: ir.Table, contacts: Sequence[Contact]) -> ir.Table:
    """Add a flag per contact: whether staff made it in time."""
    if not contacts:
        return users
    events = pool.table("events")
    done = events.filter(events.event.isin(sorted({contact.event for contact in contacts})))
    done = done.select("user_id", "event", at="occurred_at")
    both = users.select("user_id", "added_at", "joined_on").join(done, "user_id")
    waited = elapsed_us(both.added_at, both.at)
    day = pool.day(both.at).delta(both.joined_on, unit="day")
    both = both.mutate(waited=waited, day=day).filter(waited >= 0)
    in_time = {contact.id: _in_time(both, contact).cast("int64").max() for contact in contacts}
    flags = both.group_by(flagged_id="user_id").agg(**in_time)
    users = users.left_join(flags, users.user_id == flags.flagged_id).drop("flagged_id")
    return users.mutate(**{name: users[name].fill_null(0) for name in in_time})


def _in_time(both: ir.Table, contact: Contact) -> ir.BooleanValue:
    if contact.on_day is not None:
        own = both.day == contact.on_day
    else:
        own = both.waited <= (contact.within_hours or 0) * _HOUR_US
    return (both.event == contact.event) & own


def _count(
    pool: Source, users: ir.Table, contact: Contact, keys: Sequence[str], stay_days: int
) -> pd.DataFrame:
    """Count members followed to the day of reading, by what was done and what became of them."""
    end = ibis.literal(pool.as_of_end, type=users.added_at.type())
    if contact.on_day is not None:
        # Beginnings of days: the landmark, and stay_days later.
        landmark, day = contact.on_day + 1, 1
        stayed = pool.day(users.left_at).delta(users.joined_on, unit="day")
        followed = ibis.literal(pool.as_of).delta(users.joined_on, unit="day") + 1
    else:
        landmark, day = (contact.within_hours or 0) * _HOUR_US, 24 * _HOUR_US
        stayed = elapsed_us(users.added_at, users.left_at)
        followed = elapsed_us(users.added_at, end)
    horizon = landmark + stay_days * day
    days = ((stayed - landmark) // day).fill_null(stay_days).clip(0, stay_days)
    flags = {
        "there": stayed.isnull() | (stayed >= landmark),
        "outcome": stayed.isnull() | (stayed >= horizon),
    }
    known = users.filter(followed >= horizon).mutate(
        treated=users[contact.id],
        stayed_days=days.cast("int64"),
        **{name: flag.cast("int64") for name, flag in flags.items()},
    )
    columns = [*keys, "there", "treated", "outcome", "stayed_days"]
    counts: pd.DataFrame = known.group_by(columns).agg(n=known.count()).to_pandas()
    return counts.sort_values(columns, ignore_index=True)
