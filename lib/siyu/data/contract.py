"""The shape every source is brought into: which tables, which columns, of which kind.

One place says what a table is; opening, checking, sampling and the dictionary in `data/README.md`
read it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "text", "instant", "day", "money", "share", "count"]
"""What a column holds.

id: text, leading zeros kept. text: a name or category. instant: a point in time (UTC). day: a
calendar day of the business time zone. money: yuan, exact to the fen. share: a fraction in [0, 1].
count: a whole number.
"""

CHANNELS = ("social", "online", "offline", "commercial")
LURES = ("physical", "virtual", "coupon", "service")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its kind, whether it must be filled, and the values it may take (none: any)."""

    kind: Kind
    required: bool = False
    values: tuple[str, ...] = ()
    minimum: float | None = None
    known_from: str | None = None
    """The instant of the row since which the value is known; None: as long as the row. Before it,
    the value must not be used to tell users apart: it would tell what they went on to do.
    """


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: what a row is, its key, its columns, and when a row and its values are known."""

    row: str
    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    known_at: str | None = None
    """The row exists only from this instant on; later rows are masked by `as_of`. None: always."""
    later: tuple[str, ...] = field(default=())
    """Instants that may come later than the row, and are blanked while they lie after `as_of`."""
    one_of: tuple[str, ...] = ()
    """Instants of which at least one must be filled; they stand in for an empty `known_at`."""
    after: Mapping[str, str] = field(default_factory=dict)
    """Instants that cannot lie before another instant of the same row."""
    lasting: bool = False
    """A row is a state, not a happening: begun before the observation, it still holds in it."""


def _id(*, required: bool = True) -> Column:
    return Column(kind="id", required=required)


def _instant(*, required: bool = False) -> Column:
    return Column(kind="instant", required=required)


def _money(*, required: bool = False, minimum: float | None = 0) -> Column:
    return Column(kind="money", required=required, minimum=minimum)


_TEXT = Column(kind="text")
_MUST = Column(kind="text", required=True)
_CHANNEL = Column(kind="text", values=CHANNELS)

PERSONS = ("user_id", "inviter_id", "invitee_id")
"""The columns that name users."""

TABLES: Mapping[str, Table] = {
    "users": Table(
        row="a person who was exposed to, or is in, the pool",
        key=("user_id",),
        later=("added_at", "left_at"),
        after={"left_at": "added_at"},
        columns={
            "user_id": _id(),
            "added_at": _instant(),
            "left_at": _instant(),
            "channel": _CHANNEL,
            "touchpoint": _TEXT,
            "lure": Column(kind="text", values=LURES, known_from="added_at"),
            "staff_id": Column(kind="id", known_from="added_at"),
            "referrer_id": _id(required=False),
            "gender": _TEXT,
            "age_band": _TEXT,
            "occupation": _TEXT,
            "city_tier": _TEXT,
        },
    ),
    "contacts": Table(
        row="a stay of a user with one staff account",
        key=("user_id", "staff_id", "added_at"),
        known_at="added_at",
        later=("left_at",),
        after={"left_at": "added_at"},
        lasting=True,
        columns={
            "user_id": _id(),
            "staff_id": _id(),
            "added_at": _instant(required=True),
            "left_at": _instant(),
            "left_by": Column(kind="text", values=("user", "staff"), known_from="left_at"),
        },
    ),
    "events": Table(
        row="something a user did or received",
        known_at="occurred_at",
        columns={
            "user_id": _id(),
            "occurred_at": _instant(required=True),
            "event": _MUST,
            "touchpoint": _TEXT,
            "item": _TEXT,
            "value_cny": _money(),
        },
    ),
    "orders": Table(
        row="a paid order",
        key=("order_id",),
        known_at="paid_at",
        columns={
            "order_id": _id(),
            "user_id": _id(),
            "paid_at": _instant(required=True),
            "amount_cny": _money(required=True),
            "margin_cny": _money(minimum=None),
            "coupon_cny": _money(),
            "refunded_cny": _money(),
            "category": _TEXT,
            "item": _TEXT,
        },
    ),
    "pushes": Table(
        row="one message to one user",
        key=("push_id",),
        known_at="planned_at",
        later=("sent_at", "opened_at", "clicked_at", "blocked_at"),
        one_of=("planned_at", "sent_at"),
        after={"opened_at": "sent_at", "clicked_at": "sent_at", "blocked_at": "sent_at"},
        columns={
            "push_id": _id(),
            "user_id": _id(),
            "planned_at": _instant(),
            "sent_at": _instant(),
            "medium": Column(
                kind="text", values=("one_to_one", "moments", "group", "service_notice", "sms")
            ),
            "campaign": _TEXT,
            "content": _TEXT,
            "copy": _TEXT,
            "propensity": Column(kind="share"),
            "status": Column(
                kind="text",
                values=("sent", "not_friend", "capped", "unsent"),
                known_from="sent_at",
            ),
            "opened_at": _instant(),
            "clicked_at": _instant(),
            "blocked_at": _instant(),
        },
    ),
    "tiers": Table(
        row="a user at a tier review",
        key=("user_id", "since"),
        known_at="since",
        lasting=True,
        columns={
            "user_id": _id(),
            "tier": _MUST,
            "since": _instant(required=True),
            "basis_cny": _money(),
        },
    ),
    "assignments": Table(
        row="a user put into an arm of an experiment",
        key=("experiment", "user_id"),
        known_at="assigned_at",
        lasting=True,
        columns={
            "experiment": _MUST,
            "user_id": _id(),
            "arm": _MUST,
            "assigned_at": _instant(required=True),
            "stratum": _TEXT,
            "cost_cny": _money(),
        },
    ),
    "invites": Table(
        row="an invitation",
        known_at="invited_at",
        later=("accepted_at",),
        after={"accepted_at": "invited_at"},
        columns={
            "inviter_id": _id(),
            "invited_at": _instant(required=True),
            "invitee_id": Column(kind="id", known_from="accepted_at"),
            "accepted_at": _instant(),
            "campaign": _TEXT,
            "reward_cny": Column(kind="money", minimum=0, known_from="accepted_at"),
        },
    ),
    "groups": Table(
        row="a chat group",
        key=("group_id",),
        known_at="created_at",
        later=("closed_at",),
        after={"closed_at": "created_at"},
        lasting=True,
        columns={
            "group_id": _id(),
            "created_at": _instant(required=True),
            "kind": _TEXT,
            "closed_at": _instant(),
        },
    ),
    "group_members": Table(
        row="a stay in a group",
        key=("group_id", "user_id", "joined_at"),
        known_at="joined_at",
        later=("left_at",),
        after={"left_at": "joined_at"},
        lasting=True,
        columns={
            "group_id": _id(),
            "user_id": _id(),
            "joined_at": _instant(required=True),
            "left_at": _instant(),
        },
    ),
    "group_messages": Table(
        row="a message in a group",
        known_at="sent_at",
        columns={
            "group_id": _id(),
            "user_id": _id(),
            "sent_at": _instant(required=True),
            "kind": Column(kind="text", values=("text", "image", "link", "ad")),
        },
    ),
    "points": Table(
        row="a posting in the points ledger",
        known_at="posted_at",
        columns={
            "user_id": _id(),
            "posted_at": _instant(required=True),
            "delta": Column(kind="count", required=True),
            "reason": Column(
                kind="text",
                values=("sign_in", "purchase", "invite", "task", "redeem", "expire"),
            ),
        },
    ),
    "spend": Table(
        row="a day's cost of a touchpoint",
        known_at="day",
        columns={
            "day": Column(kind="day", required=True),
            "channel": Column(kind="text", required=True, values=CHANNELS),
            "touchpoint": _TEXT,
            "campaign": _TEXT,
            "cost_cny": _money(required=True),
            "impressions": Column(kind="count", minimum=0),
            "clicks": Column(kind="count", minimum=0),
        },
    ),
}
