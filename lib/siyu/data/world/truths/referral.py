"""How far each campaign spreads, and what a friend who stays costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.draws import DAY, Floats, Ints, Stream, draw_seconds
from siyu.data.world.inviting import draw_newcomers, find_seeds, postpone
from siyu.data.world.pool import draw_core
from siyu.data.world.referral import Campaign
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

BATCHES, BATCH_USERS, BATCH_FRIENDS = 10, 10_000, 5_000
CYCLE_DAYS = 14
ARRIVING_DAYS = 30
KEPT_DAYS = 30
_FRIENDS = f"{BATCHES} batches of {BATCH_FRIENDS} friends"
_SEEDS = f"{BATCHES} batches of {BATCH_USERS} people exposed"


@dataclass(frozen=True, kw_only=True)
class _Shares:
    """What one batch shows of one campaign."""

    in_time: float
    """Of the invitations of friends who do not leave at once: those sent while a member and, if
    accepted, accepted within a cycle."""
    seeds_in_time: float
    """The same of members of the first midnight."""
    cycle_days: float
    gone: float
    kept: float


def state_referral(settings: Settings) -> list[Truth]:
    """State how campaigns spread.

    Numbers of invitations and acceptance are settings; only how many invitations are lost because
    the inviter has left, or come too late, is simulated.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms and simulated facts of each campaign that begins within the observation.
    """
    frame = settings.frame
    campaigns = {
        name: campaign
        for name, campaign in settings.referral.campaigns.items()
        if 0 <= frame.second(campaign.first_day) < frame.end
    }
    drawn: dict[str, list[_Shares]] = {name: [] for name in campaigns}
    for batch in range(BATCHES):
        core = draw_core(settings, users=BATCH_USERS, stream=truth_stream(batch))
        for name, campaign in campaigns.items():
            pool = core.stay.added_at, core.stay.left_at
            drawn[name].append(_draw_shares(settings, campaign, pool, truth_stream(batch)))
    return [truth for name in campaigns for truth in _state(settings, name, drawn[name])]


def _draw_shares(
    settings: Settings, campaign: Campaign, pool: tuple[Ints, Ints], stream: Stream
) -> _Shares:
    frame = settings.frame
    seeds = find_seeds(campaign, frame, *pool, stream)
    opens = np.full(len(seeds.person), frame.second(campaign.first_day))
    rng = stream("friends")
    day = frame.number(campaign.first_day) + rng.integers(ARRIVING_DAYS, size=BATCH_FRIENDS)
    added_at = day * DAY + draw_seconds(rng, BATCH_FRIENDS)
    _, stay, rewarded = draw_newcomers(
        campaign,
        frame,
        added_at,
        arrivals=settings.arrivals,
        staying=settings.staying,
        stream=stream,
    )
    left_at = stay.left_at
    stays = ~rewarded
    in_time, cycle = _ask(
        settings, campaign, added_at[stays], added_at[stays], left_at[stays], stream
    )
    seeds_in_time, _ = _ask(settings, campaign, opens, seeds.since, seeds.until, stream)
    return _Shares(
        in_time=in_time,
        seeds_in_time=seeds_in_time,
        cycle_days=cycle,
        gone=float((left_at <= added_at + DAY).mean()),
        kept=float((left_at > added_at + KEPT_DAYS * DAY).mean()),
    )


def _ask(
    settings: Settings, campaign: Campaign, begins: Ints, since: Ints, until: Ints, stream: Stream
) -> tuple[float, float]:
    """Let everybody send one invitation: the share in time, and the median days to acceptance."""
    spread = settings.referral.delay_sigma * stream("delays").standard_normal((len(since), 2))
    invited_at = postpone(since, campaign.invite_hours * np.exp(spread[:, 0]), stream("invites"))
    accepted_at = postpone(
        invited_at, campaign.accept_hours * np.exp(spread[:, 1]), stream("accepts")
    )
    sent = invited_at < until
    in_time = sent & (accepted_at <= begins + CYCLE_DAYS * DAY)
    if not sent.any():
        return float(in_time.sum()), 0.0
    return float(in_time.mean()), float(np.median((accepted_at - begins)[sent]) / DAY)


def _state(settings: Settings, name: str, batches: list[_Shares]) -> Iterator[Truth]:
    campaign = settings.referral.campaigns[name]
    study = {"campaign": name, "cycle_days": CYCLE_DAYS}
    id_ = f"referral.{name}"
    invitations = campaign.mean_invitations()
    yield from _state_settings(id_, campaign, invitations, study)

    def mean(share: str) -> Floats:
        return np.array([getattr(batch, share) for batch in batches])

    stays = 1 - campaign.leave_at_once
    k = stays * invitations * campaign.acceptance * mean("in_time")
    k_seeds = campaign.seed_share * invitations * campaign.acceptance * mean("seeds_in_time")
    product = "mean invitations x acceptance x share"
    yield simulated(
        f"{id_}.k",
        f"new members who accept within {CYCLE_DAYS} x 24 hours of the inviter's own addition, per "
        f"friend who came by the campaign in its first {ARRIVING_DAYS} days (any generation but "
        "the seeds), non-inviters included",
        k,
        f"{product} of invitations in time, simulated, {_FRIENDS}",
        **study,
    )
    yield simulated(
        f"{id_}.k_seeds",
        f"new members who accept within {CYCLE_DAYS} x 24 hours of the campaign's first midnight, "
        "per person who is a member then, non-inviters included",
        k_seeds,
        f"share who take part x {product} of invitations in time, simulated, {_SEEDS}",
        **study,
    )
    yield simulated(
        f"{id_}.total_per_seed",
        "people per member of the first midnight that the campaign ends with, the member included: "
        "1 + k_seeds / (1 - k)",
        1 + k_seeds / (1 - k),
        "geometric sum of the generations, from k and k_seeds",
        **study,
    )
    yield simulated(
        f"{id_}.cycle_days",
        "median days from a friend's own addition to the acceptance of an invitation that the "
        "friend sends and that is accepted",
        mean("cycle_days"),
        f"simulated, mean of the medians of {_FRIENDS}",
        **study,
    )
    yield from _state_staying(id_, campaign, mean("gone"), mean("kept"), study)


def _state_settings(
    id_: str, campaign: Campaign, invitations: float, study: dict[str, object]
) -> Iterator[Truth]:
    yield closed_form(
        f"{id_}.acceptance",
        "share of the invitations that bring a new member",
        campaign.acceptance,
        "a setting",
        **study,
    )
    yield closed_form(
        f"{id_}.invitations",
        "mean invitations of a friend who does not leave at once, if nobody left before sending "
        "them",
        invitations,
        "mean of the negative binomial, bounded by the lives"
        if campaign.lives
        else "mean of the negative binomial",
        **study,
    )
    if not campaign.lives:
        yield closed_form(
            f"{id_}.dispersion",
            "shape of the negative binomial of these invitations: variance = mean + mean ** 2 / "
            "shape",
            campaign.dispersion,
            "a setting",
            **study,
        )


def _state_staying(
    id_: str, campaign: Campaign, gone: Floats, kept: Floats, study: dict[str, object]
) -> Iterator[Truth]:
    how = f"simulated, {_FRIENDS}"
    yield simulated(
        f"{id_}.left_within_1_day",
        "share of the friends who leave within 24 hours of the addition",
        gone,
        how,
        **study,
    )
    yield simulated(
        f"{id_}.connected_30",
        f"share of the friends still there {KEPT_DAYS} x 24 hours after the addition",
        kept,
        how,
        **study,
    )
    yield simulated(
        f"{id_}.cost_per_kept",
        "reward in yuan to inviters per friend still there 30 x 24 hours after the addition",
        campaign.reward_cny / kept,
        f"reward of a new member, a setting, over that share; {how}",
        **study,
    )
