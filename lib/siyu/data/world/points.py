"""The points programme: daily sign-ins, and the ledger of what is earned, redeemed and expired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from siyu.data.world.columns import Columns, texts
from siyu.data.world.draws import DAY, HOUR, Bools, Ints, Stream, draw_seconds
from siyu.data.world.frame import Frame
from siyu.data.world.people import People
from siyu.data.world.rules import outside

REASONS = ("sign_in", "purchase", "invite", "task", "redeem", "expire")
SIGN_IN, PURCHASE, INVITE, TASK, REDEEM, EXPIRE = range(len(REASONS))
EXPIRY_SECOND = 3 * HOUR
"""Second of the first day of a month at which old points expire."""
WEEK = 7
"""Days in a row after which a sign-in earns more."""
_JITTER = 2 * HOUR
"""How far from his usual time of the day a person signs in, at most."""
_TINY = 1e-12
_STEP = 100
"""Points are redeemed in multiples of this."""


@dataclass(frozen=True, kw_only=True)
class Programme:
    """The truths about points."""

    participants: float = 0.35
    """Share of members who ever sign in; the others never learn of it."""
    start: float = 0.02
    """Probability that a participant of activity 1 signs in on a day after one without."""
    most_start: float = 0.30
    """The same at most, however active he is."""
    resume: float = 0.82
    """Probability that a participant signs in on the day after a sign-in."""
    sign_in_points: int = 5
    """Earned by a sign-in."""
    week_points: int = 20
    """Earned besides on every seventh day in a row."""
    gift_points: int = 2
    """Earned besides (reason task) by the first sign-in after a broken streak."""
    invite_points: int = 50
    """Earned by an accepted invitation."""
    members_day: int = 18
    """Day of the month on which points are redeemed, 2 to 28."""
    threshold: int = 200
    """Points at the beginning of that day from which on they can be redeemed, by hundreds."""
    never_redeem: float = 0.70
    """Share of members who never redeem; the others do whenever they can."""
    valid_days: int = 180
    """Points older than this expire on the first day of a month, at 03:00; at least 1."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        for name in ("participants", "start", "most_start", "resume", "never_redeem"):
            yield from outside(f"points.{name}", getattr(self, name), most=1)
        for name in ("sign_in_points", "week_points", "gift_points", "invite_points"):
            yield from outside(f"points.{name}", getattr(self, name))
        for name, least in (("threshold", _STEP), ("valid_days", 1)):
            if getattr(self, name) < least:
                yield f"points.{name} = {getattr(self, name)} must be at least {least}; give more"
        if not 2 <= self.members_day <= 28:
            rule = "must be at least 2 and at most 28, in every month; give 18"
            yield f"points.members_day = {self.members_day} {rule}"


@dataclass(frozen=True, kw_only=True)
class Postings:
    """One element per posting."""

    person: Ints
    at: Ints
    delta: Ints
    reason: Ints
    """Index into REASONS."""


def draw_sign_ins(
    programme: Programme,
    frame: Frame,
    people: People,
    *,
    added_at: Ints,
    left_at: Ints,
    stream: Stream,
) -> tuple[Ints, Ints, Postings]:
    """Draw who signs in on which days, and what that earns.

    From the day after the addition on, whether a participant signs in on a day depends on whether
    he did on the day before, and, if not, on his activity. He does so near a time of his own.

    Args:
        programme: the truths.
        frame: the observed days.
        people: everybody.
        added_at: per person, the second of the addition; NEVER if not a member.
        left_at: per person, the second at which he leaves the pool.
        stream: opens the random stream of a name.

    Returns:
        Persons and seconds of the sign-ins, for the table `events`, by day; and their postings.
    """
    users = len(people)
    takes_part = stream("points participants").random(users) < programme.participants
    who = np.flatnonzero(takes_part & (added_at < frame.end))
    usual = draw_seconds(stream("points hours"), users)[who]
    start = np.minimum(programme.start * people.activity, programme.most_start)[who]
    first_day, left_at = added_at[who] // DAY + 1, left_at[who]
    streak, known = np.zeros(len(who), dtype=np.int64), np.zeros(len(who), dtype=np.bool_)
    found = []
    for day in range(frame.days):
        uniform = stream(f"points day {day}").random(users)[who]
        chance = np.where(streak > 0, programme.resume, start)
        # Once the draw says yes, what is left of it is uniform again: it places the sign-in.
        rest = np.minimum(uniform / np.maximum(chance, _TINY), 1)
        at = day * DAY + (usual + ((2 * rest - 1) * _JITTER).astype(np.int64)) % DAY
        signs = (uniform < chance) & (day >= first_day) & (at < left_at)
        streak = np.where(signs, streak + 1, 0)
        found.append((who[signs], at[signs], streak[signs], known[signs]))
        known |= signs
    person, at, run, again = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return person, at, _reward(programme, person, at, run, again)


def _reward(programme: Programme, person: Ints, at: Ints, run: Ints, again: Bools) -> Postings:
    delta = programme.sign_in_points + np.where(run % WEEK == 0, programme.week_points, 0)
    earned = _post(person, at, delta, SIGN_IN)
    gift = (run == 1) & again
    count = int(gift.sum())
    gifts = _post(person[gift], at[gift], np.full(count, programme.gift_points), TASK)
    return _join(earned, gifts)


def draw_ledger(
    programme: Programme,
    frame: Frame,
    *,
    left_at: Ints,
    sign_ins: Postings,
    purchases: tuple[Ints, Ints, Ints],
    invites: tuple[Ints, Ints],
    stream: Stream,
) -> Postings:
    """Keep the ledger: everything earned, and what is redeemed and expires of it.

    The oldest points are used first. A member who has left neither redeems nor loses points.

    Args:
        programme: the truths.
        frame: the observed days.
        left_at: per person, the second at which he leaves the pool.
        sign_ins: what sign-ins earn.
        purchases: persons, seconds and amounts (fen) of orders; a point for each whole yuan.
        invites: persons and seconds of invitations that were accepted.
        stream: opens the random stream of a name.

    Returns:
        The postings in the order of time; no balance is ever negative.
    """
    buyer, paid_at, fen = purchases
    inviter, accepted_at = invites
    rewards = np.full(len(inviter), programme.invite_points)
    earned = _join(
        sign_ins,
        _post(buyer, paid_at, fen // 100, PURCHASE),
        _post(inviter, accepted_at, rewards, INVITE),
    )
    counts = (earned.at < np.minimum(left_at[earned.person], frame.end)) & (earned.delta > 0)
    earned = _take(earned, counts)
    redeems = stream("points redeemers").random(len(left_at)) >= programme.never_redeem
    ledger = _join(earned, *_use(programme, frame, earned, left_at, redeems, stream))
    return _take(ledger, np.argsort(ledger.at, kind="stable"))


def _use(
    programme: Programme,
    frame: Frame,
    earned: Postings,
    left_at: Ints,
    redeems: Bools,
    stream: Stream,
) -> list[Postings]:
    """Let points expire on each first day of a month, and be redeemed on each members' day."""
    account = _Accounts(earned, end=frame.end)
    who, used = account.who, np.zeros(len(account.who), dtype=np.int64)
    found = []
    for number, day in enumerate(frame.dates):
        midnight = number * DAY
        if day.day == 1:
            at = np.full(len(who), midnight + EXPIRY_SECOND)
            old = account.earned_before(midnight + EXPIRY_SECOND - programme.valid_days * DAY)
            taken, reason = np.maximum(old - used, 0), EXPIRE
        elif day.day == programme.members_day:
            at = midnight + draw_seconds(stream(f"points redeem {number}"), len(left_at))[who]
            balance = account.earned_before(midnight) - used
            able = redeems[who] & (balance >= programme.threshold)
            taken, reason = np.where(able, balance // _STEP * _STEP, 0), REDEEM
        else:
            continue
        taken = np.where(at < left_at[who], taken, 0)
        used += taken
        real = taken > 0
        found.append(_post(who[real], at[real], -taken[real], reason))
    return found


class _Accounts:
    """What each person who ever earned points has earned by a time."""

    def __init__(self, earned: Postings, *, end: int) -> None:
        order = np.lexsort((earned.at, earned.person))
        self._end = end
        self._key = earned.person[order] * end + earned.at[order]
        self._total = np.append(0, np.cumsum(earned.delta[order]))
        self.who: Ints = np.unique(earned.person)
        self._before = self._total[np.searchsorted(self._key, self.who * end)]

    def earned_before(self, second: int) -> Ints:
        """Sum what each person has earned before a second of the observation."""
        key = self.who * self._end + max(second, 0)
        return np.asarray(self._total[np.searchsorted(self._key, key)] - self._before)


def _post(person: Ints, at: Ints, delta: Ints, reason: int) -> Postings:
    return Postings(person=person, at=at, delta=delta, reason=np.full(len(person), reason))


def _join(*postings: Postings) -> Postings:
    return Postings(
        **{
            each.name: np.concatenate([getattr(some, each.name) for some in postings])
            for each in fields(Postings)
        }
    )


def _take(postings: Postings, which: Bools | Ints) -> Postings:
    return Postings(**{each.name: getattr(postings, each.name)[which] for each in fields(Postings)})


def tabulate_points(columns: Columns, ledger: Postings) -> pa.Table:
    """Write the table `points`: a row per posting, in the order of time."""
    return pa.table(
        {
            "user_id": columns.users(ledger.person),
            "posted_at": columns.instants(ledger.at),
            "delta": pa.array(ledger.delta, type=pa.int64()),
            "reason": texts(REASONS, ledger.reason),
        }
    )
