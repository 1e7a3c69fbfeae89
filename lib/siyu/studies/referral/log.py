"""Read a log of invitations by number, and tell what in it counts."""

from __future__ import annotations

from collections.abc import MutableMapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import count_us, without_zone
from siyu.studies.naming import UNKNOWN
from siyu.studies.referral.climb import ROOT

NEVER = np.iinfo(np.int64).max
"""Microseconds of what did not happen by the end of `as_of`."""


def number_users(pool: Source) -> ir.Table:
    """Give all users numbers, in the order of ids, and keep them in the engine.

    Returns:
        `user_id`, `number`, `added_us` (`NEVER` for who is no member), `left_us`, `channel`.
    """
    users = pool.table("users")
    channel = users.channel if "channel" in users.columns else ibis.null("string")
    times = {
        f"{name}_us": _us(users[f"{name}_at"])
        if f"{name}_at" in users.columns
        else ibis.literal(int(NEVER), "int64")
        for name in ("added", "left")
    }
    number = ibis.row_number().over(order_by=users.user_id).cast("int32")
    return users.select(
        "user_id", number=number, **times, channel=channel.fill_null(UNKNOWN)
    ).cache()


def _us(column: ir.TimestampValue) -> ir.IntegerValue:
    return count_us(without_zone(column)).fill_null(int(NEVER))


_TIMES = ("invited_us", "accepted_us", "inviter_added_us", "inviter_left_us", "added_us", "left_us")
EMPTY = pd.DataFrame(
    {"campaign": pd.Series(dtype="object"), "channel": pd.Series(dtype="object")}
    | {name: pd.Series(dtype="int64") for name in ("inviter", "invitee", *_TIMES)}
    | {"reward_cny": pd.Series(dtype="float64")}
)


def read_log(pool: Source, users: ir.Table) -> pd.DataFrame:
    """Read the log by number, in the order of acceptance, the same on every run.

    Args:
        pool: a source with invitations and their campaigns.
        users: from `number_users`.
    """
    invites = pool.table("invites")
    absent = {
        name: ibis.null(kind)
        for name, kind in (
            ("invitee_id", invites.inviter_id.type()),
            ("accepted_at", "timestamp('UTC')"),
            ("reward_cny", "float64"),
        )
        if name not in invites.columns
    }
    invites = invites.mutate(**absent)
    log = invites.select(
        "inviter_id",
        "invitee_id",
        campaign=invites.campaign.fill_null("").strip(),
        invited_us=_us(invites.invited_at),
        accepted_us=_us(invites.accepted_at),
        reward_cny=invites.reward_cny.cast("float64").fill_null(0.0),
    )
    inviters = users.select(
        inviter_id="user_id",
        inviter="number",
        inviter_added_us="added_us",
        inviter_left_us="left_us",
        channel="channel",
    )
    invitees = users.select(
        invitee_id="user_id", invitee="number", added_us="added_us", left_us="left_us"
    )
    log = log.left_join(inviters, "inviter_id").left_join(invitees, "invitee_id")
    read: pd.DataFrame = log.select(
        "campaign",
        "reward_cny",
        "invited_us",
        "accepted_us",
        channel=log.channel.fill_null(UNKNOWN),
        inviter=log.inviter.fill_null(ROOT).cast("int64"),
        invitee=log.invitee.fill_null(ROOT).cast("int64"),
        **{name: log[name].fill_null(int(NEVER)) for name in _TIMES[2:]},
    ).to_pandas()
    order = ["accepted_us", "invited_us", "inviter", "invitee", "campaign", "reward_cny"]
    return read.sort_values(order, kind="stable", ignore_index=True)


def drop_unusable(log: pd.DataFrame, left_out: MutableMapping[str, int]) -> pd.DataFrame:
    """Drop, and count once each, what is no invitation by a member to somebody else."""
    for name, wrong in (
        ("unknown_inviter", log["inviter_added_us"] == NEVER),
        ("self", (log["inviter"] == log["invitee"])),
        ("accepted_early", log["accepted_us"] < log["invited_us"]),
        ("early_inviter", log["inviter_added_us"] > log["invited_us"]),
    ):
        left_out[name] = int(wrong[log.index].sum())
        log = log[~wrong[log.index]]
    return log.reset_index(drop=True)


def find_new(log: pd.DataFrame, left_out: MutableMapping[str, int]) -> pd.Series:
    """Find the invitations that brought a new member: the first accepted of each invitee."""
    accepted = log["accepted_us"] < NEVER
    named = log["invitee"] != ROOT
    # The log is in the order of acceptance.
    again = (
        accepted
        & named
        & log[accepted & named].duplicated("invitee").reindex(log.index, fill_value=False)
    )
    new = accepted.copy()
    for name, wrong in (
        ("nameless", ~named),
        ("again", again),
        ("not_added", log["added_us"] == NEVER),
        ("known", log["added_us"] < log["invited_us"]),
    ):
        left_out[name] = int((new & wrong).sum())
        new &= ~wrong
    return new
