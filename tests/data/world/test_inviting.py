"""Invitations follow the settings, and friends come of nothing but accepted invitations."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import LURES
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR, HOURS, NEVER, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.inviting import (
    JOINING_DAYS,
    NOBODY,
    REFERRAL,
    Friends,
    Inviters,
    Invites,
    draw_friends,
    draw_invites,
    draw_newcomers,
    find_seeds,
    postpone,
    tabulate_invites,
    withdraw,
)
from siyu.data.world.people import PLACES, Arrivals, People, draw_people
from siyu.data.world.referral import Campaign, Referral
from siyu.data.world.staying import Stay, Staying, draw_stay

MEMBERS = 20_000
YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
CAMPAIGN = Campaign(
    first_day=date(2025, 9, 1),
    seed_share=0.5,
    invitations=2.0,
    dispersion=0.7,
    acceptance=0.3,
    known=0.1,
    leave_at_once=0.2,
)
OPENS = YEAR.second(CAMPAIGN.first_day)
REFERRAL_TRUTHS = Referral(
    campaigns={"first": CAMPAIGN, "second": replace(CAMPAIGN, first_day=date(2025, 10, 1))}
)


def draw_members(size: int) -> tuple[People, Stay]:
    """Members who were all added as they arrived."""
    people = draw_people(Arrivals(), YEAR, users=size, stream=STREAM)
    stay = draw_stay(
        Staying(), YEAR, people, lure=people.lure, added_at=people.arrived_at, stream=STREAM
    )
    return people, stay


def spread(referral: Referral, size: int = MEMBERS) -> Friends:
    people, stay = draw_members(size)
    return draw_friends(
        referral, YEAR, people, stay, arrivals=Arrivals(), staying=Staying(), stream=STREAM
    )


def invite(campaign: Campaign, inviters: Inviters) -> Invites:
    return draw_invites(Referral(campaigns={"only": campaign}), 0, 0, YEAR, inviters, STREAM)


def everyone(size: int) -> Inviters:
    """Inviters who begin as the campaign opens, are willing, and never leave."""
    return Inviters(
        person=np.arange(size) + 7,
        since=np.full(size, OPENS),
        until=np.full(size, NEVER),
        willing=np.ones(size, dtype=bool),
    )


@pytest.fixture(scope="module")
def friends() -> Friends:
    return spread(REFERRAL_TRUTHS)


def assert_share(count: float, n: float, expected: float) -> None:
    """A binomial share lies within four standard errors of what is expected."""
    assert n > 100
    assert abs(count / n - expected) <= 4 * math.sqrt(expected * (1 - expected) / n)


def test_invitations_have_mean_dispersion_and_answers_as_set() -> None:
    size = 40_000
    invites = invite(CAMPAIGN, everyone(size))
    each = np.bincount(invites.inviter - 7, minlength=size)
    variance = 2.0 + 2.0**2 / 0.7
    assert abs(each.mean() - 2.0) <= 4 * math.sqrt(variance / size)
    # The fourth moment of this distribution makes the variance wobble by about 2.5%.
    assert each.var() == pytest.approx(variance, rel=0.1)
    assert_share(invites.new.sum(), len(invites.new), CAMPAIGN.acceptance)
    known = ~invites.new & (invites.invitee != NOBODY)
    # Who is known must have begun before the invitation, which here everyone has.
    assert_share(known.sum(), len(known), CAMPAIGN.known)


def test_delays_have_the_medians_as_set() -> None:
    # Short delays, so that nothing falls on the next day.
    quick = replace(CAMPAIGN, invite_hours=0.5, accept_hours=0.2)
    invites = invite(quick, everyone(40_000))
    waited = (invites.invited_at - OPENS) / HOUR
    answered = (invites.accepted_at - invites.invited_at)[invites.new] / HOUR
    assert np.median(waited) == pytest.approx(0.5, rel=0.03)
    assert np.median(answered) == pytest.approx(0.2, rel=0.05)


def test_what_falls_on_a_later_day_falls_on_it_in_the_rhythm_of_hours() -> None:
    at = np.full(50_000, 10 * HOUR)
    moved = postpone(at, np.full(50_000, 20.0), STREAM("any"))
    assert set(moved // DAY) == {1}
    for hour in (3, 12, 21):
        assert_share((moved % DAY // HOUR == hour).sum(), 50_000, HOURS[hour] / HOURS.sum())
    np.testing.assert_array_equal(postpone(at, np.full(50_000, 2.0), STREAM("any")), at + 2 * HOUR)


def test_the_unwilling_invite_nobody_and_the_others_only_while_there() -> None:
    inviters = replace(
        everyone(4000),
        until=np.full(4000, OPENS + DAY),
        willing=np.arange(4000) % 2 == 0,
    )
    invites = invite(CAMPAIGN, inviters)
    assert set((invites.inviter - 7) % 2) == {0}
    assert invites.invited_at.max() < OPENS + DAY
    assert len(invites.new) > 500


def test_the_end_of_the_observation_cuts_invitations_and_answers() -> None:
    late = replace(everyone(4000), since=np.full(4000, YEAR.end - 30 * HOUR))
    invites = invite(CAMPAIGN, late)
    assert invites.invited_at.max() < YEAR.end
    answered = invites.accepted_at < NEVER
    assert 0 < answered.sum() < 0.3 * len(answered)
    assert invites.accepted_at[answered].max() < YEAR.end
    np.testing.assert_array_equal(answered, (invites.invitee != NOBODY) | invites.new)


def test_seeds_are_the_members_of_the_first_midnight() -> None:
    added_at = np.array([OPENS - 1, OPENS, OPENS - 1, NEVER])
    left_at = np.array([NEVER, NEVER, OPENS - 1, NEVER])
    np.testing.assert_array_equal(find_seeds(CAMPAIGN, YEAR, added_at, left_at, STREAM).person, [0])
    seeds = find_seeds(CAMPAIGN, YEAR, np.zeros(20_000, int), np.full(20_000, NEVER), STREAM)
    assert_share(seeds.willing.sum(), 20_000, CAMPAIGN.seed_share)
    assert seeds.since.min() >= OPENS
    assert set((seeds.since - OPENS) // DAY) == set(range(JOINING_DAYS))


def test_newcomers_leave_at_once_as_set_and_do_nothing_later() -> None:
    size = 20_000
    people, stay, rewarded = draw_newcomers(
        CAMPAIGN,
        YEAR,
        np.full(size, OPENS + 12 * HOUR),
        arrivals=Arrivals(),
        staying=Staying(),
        stream=STREAM,
    )
    assert_share(rewarded.sum(), size, CAMPAIGN.leave_at_once)
    assert (stay.left_at[rewarded] <= OPENS + 36 * HOUR).all()
    for at in (stay.greeted_at, stay.recommended_at, stay.followed_at.min(axis=1)):
        happened = at < NEVER
        assert (at[happened] <= stay.left_at[happened]).all()
    assert PLACES[REFERRAL] == ("social", "referral")
    assert set(people.place) == {REFERRAL}
    assert {LURES[lure] for lure in people.lure} == {CAMPAIGN.lure}
    assert not people.after.any()


def test_every_friend_comes_of_one_accepted_invitation(friends: Friends) -> None:
    invites = friends.invites
    new = invites.new
    assert len(friends.people) == new.sum() > 500
    np.testing.assert_array_equal(invites.invitee[new], MEMBERS + np.arange(new.sum()))
    np.testing.assert_array_equal(invites.accepted_at[new], friends.stay.added_at)
    np.testing.assert_array_equal(friends.people.arrived_at, friends.stay.added_at)
    np.testing.assert_array_equal(friends.referrer, invites.inviter[new])
    assert friends.stay.added_at.max() < YEAR.end


def test_people_invite_only_while_members(friends: Friends) -> None:
    _, stay = draw_members(MEMBERS)
    everyones = stay.join(friends.stay)
    invites = friends.invites
    assert (everyones.added_at[invites.inviter] < invites.invited_at).all()
    assert (invites.invited_at < everyones.left_at[invites.inviter]).all()
    known = ~invites.new & (invites.invitee != NOBODY)
    assert known.sum() > 100
    assert (invites.invitee[known] != invites.inviter[known]).all()
    assert (everyones.added_at[invites.invitee[known]] < invites.accepted_at[known]).all()
    assert (invites.accepted_at[known] < everyones.left_at[invites.invitee[known]]).all()


def test_generations_follow_one_another(friends: Friends) -> None:
    invites = friends.invites
    came_in = {}
    for inviter, invitee, new, campaign, generation in zip(
        invites.inviter,
        invites.invitee,
        invites.new,
        invites.campaign,
        invites.generation,
        strict=True,
    ):
        if generation > 0:
            assert came_in[inviter] == (campaign, generation)
        if new:
            came_in[invitee] = (campaign, generation + 1)
    assert max(generation for _, generation in came_in.values()) >= 3
    # Friends of the first campaign are members when the second begins.
    seeds = invites.inviter[(invites.campaign == 1) & (invites.generation == 0)]
    assert (seeds >= MEMBERS).any()


def test_people_behind_leave_the_invitations_of_the_others_alone() -> None:
    campaign = Referral(campaigns={"only": replace(CAMPAIGN, known=0.0)})
    people, stay = draw_members(3000)
    more = people.join(people)
    twice = stay.join(replace(stay, added_at=np.full(3000, NEVER), left_at=np.full(3000, NEVER)))
    few, many = (
        draw_friends(
            campaign, YEAR, who, how, arrivals=Arrivals(), staying=Staying(), stream=STREAM
        )
        for who, how in ((people, stay), (more, twice))
    )
    np.testing.assert_array_equal(few.invites.invited_at, many.invites.invited_at)
    np.testing.assert_array_equal(few.stay.left_at, many.stay.left_at)


def test_a_later_campaign_leaves_an_earlier_one_alone(friends: Friends) -> None:
    alone = spread(Referral(campaigns={"first": CAMPAIGN}))
    first = friends.invites.campaign == 0
    for each in fields(Invites):
        np.testing.assert_array_equal(
            getattr(alone.invites, each.name), getattr(friends.invites, each.name)[first]
        )


def test_a_campaign_outside_the_observation_brings_nobody() -> None:
    outside = {
        "early": replace(CAMPAIGN, first_day=date(2025, 3, 1)),
        "late": replace(CAMPAIGN, first_day=date(2026, 4, 1)),
    }
    friends = spread(Referral(campaigns=outside), 2000)
    assert len(friends.people) == len(friends.invites.inviter) == len(friends.stay.added_at) == 0


def test_what_somebody_who_has_left_could_not_do_is_taken_back() -> None:
    people, stay = draw_members(4)
    invites = Invites(
        inviter=np.array([0, 1, 2, 0]),
        invited_at=np.array([10, 10, 10, 30]),
        invitee=np.array([4, 5, 3, NOBODY]),
        accepted_at=np.array([20, 20, 20, NEVER]),
        new=np.array([True, True, False, False]),
        campaign=np.zeros(4, dtype=np.int64),
        generation=np.zeros(4, dtype=np.int64),
    )
    friends = Friends(people=people, stay=stay, referrer=np.array([0, 1]), invites=invites)
    left_at = np.array([25, 9, NEVER, 15, NEVER, NEVER])
    kept = withdraw(friends, left_at)
    np.testing.assert_array_equal(kept.invites.inviter, [0, 2])
    np.testing.assert_array_equal(kept.invites.invitee, [4, NOBODY])
    np.testing.assert_array_equal(kept.invites.accepted_at, [20, NEVER])
    np.testing.assert_array_equal(kept.referrer, [0, NOBODY])


def test_the_table_shows_who_accepted_and_rewards_new_members_only() -> None:
    invites = Invites(
        inviter=np.array([0, 1, 2]),
        invited_at=np.array([10, 20, 30]),
        invitee=np.array([3, 1, NOBODY]),
        accepted_at=np.array([40, 50, NEVER]),
        new=np.array([True, False, False]),
        campaign=np.array([0, 1, 1]),
        generation=np.zeros(3, dtype=np.int64),
    )
    table = tabulate_invites(Columns(frame=YEAR), REFERRAL_TRUTHS, invites).to_pydict()
    assert table["inviter_id"] == ["000001", "000002", "000003"]
    assert table["invitee_id"] == ["000004", "000002", None]
    assert table["campaign"] == ["first", "second", "second"]
    assert [float(reward) for reward in table["reward_cny"]] == [10.0, 0.0, 0.0]
    assert [at is None for at in table["accepted_at"]] == [False, False, True]
    assert table["invited_at"][0].isoformat() == "2025-03-31T16:00:10+00:00"
