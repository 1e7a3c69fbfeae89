"""The campaigns in which members invite friends: the truths about referral."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from siyu.data.contract import LURES
from siyu.data.world.draws import Floats
from siyu.data.world.rules import outside

MOST_INVITATIONS = 1_000
"""Of one person in one campaign."""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One campaign: members of its first midnight may invite, and so may who comes of it.

    It goes on to the end of the observation.
    """

    first_day: date
    seed_share: float
    """Share of the members of the first midnight who take part at all."""
    invitations: float
    """Mean invitations of a person who takes part; negative binomial; 0 or more."""
    dispersion: float
    """Shape of the negative binomial: the variance is mean + mean ** 2 / shape; above 0."""
    acceptance: float
    """Probability that an invitation brings a new member."""
    known: float = 0.04
    """Probability that an invitation is accepted by a person who is a member already."""
    lives: int = 0
    """Most invitations of one person: the lives of a game; 0: no bound."""
    invite_hours: float = 30.0
    """Median hours from joining to an invitation (lognormal); above 0."""
    accept_hours: float = 8.0
    """Median hours from an invitation to its acceptance (lognormal); above 0."""
    lure: str = "coupon"
    """What the friend gets."""
    leave_at_once: float = 0.1
    """Share of friends who leave within a day, the reward in hand, and invite nobody."""
    reward_cny: float = 10.0
    """What the inviter gets for each new member; 0 or more."""

    def problems(self, name: str) -> Iterable[str]:
        """Yield each broken rule as one sentence; `name` is what the campaign is called."""
        for share in ("seed_share", "acceptance", "known", "leave_at_once"):
            yield from outside(f"{name}.{share}", getattr(self, share), most=1)
        for number in ("dispersion", "invite_hours", "accept_hours"):
            yield from outside(f"{name}.{number}", getattr(self, number), above=0)
        for number in ("invitations", "lives", "reward_cny"):
            yield from outside(f"{name}.{number}", getattr(self, number))
        if self.acceptance + self.known > 1:
            yield (
                f"{name}.acceptance + known = {self.acceptance + self.known:g} must be at most 1; "
                "lower one of them"
            )
        spread = (1 - self.leave_at_once) * self.mean_invitations() * self.acceptance
        if not spread < 1:
            yield (
                f"{name}: invitations x acceptance x (1 - leave_at_once) = {spread:g} must be "
                "below 1, or the campaign never ends; lower one of them"
            )
        if self.lure not in LURES:
            yield f"{name}.lure = {self.lure} names no lure; use one of {', '.join(LURES)}"

    def mean_invitations(self) -> float:
        """Mean invitations of a person who takes part, bounded by the lives."""
        return float((1 - self.weigh_invitations()).sum())

    def weigh_invitations(self) -> Floats:
        """Probability of at most 0, 1, 2 ... invitations of a person who takes part."""
        odds = self.invitations / (self.invitations + self.dispersion)
        number = np.arange(MOST_INVITATIONS)
        ratio = odds * (self.dispersion + number) / (1 + number)
        none = (1 - odds) ** self.dispersion
        below: Floats = np.minimum(np.cumsum(np.cumprod(np.append(none, ratio))), 1.0)
        below[self.lives or MOST_INVITATIONS :] = 1.0
        return below


def _campaigns() -> Mapping[str, Campaign]:
    return {
        "老带新有礼": Campaign(
            first_day=date(2025, 9, 5),
            seed_share=0.3,
            invitations=1.4,
            dispersion=0.6,
            acceptance=0.3,
            lure="physical",
            leave_at_once=0.12,
            reward_cny=15.0,
        ),
        "裂变拼团": Campaign(
            first_day=date(2025, 12, 5),
            seed_share=0.01,
            invitations=3.2,
            dispersion=0.8,
            acceptance=0.4,
            invite_hours=20.0,
            leave_at_once=0.25,
            reward_cny=6.0,
        ),
        "好友助力抽奖": Campaign(
            first_day=date(2026, 1, 20),
            seed_share=0.12,
            invitations=2.5,
            dispersion=1.5,
            acceptance=0.12,
            known=0.15,
            lives=3,
            invite_hours=4.0,
            accept_hours=2.0,
            lure="virtual",
            leave_at_once=0.2,
            reward_cny=2.0,
        ),
    }


@dataclass(frozen=True, kw_only=True)
class Referral:
    """The truths about inviting."""

    campaigns: Mapping[str, Campaign] = field(default_factory=_campaigns)
    """By name, in the order of their first days."""
    delay_sigma: float = 0.9
    """Standard deviation of the logarithm of every delay; 0 or more."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from outside("referral.delay_sigma", self.delay_sigma)
        if not self.campaigns:
            yield "referral.campaigns names none; give at least one, with seed_share = 0 for nobody"
        for name, campaign in self.campaigns.items():
            yield from campaign.problems(f"referral.campaigns.{name}")
