"""Chat groups: who joins, leaves, writes and advertises, against the settings and by hand."""

from dataclasses import replace
from datetime import date
from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import check
from siyu.data.contract import CHANNELS
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR, HOURS, NEVER, open_stream, wait
from siyu.data.world.frame import Frame
from siyu.data.world.grouping import FLASH, KINDS, Grouping
from siyu.data.world.groups import (
    AD,
    draw_groups,
    tabulate_group_members,
    tabulate_group_messages,
    tabulate_groups,
)
from siyu.data.world.people import Arrivals, draw_people
from siyu.data.world.settings import Settings
from siyu.data.world.truths.groups import state_groups

FRAME = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 7, 0)


def draw_members(users, *, leave_per_day=0.005):
    """Draw people of whom half are added, within a day of arriving, and leave at a hazard."""
    people = draw_people(Arrivals(), FRAME, users=users, stream=STREAM)
    rng = np.random.default_rng(20260331)
    added_at = people.arrived_at + rng.integers(1, DAY, users)
    added_at = np.where(rng.random(users) < 0.5, added_at, NEVER)
    left_at = added_at + wait(rng, np.full(users, leave_per_day))
    return people, added_at, left_at


def draw(grouping, users=20_000, **changes):
    people, added_at, left_at = draw_members(users, **changes)
    groups = draw_groups(grouping, FRAME, people, added_at=added_at, left_at=left_at, stream=STREAM)
    return groups, people, added_at, left_at


@pytest.fixture(scope="module")
def drawn():
    return draw(Grouping(ads_per_day=2.0, advertisers=0.01))


def truths(grouping):
    return {truth.id: truth.value for truth in state_groups(Settings(grouping=grouping))}


def assert_share(hits, of, expected):
    """Check a share against a known probability, within 4 binomial standard errors."""
    assert of > 30
    assert hits / of == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / of))


def test_the_share_who_join_within_30_days_is_the_stated_truth(drawn):
    groups, people, added_at, left_at = drawn
    until = (added_at // DAY + 31) * DAY
    stays = groups.stays
    joined_at = np.full(len(people), NEVER)
    welfare = groups.kind[stays.group] == 0
    joined_at[stays.person[welfare]] = stays.joined_at[welfare]
    for index, channel in enumerate(CHANNELS):
        there = (people.channel == index) & (left_at > until) & (until <= FRAME.end)
        joined = int((joined_at[there] < until[there]).sum())
        assert_share(joined, int(there.sum()), truths(Grouping())[f"groups.join.{channel}"])


def test_groups_of_a_kind_fill_up_one_after_the_other():
    groups, *_ = draw(Grouping(capacity=20), users=2_000)
    sizes = np.bincount(groups.stays.group)
    assert sizes.max() == 20
    for kind in (0, 1):
        of_kind = np.flatnonzero(groups.kind == kind)
        assert (sizes[of_kind[:-1]] == 20).all()
        for earlier, later in pairwise(of_kind):
            joined_at = groups.stays.joined_at
            last = joined_at[groups.stays.group == earlier].max()
            assert last <= joined_at[groups.stays.group == later].min()
    assert (np.diff(groups.created_at) >= 0).all()


def test_short_lived_groups_open_every_three_weeks_for_six_days(drawn):
    groups, *_ = drawn
    flash = groups.kind == FLASH
    opened = np.unique(groups.created_at[flash])
    assert set(np.diff(opened) / DAY) == {21.0}
    assert set(opened % DAY) == {9 * HOUR}
    assert ((groups.closed_at - groups.created_at)[flash] == 6 * DAY).all()
    assert (groups.closed_at[~flash] == NEVER).all()
    of_flash = flash[groups.stays.group]
    waited = (groups.stays.joined_at - groups.created_at[groups.stays.group])[of_flash]
    assert waited.min() >= 0
    assert waited.max() < 2 * DAY


def test_stays_lie_within_membership_and_group_and_messages_within_stays(drawn):
    groups, _, added_at, left_at = drawn
    stays = groups.stays
    assert (stays.joined_at > added_at[stays.person]).all()
    assert (stays.joined_at < stays.left_at).all()
    assert (stays.joined_at >= groups.created_at[stays.group]).all()
    assert (stays.left_at <= left_at[stays.person]).all()
    assert (stays.left_at <= groups.closed_at[stays.group]).all()
    assert (groups.dead_at <= groups.closed_at).all()
    assert stays.joined_at.max() < FRAME.end
    stay, at = groups.messages_stay, groups.messages_at
    assert (at >= stays.joined_at[stay]).all()
    assert (at < stays.left_at[stay]).all()
    assert (at < groups.dead_at[stays.group[stay]]).all()
    assert at.max() < FRAME.end
    person, joined_at = groups.joins()
    assert np.array_equal(person, stays.person)
    assert np.array_equal(joined_at, stays.joined_at)


def test_nobody_joins_two_groups_of_a_kind_or_two_at_once(drawn):
    groups, *_ = drawn
    key = groups.stays.person * len(KINDS) + groups.kind[groups.stays.group]
    assert len(np.unique(key)) == len(key)
    instant = groups.stays.person * FRAME.end + groups.stays.joined_at
    assert len(np.unique(instant)) == len(instant)


def test_the_hazard_of_leaving_jumps_with_the_first_ad_as_counted_stay_by_stay(drawn):
    groups, _, _, left_at = drawn
    stays = groups.stays
    first_ad = {}
    for at, kind, stay in zip(
        groups.messages_at, groups.messages_kind, groups.messages_stay, strict=True
    ):
        if kind == AD:
            group = stays.group[stay]
            first_ad[group] = min(at, first_ad.get(group, NEVER))
    left, days = {"before": 0, "after": 0}, {"before": 0.0, "after": 0.0}
    for person, group, joined_at, gone_at, advertises in zip(
        stays.person, stays.group, stays.joined_at, stays.left_at, stays.advertises, strict=True
    ):
        if advertises:
            continue
        turn, until = first_ad.get(group, NEVER), min(gone_at, FRAME.end)
        days["before"] += max(min(turn, until) - joined_at, 0) / DAY
        days["after"] += max(until - max(turn, joined_at), 0) / DAY
        own = gone_at < min(left_at[person], groups.closed_at[group], FRAME.end)
        left["before" if gone_at < turn else "after"] += int(own)
    known = truths(Grouping())
    for period in ("before", "after"):
        hazard = left[period] / days[period]
        assert left[period] > 300
        assert hazard == pytest.approx(
            known[f"groups.leave_per_day.{period}_ads"], abs=4 * hazard / np.sqrt(left[period])
        )


def test_the_share_who_write_nothing_in_28_days_is_the_stated_truth(drawn):
    groups, *_ = drawn
    stays = groups.stays
    until = stays.joined_at + 28 * DAY
    lasts = (np.minimum(stays.left_at, groups.dead_at[stays.group]) >= until) & (until <= FRAME.end)
    writes = np.zeros(len(until), dtype=bool)
    early = groups.messages_at < until[groups.messages_stay]
    writes[groups.messages_stay[early]] = True
    counted = lasts & ~stays.advertises
    silent = int((counted & ~writes).sum())
    assert_share(silent, int(counted.sum()), truths(Grouping())["groups.silent_28_days"])


def test_without_messages_everybody_is_silent_and_without_lurkers_few_are():
    assert truths(Grouping(messages_per_day=0))["groups.silent_28_days"] == 1
    # 28 x 0.5 messages expected at shape 1: the geometric distribution's P(0) = 1 / (1 + 14).
    talkative = Grouping(lurkers=0, messages_per_day=0.5, messages_shape=1)
    assert truths(talkative)["groups.silent_28_days"] == pytest.approx(1 / 15, abs=1e-6)
    groups, *_ = draw(Grouping(messages_per_day=0, ads_per_day=0), users=2_000)
    assert len(groups.messages_at) == 0


def test_a_few_members_post_nothing_but_ads_and_nobody_else_does(drawn):
    groups, *_ = drawn
    posts_ads = groups.messages_kind == AD
    assert np.array_equal(groups.stays.advertises[groups.messages_stay], posts_ads)
    persons, first = np.unique(groups.stays.person, return_index=True)
    assert_share(int(groups.stays.advertises[first].sum()), len(persons), 0.01)


def test_nobody_posts_ads_in_a_dead_group():
    grouping = Grouping(advertisers=1.0, dead=1.0, dead_days=(5.0, 5.0))
    groups, *_ = draw(grouping, users=4_000)
    lasting = groups.kind != FLASH
    assert ((groups.dead_at - groups.created_at)[lasting] == 5 * DAY).all()
    assert (groups.messages_kind == AD).any()
    group = groups.stays.group[groups.messages_stay]
    assert (groups.messages_at < groups.dead_at[group]).all()


def test_advertisers_are_moved_out_after_the_stated_mean():
    # Nobody leaves the pool, so that only the removal (mean 14 days, 福利群) ends the stays.
    joins = {kind: dict.fromkeys(CHANNELS, 1.0 if kind == "福利群" else 0.0) for kind in KINDS}
    grouping = Grouping(advertisers=1.0, joins=joins)
    groups, *_ = draw(grouping, users=4_000, leave_per_day=0)
    days = (groups.stays.left_at - groups.stays.joined_at) / DAY
    assert days.mean() == pytest.approx(14, abs=4 * 14 / np.sqrt(len(days)))


def test_a_share_of_the_lasting_groups_falls_silent_for_good():
    grouping = Grouping(capacity=5, dead=0.25, messages_per_day=3.0, lurkers=0)
    groups, *_ = draw(grouping, leave_per_day=0)
    old = (groups.kind != FLASH) & (groups.created_at < FRAME.end - 120 * DAY)
    dead = groups.dead_at < FRAME.end
    assert_share(int((old & dead).sum()), int(old.sum()), truths(grouping)["groups.dead"])
    assert not dead[(groups.kind == FLASH) & (groups.closed_at > FRAME.end)].any()
    days = (groups.dead_at - groups.created_at)[old & dead] / DAY
    assert 30 <= days.min() <= 35
    assert 115 <= days.max() <= 120.001


def test_messages_keep_the_rhythm_of_the_day_and_the_week(drawn):
    groups, *_ = drawn
    at = groups.messages_at[groups.messages_kind != AD]
    hour = np.bincount(at // HOUR % 24, minlength=24)
    expected = len(at) * HOURS / HOURS.sum()
    assert (np.abs(hour - expected) < 4.5 * np.sqrt(expected)).all()
    weekday = np.bincount(FRAME.weekday[at // DAY], minlength=7)
    assert weekday[5] > 1.2 * weekday[1]


def test_a_heavy_tail_of_members_writes_most_of_the_messages(drawn):
    groups, *_ = drawn
    count = np.sort(np.bincount(groups.messages_stay, minlength=len(groups.stays.person)))[::-1]
    tenth = len(count) // 10
    assert count[:tenth].sum() > 0.6 * count.sum()


def test_what_ads_do_changes_nothing_but_how_long_people_stay():
    calm, *_ = draw(Grouping(ads_factor=1.0), users=5_000)
    loud, *_ = draw(Grouping(ads_factor=5.0), users=5_000)
    assert np.array_equal(calm.stays.joined_at, loud.stays.joined_at)
    assert np.array_equal(calm.stays.group, loud.stays.group)
    assert (loud.stays.left_at <= calm.stays.left_at).all()
    for groups in (calm, loud):
        assert (groups.messages_kind == AD).any()
    ads = [groups.messages_at[groups.messages_kind == AD] for groups in (calm, loud)]
    assert np.array_equal(*ads)
    first_ad = np.full(len(calm.kind), NEVER)
    stay = calm.messages_stay[calm.messages_kind == AD]
    np.minimum.at(first_ad, calm.stays.group[stay], ads[0])
    sooner = loud.stays.left_at < calm.stays.left_at
    assert sooner.any()
    assert (loud.stays.left_at > first_ad[loud.stays.group])[sooner].all()


def test_how_much_is_written_leaves_the_stays_alone():
    quiet, *_ = draw(Grouping(messages_per_day=0.1), users=5_000)
    loud, *_ = draw(Grouping(messages_per_day=0.5, lurkers=0.2), users=5_000)
    for name in ("person", "group", "joined_at", "left_at"):
        assert np.array_equal(getattr(quiet.stays, name), getattr(loud.stays, name))
    assert len(loud.messages_at) > 3 * len(quiet.messages_at)


def test_people_behind_leave_the_joining_of_the_others_alone():
    people, added_at, left_at = draw_members(3_000)
    alone, joined = (
        draw_groups(
            Grouping(),
            FRAME,
            some,
            added_at=np.resize(added_at, len(some)),
            left_at=np.resize(left_at, len(some)),
            stream=STREAM,
        )
        for some in (people, people.join(people))
    )
    first = joined.stays.person < len(people)
    assert np.array_equal(alone.stays.person, joined.stays.person[first])
    assert np.array_equal(alone.stays.joined_at, joined.stays.joined_at[first])
    assert np.array_equal(alone.stays.advertises, joined.stays.advertises[first])


def test_nobody_leaves_a_group_on_his_own_at_hazard_zero():
    grouping = Grouping(leave_per_day=0, advertisers=0)
    groups, _, _, left_at = draw(grouping, users=2_000)
    stays = groups.stays
    ends = np.minimum(left_at[stays.person], groups.closed_at[stays.group])
    assert np.array_equal(stays.left_at, ends)


def test_a_pool_without_members_has_no_groups():
    people, added_at, _ = draw_members(50)
    never = np.full_like(added_at, NEVER)
    groups = draw_groups(Grouping(), FRAME, people, added_at=never, left_at=never, stream=STREAM)
    columns = Columns(frame=FRAME)
    for tabulate in (tabulate_groups, tabulate_group_members, tabulate_group_messages):
        assert tabulate(columns, groups).num_rows == 0


def test_the_tables_keep_every_rule_of_the_contract(tmp_path, drawn):
    groups, people, *_ = drawn
    columns = Columns(frame=FRAME)
    tables = {
        "groups": tabulate_groups(columns, groups),
        "group_members": tabulate_group_members(columns, groups),
        "group_messages": tabulate_group_messages(columns, groups),
    }
    for name, table in tables.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    users = pa.table({"user_id": columns.users(np.arange(len(people)))})
    pq.write_table(users, tmp_path / "users.parquet")
    layout = "timezone: Asia/Shanghai\nobserved: {from: 2025-04-01, to: 2026-03-31}\n"
    (tmp_path / "source.yaml").write_text(layout, encoding="utf-8")
    report = check(tmp_path)
    assert report.problems == ()
    assert report.counts["group_members"] == len(groups.stays.person)
    assert report.counts["group_messages"] == len(groups.messages_at)
    assert tables["groups"]["closed_at"].null_count == (groups.closed_at >= FRAME.end).sum()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dead": 25},
            "grouping.dead = 25 must be at least 0 and at most 1; give a fraction, 0.3 for 30%",
        ),
        (
            {"ads_factor": 0},
            "grouping.ads_factor = 0 must be above 0; give a positive number",
        ),
        ({"leave_per_day": -1}, "grouping.leave_per_day = -1 must be at least 0"),
        ({"capacity": 0}, "grouping.capacity = 0 must be at least 1; give more"),
        ({"flash_open_days": 2}, "grouping.flash_open_days = 2 must be at least 3; give more"),
        ({"dead_days": (9, 3)}, "grouping.dead_days = (9, 3) must be above 0 and rise"),
        ({"joins": {}}, "grouping.joins has nothing; give exactly 福利群, 会员群, 秒杀群"),
        ({"delay_days": dict.fromkeys(KINDS, 0)}, "grouping.delay_days.福利群 = 0 must be above"),
    ],
)
def test_settings_out_of_range_are_named_with_rule_and_remedy(changes, message):
    (problem, *_) = replace(Grouping(), **changes).problems()
    assert problem.startswith(message)


def test_a_share_of_joins_above_one_is_named_with_kind_and_channel():
    joins = dict(Grouping().joins) | {"会员群": dict.fromkeys(CHANNELS, 2.0)}
    problems = list(Grouping(joins=joins).problems())
    assert len(problems) == len(CHANNELS)
    assert problems[0].startswith("grouping.joins.会员群.social = 2.0 must be")


def test_the_defaults_keep_every_rule():
    assert list(Grouping().problems()) == []
