"""The truths about referral, against closed forms and against what large draws show."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import cache, partial

import numpy as np
import pytest
from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.inviting import draw_friends
from siyu.data.world.pool import draw_core
from siyu.data.world.referral import Campaign, Referral
from siyu.data.world.settings import Settings
from siyu.data.world.staying import Staying
from siyu.data.world.truths import referral as stated
from siyu.data.world.truths.facts import Truth

QUICK = Campaign(
    first_day=date(2025, 9, 1),
    seed_share=0.2,
    invitations=2.0,
    dispersion=0.5,
    acceptance=0.25,
    invite_hours=0.1,
    accept_hours=0.1,
    leave_at_once=0.2,
    reward_cny=8.0,
)
# Nobody leaves but at once with the reward, and all is done within hours.
PLAIN = Settings(
    staying=Staying(
        leave_per_day=dict.fromkeys(LURES, 0.0), leave_at_once=dict.fromkeys(LURES, 0.0)
    ),
    referral=Referral(campaigns={"plain": QUICK, "game": replace(QUICK, lives=1)}),
)


@cache
def state(settings_key: str) -> dict[str, Truth]:
    settings = {"plain": PLAIN, "default": Settings()}[settings_key]
    return {truth.id: truth for truth in stated.state_referral(settings)}


def test_where_nobody_leaves_later_all_follows_from_the_settings() -> None:
    truths = state("plain")
    k, k_seeds = 0.8 * 2.0 * 0.25, 0.2 * 2.0 * 0.25
    expected = {
        "acceptance": 0.25,
        "invitations": 2.0,
        "dispersion": 0.5,
        "k": k,
        "k_seeds": k_seeds,
        "total_per_seed": 1 + k_seeds / (1 - k),
    }
    for name, value in expected.items():
        assert truths[f"referral.plain.{name}"].value == pytest.approx(value, abs=1e-6)
    for name, value in (
        ("left_within_1_day", 0.2),
        ("connected_30", 0.8),
        ("cost_per_kept", 8.0 / 0.8),
    ):
        truth = truths[f"referral.plain.{name}"]
        assert abs(truth.value - value) <= 4 * truth.standard_error
    assert truths["referral.plain.cycle_days"].value < 0.5


def test_a_game_with_one_life_spreads_by_those_who_invite_at_all() -> None:
    truths = state("plain")
    # Negative binomial: nobody is invited with probability (shape / (shape + mean)) ** shape.
    invitations = 1 - (0.5 / 2.5) ** 0.5
    assert truths["referral.game.invitations"].value == pytest.approx(invitations, abs=1e-6)
    assert truths["referral.game.k"].value == pytest.approx(0.8 * invitations * 0.25, abs=1e-6)
    assert "referral.game.dispersion" not in truths


def test_campaigns_outside_the_observation_are_left_out() -> None:
    late = {"late": replace(QUICK, first_day=date(2026, 4, 1))}
    assert stated.state_referral(replace(PLAIN, referral=Referral(campaigns=late))) == []


def test_a_campaign_without_members_has_seeds_that_bring_nobody() -> None:
    first = {"first": replace(QUICK, first_day=date(2025, 4, 1))}
    truths = stated.state_referral(replace(PLAIN, referral=Referral(campaigns=first)))
    assert {truth.id: truth.value for truth in truths}["referral.first.k_seeds"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_large_draw_spreads_as_stated(number: int) -> None:
    settings = Settings()
    stream = partial(open_stream, 3, 0)
    core = draw_core(settings, users=150_000, stream=stream)
    friends = draw_friends(
        settings.referral,
        settings.frame,
        core.people,
        core.stay,
        arrivals=settings.arrivals,
        staying=settings.staying,
        stream=stream,
    )
    name, campaign = list(settings.referral.campaigns.items())[number]
    opens = settings.frame.second(campaign.first_day)
    invites, stay = friends.invites, core.stay.join(friends.stay)
    ours = invites.campaign == number
    came = invites.invitee[ours & invites.new]
    early = came[stay.added_at[came] < opens + 30 * DAY]
    members = np.flatnonzero((stay.added_at < opens) & (stay.left_at >= opens))
    for measure, who, begins in (
        ("k", early, stay.added_at),
        ("k_seeds", members, np.full(len(stay.added_at), opens)),
    ):
        in_time = ours & invites.new & (invites.accepted_at - begins[invites.inviter] <= 14 * DAY)
        brought = np.bincount(invites.inviter[in_time], minlength=len(stay.added_at))[who]
        truth = state("default")[f"referral.{name}.{measure}"]
        error = math.hypot(truth.standard_error, float(brought.std()) / math.sqrt(len(who)))
        assert len(who) > 200
        assert abs(brought.mean() - truth.value) <= 4 * error
    left = stay.left_at[early] <= stay.added_at[early] + DAY
    truth = state("default")[f"referral.{name}.left_within_1_day"]
    error = math.hypot(truth.standard_error, float(left.std()) / math.sqrt(len(early)))
    assert abs(left.mean() - truth.value) <= 4 * error


@pytest.mark.slow
def test_one_campaign_spreads_little_and_one_nearly_by_itself() -> None:
    truths = state("default")
    assert 0.3 < truths["referral.老带新有礼.k"].value < 0.4
    assert 0.85 < truths["referral.裂变拼团.k"].value < 0.95
