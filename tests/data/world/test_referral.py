"""The numbers of invitations, and the rules that campaigns keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats
from siyu.data.world.referral import Campaign, Referral

CAMPAIGN = Campaign(
    first_day=date(2025, 9, 1), seed_share=0.5, invitations=2.0, dispersion=0.7, acceptance=0.3
)


def test_invitations_are_negative_binomial() -> None:
    shape, mean = CAMPAIGN.dispersion, CAMPAIGN.invitations
    expected = stats.nbinom.cdf(np.arange(50), shape, shape / (shape + mean))
    np.testing.assert_allclose(CAMPAIGN.weigh_invitations()[:50], expected, rtol=1e-12)
    assert CAMPAIGN.mean_invitations() == pytest.approx(2.0, rel=1e-9)


def test_a_game_ends_with_the_lives() -> None:
    game = replace(CAMPAIGN, lives=3)
    shape, mean = game.dispersion, game.invitations
    drawn = stats.nbinom(shape, shape / (shape + mean))
    expected = drawn.pmf(1) + 2 * drawn.pmf(2) + 3 * drawn.sf(2)
    assert game.mean_invitations() == pytest.approx(expected, rel=1e-9)
    assert game.weigh_invitations()[3] == 1


def test_without_invitations_nobody_is_invited() -> None:
    assert replace(CAMPAIGN, invitations=0.0).mean_invitations() == 0


def test_default_settings_keep_the_rules() -> None:
    assert list(Referral().problems()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed_share": 1.2}, "seed_share = 1.2 must be at least 0 and at most 1; give a fraction"),
        ({"dispersion": 0.0}, "dispersion = 0.0 must be above 0; give a positive number"),
        ({"reward_cny": -1.0}, "reward_cny = -1.0 must be at least 0; give a positive number"),
        (
            {"acceptance": 0.3, "known": 0.8},
            "acceptance + known = 1.1 must be at most 1; lower one of them",
        ),
        (
            {"lure": "car"},
            "lure = car names no lure; use one of physical, virtual, coupon, service",
        ),
    ],
)
def test_a_broken_rule_of_a_campaign_is_told(change: dict[str, float], message: str) -> None:
    referral = Referral(campaigns={"拼团": replace(CAMPAIGN, **change)})  # type: ignore[arg-type]
    assert next(iter(referral.problems())).startswith(f"referral.campaigns.拼团.{message}")


def test_a_campaign_that_would_never_end_is_refused() -> None:
    endless = replace(CAMPAIGN, invitations=4.0, leave_at_once=0.1)
    assert list(Referral(campaigns={"拼团": endless}).problems()) == [
        "referral.campaigns.拼团: invitations x acceptance x (1 - leave_at_once) = 1.08 must be "
        "below 1, or the campaign never ends; lower one of them"
    ]


def test_a_referral_without_campaigns_is_refused() -> None:
    assert list(Referral(campaigns={}, delay_sigma=-1).problems()) == [
        "referral.delay_sigma = -1 must be at least 0; give a positive number",
        "referral.campaigns names none; give at least one, with seed_share = 0 for nobody",
    ]
