"""What is true about staying: hazards, survival, and what looking after members does to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, HOUR, Bools, Floats, Ints
from siyu.data.world.lives import Lives
from siyu.data.world.people import People
from siyu.data.world.pool import draw_core
from siyu.data.world.staying import Staying, plan_lives, share_at_once
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream
from siyu.data.world.welcome import Plan, draw_plan

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

BATCHES, BATCH_USERS = 10, 20_000
DAYS = (1, 7, 30, 90)
HORIZON_DAYS = 30
CARE = {
    "greeting": "greeted within 1 hour",
    "recommendation": "recommended to within 24 hours",
    "follow_up": "followed up on calendar day 2 after the day of the addition (day 0)",
    "booklet": "welcomed with a booklet first, not with the coupon at once",
}
"""What staff may do in time, in words."""
_LANDMARKS = {
    "greeting": "1 hour after the addition",
    "recommendation": "24 hours after the addition",
    "follow_up": "at the beginning of calendar day 3",
    "booklet": "at the addition",
}
_ENDS = {
    "greeting": "30 days and 1 hour after the addition",
    "recommendation": "31 days after the addition",
    "follow_up": "at the beginning of calendar day 33",
    "booklet": "30 days after the addition",
}
_COMPUTED = (
    f"expected over {BATCHES} batches of {BATCH_USERS} people exposed, from each member's own "
    "hazards"
)
_SCANNED = "members added by a scan"
_Values = dict[str, float]
_Table = TypeVar("_Table", People, Plan)


def state_staying(settings: Settings) -> list[Truth]:
    """State hazards, survival by lure, and what looking after members does to staying.

    Whether a member stays is never drawn here: each member's probability follows from the hazards,
    and members are averaged. Effects compare two courses of action for the same members. Invited
    friends, and leaving over a push (from day 33 after the addition on), stay out of all of it.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms, then simulated facts; those without anyone to hold for are left out.
    """
    batches = [_measure(settings, batch) for batch in range(BATCHES)]
    return [*_state_hazards(settings.staying), *_state_simulated(settings, batches)]


@dataclass(frozen=True, kw_only=True)
class _Members:
    """The members of one batch, and what is meant to happen to each of them."""

    staying: Staying
    people: People
    plan: Plan
    end: int

    @cached_property
    def lives(self) -> Lives:
        """Everybody's hazards as planned."""
        return plan_lives(self.staying, self.people, self.plan)

    def stay(self, at: Ints | int, lives: Lives | None = None) -> Floats:
        """Probability of still being there so many seconds after the addition, at once included."""
        once = share_at_once(self.staying, self.plan.lure) * np.clip(np.asarray(at) / HOUR, 0, 1)
        return np.asarray((lives or self.lives).survive(at) * (1 - once))

    def treat(self, care: str, value: bool) -> Lives:
        """Everybody's hazards if all got the care, or if none did."""
        if care == "follow_up":
            followed = self.plan.followed.copy()
            followed[:, 0] = value
            fields: dict[str, Any] = {"followed": followed}
        else:
            name = {"greeting": "greeted", "recommendation": "recommended"}.get(care, care)
            fields = {name: np.full(len(self.people), value)}
        return plan_lives(self.staying, self.people, replace(self.plan, **fields))

    def followed(self, at: Ints | int) -> Bools:
        """Whether so many seconds after each addition are observed."""
        return self.plan.added_at + at <= self.end

    def landmark(self, care: str) -> Ints:
        """Seconds from the addition to the landmark of a kind of care."""
        same = {"greeting": HOUR, "recommendation": DAY, "booklet": 0}
        return np.full(len(self.people), same[care]) if care in same else self.plan.midnight(3)

    def planned(self, care: str) -> tuple[Bools, Ints]:
        """Who is meant to get the care in time, and the second since the addition."""
        plan = self.plan
        has, at = {
            "greeting": (plan.greeted, plan.greeted_at),
            "recommendation": (plan.recommended, plan.recommended_at),
            "follow_up": (plan.followed[:, 0], plan.followed_at[:, 0]),
        }[care]
        return has, np.where(has, at - plan.added_at, 0)


def _draw_members(settings: Settings, batch: int) -> _Members:
    stream, frame = truth_stream(batch), settings.frame
    core = draw_core(settings, users=BATCH_USERS, stream=stream)
    lure, added_at = core.stay.lure, core.stay.added_at
    plan = draw_plan(
        settings.staying, frame, core.people, lure=lure, added_at=added_at, stream=stream
    )
    members = np.flatnonzero(added_at < frame.end)
    return _Members(
        staying=settings.staying,
        people=_take(core.people, members),
        plan=_take(plan, members),
        end=frame.end,
    )


def _take(table: _Table, members: Ints) -> _Table:
    """Keep the rows of members in a dataclass of arrays."""
    return replace(
        table, **{each.name: getattr(table, each.name)[members] for each in fields(table)}
    )


def _measure(settings: Settings, batch: int) -> _Values:
    members = _draw_members(settings, batch)
    values = dict(_measure_survival(members))
    for care in CARE:
        values |= _measure_effect(members, care)
        if care != "booklet":
            values |= _measure_naive(members, care)
    return values


def _measure_survival(members: _Members) -> Iterator[tuple[str, float]]:
    groups = {"all": members.plan.lure >= 0}
    groups |= {lure: members.plan.lure == index for index, lure in enumerate(LURES)}
    for day in DAYS:
        for clock, at in (("24h", day * DAY), ("calendar", members.plan.midnight(day + 1) - 1)):
            stays, followed = members.stay(at), members.followed(at)
            for group, those in groups.items():
                yield f"survival.{group}.{clock}.{day}", _mean(stays, followed & those)


def _measure_effect(members: _Members, care: str) -> _Values:
    """Compare everybody with the care and everybody without, by the landmark and in the test."""
    landmark = members.landmark(care)
    until = landmark + HORIZON_DAYS * DAY
    followed, there = members.followed(until), members.stay(landmark)
    gain = members.stay(until, members.treat(care, True))
    gain -= members.stay(until, members.treat(care, False))
    values = {f"effect.{care}": _divide(gain, there, followed)}
    if care == "greeting":
        tested = followed & (members.plan.arm >= 0)
        usual = followed & (members.plan.arm < 0)
        values["effect.greeting.usual"] = _divide(gain, there, usual)
        values["effect.greeting.test"] = _divide(gain, there, tested)
        # Who is not greeted as drawn is greeted as usual in both arms: nothing is gained by it.
        values["itt.greeting"] = members.staying.adherence * _mean(gain, tested)
    return values


def _measure_naive(members: _Members, care: str) -> _Values:
    """Compare without adjusting: those there at the landmark, then everyone."""
    has, at = members.planned(care)
    landmark = members.landmark(care)
    until = landmark + HORIZON_DAYS * DAY
    those = members.followed(until) & (members.plan.arm < 0)
    stays, there = members.stay(until), members.stay(landmark)
    crude = [_divide(stays, there, group) for group in (those & has, those & ~has)]
    # Care comes only to those still there at its time; all others count as left without.
    reached = np.where(has, members.stay(np.maximum(at - 1, 0)), 0)
    kept = np.where(has, stays, 0)
    with_care = _divide(kept, reached, those)
    without = _divide(stays - kept, 1 - reached, those)
    return {f"crude.{care}": crude[0] - crude[1], f"everyone.{care}": with_care - without}


def _divide(part: Floats, whole: Floats, those: Bools) -> float:
    """Expected number of one kind among the expected number of another; NaN where there is none."""
    total = whole[those].sum()
    return float(part[those].sum() / total) if total > 0 else math.nan


def _mean(values: Floats, those: Bools) -> float:
    return _divide(values, np.ones(len(values)), those)


def _state_hazards(staying: Staying) -> Iterable[Truth]:
    how = "a setting"
    for lure in LURES:
        yield closed_form(
            f"staying.hazard_per_day.{lure}",
            f"hazard of leaving, per day, of a member with the lure {lure}, of activity 1, added "
            "by day, with quick staff, in the first 30 days, without booklet and timely contact",
            staying.leave_per_day[lure],
            how,
        )
        yield closed_form(
            f"staying.at_once.{lure}",
            f"share of the members with the lure {lure} who take what is offered and leave within "
            "the first hour, apart from all other leaving",
            staying.leave_at_once[lure],
            how,
        )
    for care, words in CARE.items():
        yield closed_form(
            f"staying.hazard_ratio.{care}",
            f"hazard of leaving of a member {words}, relative to the same member without, in the "
            f"{7 if care == 'follow_up' else 30} days from the landmark on ({_LANDMARKS[care]})",
            getattr(staying, f"{care}_factor"),
            how,
        )


def _state_simulated(settings: Settings, batches: list[_Values]) -> Iterator[Truth]:
    for name in batches[0]:
        values = np.array([values[name] for values in batches])
        if np.isfinite(values).all():
            words, study = _describe(settings, name)
            yield simulated(f"staying.{name}", words, values, _COMPUTED, **study)


def _describe(settings: Settings, name: str) -> tuple[str, Mapping[str, object]]:
    kind, subject, *rest = name.split(".")
    if kind == "survival":
        clock, day = rest
        return _describe_survival(subject, clock, int(day))
    staying, frame = settings.staying, settings.frame
    longest = HORIZON_DAYS + (3 if subject == "follow_up" else 1)
    study = {
        "population": _SCANNED,
        "landmark": _LANDMARKS[subject],
        "horizon_days": HORIZON_DAYS,
        "added_from": frame.first_day.isoformat(),
        "added_to": (frame.last_day - timedelta(days=longest)).isoformat(),
    }
    tested = f"{staying.test_first_day} to {staying.test_last_day}"
    if kind == "itt" or rest == ["test"]:
        study |= {"added": f"in the test, {tested}"}
    elif rest == ["usual"] or kind in ("crude", "everyone"):
        study |= {"added": f"outside the test, {tested}"}
    who = f"members still there {_LANDMARKS[subject]}" if subject != "booklet" else "all members"
    there = f"difference in the probability, among {who}, of still being there"
    until = _ENDS[subject]
    words = {
        "effect": f"{there} {until}: if all were {CARE[subject]}, "
        "less if none were, everything else as it is",
        "crude": f"what a comparison without adjustment shows (confounded): {there} "
        f"{until}, between those {CARE[subject]} and the others",
        "everyone": "what a comparison of everyone shows (confounded, and immortal until the "
        f"contact): difference between all members {CARE[subject]} and all others in the "
        f"probability of still being there {until}",
        "itt": "intention to treat: difference between the arms within_1h and later of the test "
        f"greet_1h, among all assigned, in the probability of still being there {until}",
    }
    return words[kind], study


def _describe_survival(subject: str, clock: str, day: int) -> tuple[str, Mapping[str, object]]:
    who = _SCANNED if subject == "all" else f"{_SCANNED}, with the lure {subject}"
    if day > HORIZON_DAYS:
        who += ", who are sent no campaign pushes"
    until = (
        f"{day} x 24 hours after the addition"
        if clock == "24h"
        else f"at the end of calendar day {day} after the day of the addition (day 0)"
    )
    return (
        f"share of the {who} still there {until}",
        {"clock": clock, "day": day, "lure": subject, "population": who},
    )
