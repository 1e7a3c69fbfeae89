"""Which pushes members get, how they answer them, and who blocks because of them.

Draws belong to persons (see `personal`), so that one effect changes only what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from siyu.data.world.assignments import Assignments
from siyu.data.world.campaigns import (
    CONTENTS,
    KINDS,
    name_campaigns,
    number_campaigns,
    number_weeks,
    tag_campaigns,
)
from siyu.data.world.columns import Columns, texts
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import People
from siyu.data.world.personal import Personal, open_personal, stretch
from siyu.data.world.push_delivery import (
    CLICK,
    COPY,
    KIND,
    OPEN,
    ORDER,
    ORDER_WAIT,
    POLICY_EVENING,
    PURPOSES,
    SENT,
    STATUSES,
    Arms,
    Sent,
    draw_arms,
    propose_blocks,
    send_pushes,
    wait_to_click,
)
from siyu.data.world.push_response import (
    EVENING,
    is_slow,
    rate_activity,
    rate_appeal,
    rate_fatigue,
    rate_hour,
)
from siyu.data.world.push_settings import MEDIA, Pushing
from siyu.data.world.staying import Stay

__all__ = ["COPIES", "Pushes", "Pushing", "draw_pushes", "tabulate_pushes"]

COPIES = ("A", "B")
_RANDOMISED_PROMOTION = 0.5


@dataclass(frozen=True, kw_only=True)
class Pushes:
    """What was pushed, and what came of it.

    Elements of the arrays down to `blocked_at` are pushes, in the order of the plan.
    """

    person: Ints
    planned_at: Ints
    sent_at: Ints
    medium: Ints
    """Index into MEDIA."""
    campaign: Ints
    """Index into `campaigns`."""
    content: Ints
    """Index into CONTENTS."""
    copy: Ints
    """Index into COPIES."""
    propensity: Floats
    """Probability with which the planned hour was drawn; not a number: not by lot."""
    status: Ints
    """Index into STATUSES."""
    slow: Bools
    """Sent by staff who are slow."""
    received: Ints
    """Pushes that the person was sent on the 7 days before the day of this one."""
    opened_at: Ints
    clicked_at: Ints
    blocked_at: Ints
    campaigns: tuple[str, ...]
    left_at: Ints
    """Per person, when the stay ends, blocking included."""
    extra_person: Ints
    """Who placed an order because of a clicked push."""
    extra_at: Ints
    """When those orders were placed."""
    assignments: list[Assignments]


def draw_pushes(
    pushing: Pushing, frame: Frame, people: People, stay: Stay, *, stream: Stream
) -> Pushes:
    """Draw all pushes to members from day 33 after the addition on, and the answers.

    Everyone gets at most one a day, in the randomised part a fixed number a week on days drawn by
    lot. Who blocks has left, and gets no more.

    Args:
        pushing: the truths.
        frame: the observed days.
        people: who they are.
        stay: when they were added, and when they leave apart from blocking.
        stream: opens the random stream of a name.
    """
    arms = draw_arms(pushing, frame, stay, stream("push arms"))
    draws = open_personal(stream("pushes"), len(people), purposes=PURPOSES)
    sent, left_at = send_pushes(pushing, frame, people, stay, arms, draws)
    week = number_weeks(frame, sent.day)
    kind = _draw_kinds(pushing, sent, draws)
    content = tag_campaigns(week, kind) * len(KINDS) + kind
    copy = (draws.uniform(sent.person, sent.day, COPY) * len(COPIES)).astype(np.int64)
    clicks = rate_clicks(pushing, frame, people, stay, sent=sent, content=content)
    clicked = draws.uniform(sent.person, sent.day, CLICK) < clicks
    opens = _rate_opens(pushing, people, sent, copy)
    opened = clicked | (draws.uniform(sent.person, sent.day, OPEN) < opens)
    opening, clicking = wait_to_click(draws, sent.person, sent.day)
    opened_at = _until(left_at[sent.person], sent, opened, sent.sent_at + opening)
    clicked_at = _until(left_at[sent.person], sent, clicked, sent.sent_at + opening + clicking)
    proposed = propose_blocks(pushing, draws, sent)
    extra_person, extra_at = _draw_orders(pushing, frame, sent, clicked_at, left_at, draws)
    return Pushes(
        person=sent.person,
        planned_at=sent.planned_at,
        sent_at=sent.sent_at,
        medium=sent.medium,
        campaign=number_campaigns(week, kind),
        content=content,
        copy=copy,
        propensity=sent.propensity,
        status=sent.status,
        slow=is_slow(pushing, stay.staff[sent.person]),
        received=sent.received,
        opened_at=opened_at,
        clicked_at=clicked_at,
        blocked_at=np.where(proposed == left_at[sent.person], proposed, NEVER),
        campaigns=name_campaigns(frame),
        left_at=left_at,
        extra_person=extra_person,
        extra_at=extra_at,
        assignments=_assign(pushing, arms, left_at),
    )


def rate_clicks(
    pushing: Pushing, frame: Frame, people: People, stay: Stay, *, sent: Sent, content: Ints
) -> Floats:
    """Give the chance that each push is clicked, at the hour in which it was sent."""
    return np.asarray(
        rate_appeal(
            pushing,
            frame,
            people,
            person=sent.person,
            day=sent.day,
            added_at=stay.added_at[sent.person],
            content=content,
            medium=sent.medium,
        )
        * rate_hour(pushing, people.occupation[sent.person], sent.sent_at % DAY // HOUR)
        * rate_fatigue(pushing, sent.received)
    )


def tabulate_pushes(columns: Columns, pushes: Pushes) -> pa.Table:
    """Write the table `pushes`."""
    known = ~np.isnan(pushes.propensity)
    return pa.table(
        {
            "push_id": columns.numbered("p", np.arange(len(pushes.person))),
            "user_id": columns.users(pushes.person),
            "planned_at": columns.instants(pushes.planned_at),
            "sent_at": columns.instants(pushes.sent_at),
            "medium": texts(MEDIA, pushes.medium),
            "campaign": texts(pushes.campaigns, pushes.campaign),
            "content": texts(CONTENTS, pushes.content),
            "copy": texts(COPIES, pushes.copy),
            "propensity": pa.array(pushes.propensity.round(4), mask=~known),
            "status": texts(STATUSES, pushes.status),
            "opened_at": columns.instants(pushes.opened_at),
            "clicked_at": columns.instants(pushes.clicked_at),
            "blocked_at": columns.instants(pushes.blocked_at),
        }
    )


def _draw_kinds(pushing: Pushing, sent: Sent, draws: Personal) -> Ints:
    """Choose promotions: by lot in the randomised part, else more of them in the evening."""
    evening = np.isin(sent.hour, POLICY_EVENING)
    share = pushing.policy_promotion_evening
    policy = np.where(evening, share, 1 - share)
    promotion = np.where(np.isnan(sent.propensity), policy, _RANDOMISED_PROMOTION)
    return (draws.uniform(sent.person, sent.day, KIND) < promotion).astype(np.int64)


def _rate_opens(pushing: Pushing, people: People, sent: Sent, copy: Ints) -> Floats:
    hour = sent.sent_at % DAY // HOUR
    return np.asarray(
        pushing.open_extra
        * rate_activity(pushing, people.activity[sent.person])
        * np.where(copy == 1, pushing.copy_b_opens, 1.0)
        * np.where(np.isin(hour, EVENING), pushing.evening_opens, 1.0)
    )


def _until(left_at: Ints, sent: Sent, does: Bools, at: Ints) -> Ints:
    """Keep what people do with sent pushes before they leave."""
    return np.where((sent.status == SENT) & does & (at < left_at), at, NEVER)


def _draw_orders(
    pushing: Pushing, frame: Frame, sent: Sent, clicked_at: Ints, left_at: Ints, draws: Personal
) -> tuple[Ints, Ints]:
    """Let a share of the clicks lead to an order, within a day and before the person leaves."""
    clicked = np.flatnonzero(clicked_at < NEVER)
    person, day = sent.person[clicked], sent.day[clicked]
    orders = draws.uniform(person, day, ORDER) < pushing.order_share
    wait = stretch(draws.uniform(person, day, ORDER_WAIT), median=2400, sigma=1.3, most=DAY)
    at = clicked_at[clicked] + wait
    kept = orders & (at < np.minimum(left_at[person], frame.end))
    return person[kept], at[kept]


def _assign(pushing: Pushing, arms: Arms, left_at: Ints) -> list[Assignments]:
    """List who was drawn into which arm, on the first day on which it makes a difference."""
    there = np.flatnonzero(arms.begins < NEVER // DAY)
    capped = np.flatnonzero(arms.randomised & (left_at > arms.starts * DAY))
    return [
        Assignments(
            experiment="no_push_2025",
            arms=("push", "none"),
            person=there,
            arm=(~arms.pushed[there]).astype(np.int64),
            at=arms.begins[there] * DAY,
        ),
        Assignments(
            experiment="push_cap_2025h2",
            arms=tuple(str(cap) for cap in pushing.caps),
            person=capped,
            arm=arms.cap[capped],
            at=arms.starts[capped] * DAY,
        ),
    ]
