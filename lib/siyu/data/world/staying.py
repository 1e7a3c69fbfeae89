"""How members are welcomed and looked after, and how long they stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date

import numpy as np
import pyarrow as pa

from siyu.data.contract import LURES
from siyu.data.world.assignments import Assignments
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.lives import Lives, Spell, build_lives
from siyu.data.world.people import STAFF, People
from siyu.data.world.rules import each_outside, outside
from siyu.data.world.welcome import FOLLOW_UPS, GREETING_TEST, Plan, assign_staff, draw_plan


def _by_lure(*shares: float) -> Mapping[str, float]:
    return dict(zip(LURES, shares, strict=True))


@dataclass(frozen=True, kw_only=True)
class Staying:
    """How staff look after members, and the hazard of leaving: the truths about staying.

    The hazard of a member is the product of the hazard of the lure and of all factors that hold at
    the time. Greetings and recommendations act from the landmark on at which they are read (one
    hour, 24 hours after the addition), follow-ups from the midnight after their day.
    """

    leave_per_day: Mapping[str, float] = field(
        default_factory=lambda: _by_lure(0.011, 0.009, 0.020, 0.005)
    )
    """Hazard of leaving per day by lure, where no factor holds; 0 or more."""
    leave_at_once: Mapping[str, float] = field(
        default_factory=lambda: _by_lure(0.01, 0.01, 0.05, 0.0)
    )
    """Share of members, by lure, who take what is offered and leave within the first hour."""
    activity_power: float = 0.25
    """The hazard goes with activity to the power of minus this; 0 or more."""
    slow_factor: float = 1.35
    """Factor on the hazard of members whose staff is slow; 0 or more."""
    night_factor: float = 1.25
    """Factor on the hazard of members added at night (22:00 to 8:00); 0 or more."""
    settle_days: int = 30
    """Days after the addition when a member has settled; 0 or more."""
    settled_factor: float = 0.25
    """Factor on the hazard from then on; 0 or more."""

    booklet_share: float = 0.5
    """Share of members, by lot, who get a useful booklet first; the others the coupon at once."""
    booklet_factor: float = 0.75
    """Factor on the hazard in the first 30 days with the booklet; 0 or more."""
    greeting_factor: float = 0.6
    """Factor on the hazard for 30 days when greeted within one hour; 0 or more."""
    recommendation_factor: float = 0.7
    """Factor on the hazard for 30 days when recommended to within 24 hours; 0 or more."""
    follow_up_factor: float = 0.5
    """Factor on the hazard in the 7 days after a follow-up (days 2, 7, 15, 30); 0 or more."""

    slow_staff: tuple[str, ...] = STAFF[6:]
    """Who among STAFF is slow."""
    slow_effort: float = 0.6
    """Factor in [0, 1] on the shares of members whom slow staff contact in time."""
    greet_share: float = 0.8
    """Share of members whom quick staff greet within one hour of an addition by day."""
    night_effort: float = 0.3
    """Factor in [0, 1] on that share after an addition at night."""
    never_greeted: float = 0.1
    """Share never greeted among those not greeted within one hour."""
    recommend_share: Mapping[str, float] = field(
        default_factory=lambda: _by_lure(0.5, 0.45, 0.35, 0.65)
    )
    """Share of members, by lure, to whom quick staff recommend within 24 hours."""
    follow_up_share: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(FOLLOW_UPS, (0.6, 0.5, 0.45, 0.4), strict=True))
    )
    """Share of members whom quick staff contact on days 2, 7, 15 and 30, if still there."""

    test_first_day: date = date(2025, 11, 1)
    test_last_day: date = date(2025, 11, 30)
    """Additions from the first to the last of these days are greeted by lot (even odds)."""
    adherence: float = 0.92
    """Share of members in that time who are greeted as drawn; the others as usual."""
    resigned: str = "005"
    """The one of STAFF who resigns; the others take over all members."""
    resigned_on: date = date(2025, 12, 15)
    """From the beginning of this day on."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from each_outside("staying.leave_per_day", self.leave_per_day, LURES)
        for name in (
            *("activity_power", "slow_factor", "night_factor", "settle_days", "settled_factor"),
            *("booklet_factor", "greeting_factor", "recommendation_factor", "follow_up_factor"),
        ):
            yield from outside(f"staying.{name}", getattr(self, name))
        for name in (
            *("booklet_share", "slow_effort", "greet_share", "night_effort", "never_greeted"),
            "adherence",
        ):
            yield from outside(f"staying.{name}", getattr(self, name), most=1)
        for name in ("leave_at_once", "recommend_share"):
            yield from each_outside(f"staying.{name}", getattr(self, name), LURES, most=1)
        yield from each_outside(
            "staying.follow_up_share", self.follow_up_share, tuple(FOLLOW_UPS), most=1
        )
        for name, staff in [("slow_staff", each) for each in self.slow_staff] + [
            ("resigned", self.resigned)
        ]:
            if staff not in STAFF:
                yield f"staying.{name} = {staff} is nobody; use one of {', '.join(STAFF)}"
        if self.test_last_day < self.test_first_day:
            yield (
                f"staying.test_last_day = {self.test_last_day} must not be before test_first_day "
                f"= {self.test_first_day}; use the same day for a test of one day"
            )


@dataclass(frozen=True, kw_only=True)
class Stay:
    """How each person is looked after, and until when; NEVER for what does not happen."""

    added_at: Ints
    left_at: Ints
    greeted_at: Ints
    recommended_at: Ints
    """When staff recommend something for the first time."""
    followed_at: Ints
    """People x 4: when staff follow up on days 2, 7, 15 and 30."""
    booklet: Bools
    """The welcome content: a booklet first, or (false) the coupon at once."""
    lure: Ints
    """Index into LURES: the lure that led to the addition."""
    staff: Ints
    """Index into STAFF: who looks after the person at the addition."""
    assignments: Assignments
    """The arms of the test of greeting within one hour."""

    def join(self, others: Stay) -> Stay:
        """Put the stays of other people behind these."""
        arrays = {
            each.name: np.concatenate([getattr(self, each.name), getattr(others, each.name)])
            for each in fields(self)
            if each.name != "assignments"
        }
        first, second = self.assignments, others.assignments
        assignments = Assignments(
            experiment=first.experiment,
            arms=first.arms,
            person=np.concatenate([first.person, second.person + len(self.added_at)]),
            arm=np.concatenate([first.arm, second.arm]),
            at=np.concatenate([first.at, second.at]),
        )
        return Stay(**arrays, assignments=assignments)


def draw_stay(
    staying: Staying, frame: Frame, people: People, *, lure: Ints, added_at: Ints, stream: Stream
) -> Stay:
    """Draw how people are looked after, and when they leave.

    Args:
        staying: the truths.
        frame: the observed days.
        people: who they are.
        lure: index into LURES of the lure that led to the addition, one element per person.
        added_at: second of the addition; NEVER for those who are not added.
        stream: opens the random stream of a name.

    Returns:
        One element per person. Nothing happens after `left_at`.
    """
    plan = draw_plan(staying, frame, people, lure=lure, added_at=added_at, stream=stream)
    rng = stream("leaving")
    lasts = plan_lives(staying, people, plan).end(rng.standard_exponential(len(people)))
    at_once = stream("leaving at once").random((len(people), 2))
    leaves = at_once[:, 0] < share_at_once(staying, lure)
    hour = np.where(leaves, np.ceil((1 - at_once[:, 1]) * HOUR), float(NEVER)).astype(np.int64)
    left_at = np.minimum(added_at + np.minimum(lasts, hour), NEVER)

    def while_there(at: Ints) -> Ints:
        latest = left_at.reshape(-1, *[1] * (at.ndim - 1))
        return np.where((at <= latest) & (at < NEVER), at, NEVER)

    tested = np.flatnonzero((plan.arm >= 0) & (added_at < NEVER))
    return Stay(
        added_at=added_at,
        left_at=left_at,
        greeted_at=while_there(plan.greeted_at),
        recommended_at=while_there(plan.recommended_at),
        followed_at=while_there(plan.followed_at),
        booklet=plan.booklet,
        lure=lure,
        staff=plan.staff,
        assignments=Assignments(
            experiment=GREETING_TEST,
            arms=("within_1h", "later"),
            person=tested,
            arm=plan.arm[tested],
            at=added_at[tested],
        ),
    )


def share_at_once(staying: Staying, lure: Ints) -> Floats:
    """Give each person's probability of leaving within the first hour with what was offered."""
    return np.array([staying.leave_at_once[each] for each in LURES])[lure]


def plan_lives(staying: Staying, people: People, plan: Plan) -> Lives:
    """Give the hazards of leaving, since the addition, of people who are looked after as planned.

    Leaving at once comes on top of them.
    """
    hazard = np.array([staying.leave_per_day[each] for each in LURES])[plan.lure]
    hazard = hazard * people.activity**-staying.activity_power
    hazard *= np.where(plan.slow, staying.slow_factor, 1)
    hazard *= np.where(plan.night, staying.night_factor, 1)

    def spell(begins: Ints | int, ends: Ints | int, concerned: Bools, factor: float) -> Spell:
        bounds = (np.broadcast_to(bound, len(hazard)) for bound in (begins, ends))
        return Spell(
            **dict(zip(("begins", "ends"), bounds, strict=True)),
            factor=np.where(concerned, factor, 1.0),
        )

    everyone = np.ones(len(hazard), dtype=bool)
    spells = [
        spell(staying.settle_days * DAY, int(NEVER), everyone, staying.settled_factor),
        spell(0, 30 * DAY, plan.booklet, staying.booklet_factor),
        spell(HOUR, HOUR + 30 * DAY, plan.greeted, staying.greeting_factor),
        spell(DAY, 31 * DAY, plan.recommended, staying.recommendation_factor),
    ]
    for number, day in enumerate(FOLLOW_UPS.values()):
        begins = plan.midnight(day + 1)
        followed = plan.followed[:, number]
        spells.append(spell(begins, begins + 7 * DAY, followed, staying.follow_up_factor))
    return build_lives(hazard, spells)


def tabulate_contacts(columns: Columns, staying: Staying, stay: Stay, left_at: Ints) -> pa.Table:
    """Write the table `contacts`: a row per member and staff, in the order of the people.

    Args:
        columns: writes the columns.
        staying: who resigns, and when: his members of the time have two rows.
        stay: who looks after each person at the addition.
        left_at: when each person leaves in the end, blocking included.
    """
    handed_over_at = columns.frame.second(staying.resigned_on)
    colleague = assign_staff(staying, columns.frame, stay.staff, np.full(len(left_at), NEVER))
    added = happened(columns.frame, stay.added_at)
    still_there = (stay.added_at < handed_over_at) & (left_at >= handed_over_at)
    changes = added & still_there & (colleague != stay.staff)
    changes &= handed_over_at < columns.frame.end
    person = np.concatenate([np.flatnonzero(added), np.flatnonzero(changes)])
    second = np.arange(len(person)) >= added.sum()
    order = np.lexsort((second, person))
    person, second = person[order], second[order]
    first_of_two = changes[person] & ~second
    ends = np.where(first_of_two, handed_over_at, left_at[person])
    return pa.table(
        {
            "user_id": columns.users(person),
            "staff_id": texts(STAFF, np.where(second, colleague[person], stay.staff[person])),
            "added_at": columns.instants(np.where(second, handed_over_at, stay.added_at[person])),
            "left_at": columns.instants(ends),
            "left_by": texts(
                ("user", "staff"),
                first_of_two.astype(np.int64),
                known=happened(columns.frame, ends),
            ),
        }
    )
