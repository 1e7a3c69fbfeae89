"""The questions of referral: everything that is measured of campaigns."""

from __future__ import annotations

from siyu.data import Source
from siyu.studies.referral import (
    Definition,
    assists,
    concentration,
    find_invites,
    reward,
    sides,
    spread,
    trees,
)

from tests.engines.variants import strip

_GAME = "好友助力抽奖"


def _all(pool: Source) -> object:
    invites = find_invites(pool, Definition(), min_users=5)
    people = spread.measure(invites)
    lots = {"reward_experiment": "no_push_2025", "reward_control": "push"}
    return (
        invites,
        people,
        reward.measure(invites),
        trees.measure(invites, people),
        sides.measure(invites, **lots, gift_cny={"none": 5.0}, tree_days=20),
        assists.measure(invites, lives={_GAME: 3}, return_events=["browse", "cart", "order"]),
        concentration.measure(invites),
    )


def _bare(pool: Source) -> object:
    invites = find_invites(strip(pool), Definition(arriving_days=None), min_users=5)
    nobody = find_invites(strip(pool, "invites"), Definition())
    lots = {"reward_experiment": "no_push_2025", "reward_control": "push"}
    return (
        invites,
        reward.measure(invites),
        sides.measure(invites, **lots, tree_days=20),
        assists.measure(invites, lives={_GAME: 3}, return_events=["browse"]),
        reward.measure(nobody),
        concentration.measure(nobody),
    )


QUESTIONS = {"all campaigns": _all, "bare": _bare}
