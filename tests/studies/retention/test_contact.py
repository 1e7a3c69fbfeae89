"""What contacts do: the engine against a count person by person, and what is estimated and said."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import speaking
from siyu.studies.retention import RetentionError, contact

from tests.studies.funnel.builders import open_shop, write_tables
from tests.studies.retention.builders import ZONE, at

LEVEL = 0.95
CONTACTS = ["greet within 1h", "recommend within 24h", "follow_up on day 2"]
END = dt.datetime(2026, 2, 1, tzinfo=ZONE)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@dataclass
class Member:
    added_at: dt.datetime
    left_at: dt.datetime | None = None
    done: list[tuple[str, dt.datetime]] = field(default_factory=list)
    channel: str | None = "social"
    arm: str = ""


def shop(folder, members: list[Member], **options):
    users = [
        {"user_id": f"{i:05}", "added_at": m.added_at, "left_at": m.left_at, "channel": m.channel}
        for i, m in enumerate(members)
    ]
    users.append({"user_id": "nobody", "added_at": None, "left_at": None, "channel": "online"})
    events = [
        {"user_id": f"{i:05}", "occurred_at": when, "event": event}
        for i, m in enumerate(members)
        for event, when in m.done
    ]
    # Every event has to have been seen once.
    events += [
        {"user_id": "nobody", "occurred_at": at("1 12:00"), "event": event}
        for event in ("greet", "recommend", "follow_up")
    ]
    drawn = [
        {"user_id": f"{i:05}", "arm": m.arm, "experiment": "lots", "assigned_at": m.added_at}
        for i, m in enumerate(members)
        if m.arm
    ]
    tables = {"assignments": drawn} if drawn else {}
    return open_shop(folder, events, users=users, **tables, **options)


def asked(pool, contacts=CONTACTS, **options):
    defaults = {"period_days": 31, "stay_days": 5, "adjust": ["channel"], "min_users": 1}
    return contact.measure(pool, contacts, **defaults | options)


def some_members(seed: int) -> list[Member]:
    rng = random.Random(seed)
    members = []
    for _ in range(80):
        added = dt.datetime(2026, 1, rng.randint(1, 31), tzinfo=ZONE) + dt.timedelta(
            seconds=rng.choice([0, 1, 86_399, rng.randrange(86_400)])
        )
        waits = [0, 1, 3599, 3600, 3601, 86_400, 86_401, 2 * 86_400, 6 * 86_400 + 3600]
        waits += [rng.randrange(12 * 86_400) for _ in range(4)]
        left = added + dt.timedelta(seconds=rng.choice(waits)) if rng.random() < 0.6 else None
        done = [
            (rng.choice(["greet", "recommend", "follow_up"]), added + dt.timedelta(seconds=wait))
            for wait in rng.sample(waits, 4)
        ]
        done.append(("greet", added - HOUR))  # before the addition: no contact of this stay
        done = [(event, when) for event, when in done if when < END]
        arm = rng.choice(["", "within_1h", "later"])
        channel = rng.choice(["social", "online", None])
        members.append(Member(added, left, done, channel, arm))
    return members


def by_hand(members: list[Member], name: str, stay_days: int = 5) -> dict[tuple, int]:
    """Count person by person: channel, hour, flags before, arm, there, treated, outcome, days."""

    def took(m: Member, which: str) -> int:
        event, hours, day = {
            "greet.1h": ("greet", 1, None),
            "recommend.24h": ("recommend", 24, None),
            "follow_up.day_2": ("follow_up", None, 2),
        }[which]
        joined = m.added_at.astimezone(ZONE).date()
        return int(
            any(
                event == what
                and when >= m.added_at
                and (
                    when - m.added_at <= hours * HOUR
                    if hours
                    else (when.astimezone(ZONE).date() - joined).days == day
                )
                for what, when in m.done
            )
        )

    counts: dict[tuple, int] = {}
    before = {
        "greet.1h": [],
        "recommend.24h": [],
        "follow_up.day_2": ["greet.1h", "recommend.24h"],
    }[name]
    for m in members:
        midnight = dt.datetime.combine(m.added_at.astimezone(ZONE).date(), dt.time(), tzinfo=ZONE)
        landmark = {
            "greet.1h": m.added_at + HOUR,
            "recommend.24h": m.added_at + DAY,
            "follow_up.day_2": midnight + 3 * DAY,
        }[name]
        reading = landmark + stay_days * DAY
        if reading > END:
            continue
        left = m.left_at if m.left_at is not None and m.left_at < END else None
        key = (
            m.channel,
            m.added_at.astimezone(ZONE).hour,
            *(took(m, which) for which in before),
            *([m.arm] if name == "greet.1h" else []),
            int(left is None or left >= landmark),
            took(m, name),
            int(left is None or left >= reading),
            days_there(name, left, landmark, stay_days),
        )
        counts[key] = counts.get(key, 0) + 1
    return counts


def days_there(name: str, left: dt.datetime | None, landmark: dt.datetime, stay_days: int) -> int:
    """Whole days after the landmark; of a contact on a day, days of the calendar."""
    if left is None or left < landmark:
        return stay_days if left is None else 0
    if name == "follow_up.day_2":
        left = dt.datetime.combine(left.astimezone(ZONE).date(), dt.time(), tzinfo=ZONE)
    return min((left - landmark) // DAY, stay_days)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_the_engine_agrees_with_a_count_person_by_person(tmp_path, seed):
    members = some_members(seed)
    found = asked(shop(tmp_path, members), experiment="lots")
    for name in ("greet.1h", "recommend.24h", "follow_up.day_2"):
        table = found.counts[name].astype({"by channel": "object"})
        table = table.where(table.notna(), None)
        counted = {tuple(row[:-1]): row[-1] for row in table.itertuples(index=False)}
        assert counted == by_hand(members, name), name


def test_contacts_come_in_the_order_of_their_deadlines_and_parts_are_no_reasons():
    found = contact.read_contacts(
        ["follow_up on day 7", "greet within 72h", "greet within 1h", "follow_up on day 2"]
    )
    assert [one.id for one in found] == [
        "greet.1h",
        "follow_up.day_2",
        "greet.72h",
        "follow_up.day_7",
    ]
    greet_1h, day_2, greet_72h, day_7 = found
    assert not greet_72h.comes_after(greet_1h)  # who is greeted within an hour is within 72, too
    assert day_2.comes_after(greet_1h)
    assert day_7.comes_after(day_2)
    assert not day_2.comes_after(day_7)


@pytest.mark.parametrize(
    ("contacts", "message"),
    [
        (["greet soon"], "'greet soon' must be like 'greet within 1h'"),
        (["greet within 0h"], "must have a number from 1 to 8784"),
        (["follow_up on day 0"], "must have a number from 1 to 366"),
        (["greet within 1h", "greet within 1h"], "'greet.1h' is there twice"),
    ],
)
def test_a_contact_that_cannot_be_is_refused_with_a_remedy(tmp_path, contacts, message):
    with pytest.raises(RetentionError, match=message):
        asked(shop(tmp_path, [Member(at("1 12:00"))]), contacts)


@pytest.mark.parametrize("name", ["period_days", "stay_days", "min_users"])
def test_numbers_out_of_range_are_refused(tmp_path, name):
    with pytest.raises(RetentionError, match=f"{name} = 0 must be at least 1"):
        asked(shop(tmp_path, [Member(at("1 12:00"))]), **{name: 0})


def test_two_arms_are_needed(tmp_path):
    with pytest.raises(RetentionError, match="must be two arms"):
        asked(shop(tmp_path, [Member(at("1 12:00"))]), experiment_arms=["a", "a"])


def test_users_without_times_of_addition_are_refused(tmp_path):
    pool = open_shop(
        tmp_path,
        [{"user_id": "1", "occurred_at": at("2 12:00"), "event": "greet"}],
        users=[{"user_id": "1", "channel": "social"}],
    )
    with pytest.raises(RetentionError, match="no column added_at"):
        asked(pool, ["greet within 1h"])


def test_without_the_experiment_nothing_judges(tmp_path):
    pool = shop(tmp_path, [Member(at("2 12:00"), arm=arm) for arm in ("within_1h", "later")])
    for experiment in ("", "other"):
        found = asked(pool, experiment=experiment)
        assert found.experiment == ""
        assert contact.judge(found, level=LEVEL) is None
    untested = asked(pool, CONTACTS[1:], experiment="lots")
    assert contact.judge(untested, level=LEVEL) is None
    (tmp_path / "bare").mkdir()
    bare = asked(shop(tmp_path / "bare", [Member(at("2 12:00"))]), experiment="lots")
    assert contact.judge(bare, level=LEVEL) is None


def test_an_arm_that_the_experiment_has_not_is_named_with_those_it_has(tmp_path):
    pool = shop(tmp_path, [Member(at("2 12:00"), arm=arm) for arm in ("within_1h", "later")])
    with pytest.raises(RetentionError, match="no arm 'ltr'; it has later, within_1h"):
        asked(pool, experiment="lots", experiment_arms=["within_1h", "ltr"])


def test_a_third_arm_is_neither_compared_nor_judged(tmp_path):
    arms = ("within_1h", "later", "never", "")
    found = asked(
        shop(tmp_path, [Member(at("2 12:00"), arm=arm) for arm in arms]), experiment="lots"
    )
    assert sorted(found.counts["greet.1h"]["arm"]) == sorted(arms)
    assert contact.effects(found, level=LEVEL).table.iloc[0].n == 1
    assert contact.judge(found, level=LEVEL).n == (1, 1)


def test_who_was_added_before_the_log_begins_is_not_taken_for_uncontacted(tmp_path):
    members = [Member(at("2 12:00")), Member(at("15 12:00"))]
    pool = shop(tmp_path, members, observed=("2026-01-10", "2026-01-31"))
    found = asked(pool)
    assert (found.first, found.n_added) == (dt.date(2026, 1, 10), 1)


def test_a_column_that_tells_who_left_is_not_adjusted_for(tmp_path):
    gone, there = at("9 12:00"), None
    members = [
        Member(at("2 12:00"), left, [], channel)
        for left, channel in ((gone, "left"), (there, "social"))
        for _ in range(40)
    ]
    found = asked(shop(tmp_path, members))
    assert found.adjust == ()
    assert "tells the outcome" in found.refused[0]


def test_without_a_confounder_that_was_asked_for_nothing_is_advised():
    measures = replace(reduced(cells(80)), refused=("by = 'lure': no such column.",))
    given = findings(measures, value_per_member_cny=20)
    assert given["retention.contact.greet.1h"].action == ""
    assert given["retention.contact.greet.1h"].worth_cny is None
    assert given["retention.contact.unadjusted.1"].status == "insufficient"
    found, judged = results(measures)
    said = contact.say_effects(measures, found, judged, level=LEVEL)
    assert "no action is advised: by = 'lure'" in said


def test_arms_that_were_contacted_alike_judge_nothing():
    """All of both arms were contacted: of the contact the lots say nothing."""
    counts = cells(40, arms=(300, 300), lot=0)
    counts.loc[counts["arm"] == "later", "treated"] = 1
    measures = reduced(counts)
    _, judged = results(measures)
    assert np.isnan(judged.p_same)
    assert "were to be expected" not in contact.say_judge(measures, judged, level=LEVEL)


def test_members_of_the_experiment_count_among_those_who_would_stay():
    """Half of the members were drawn: the gain of a week is that of all its members."""
    alone, _ = results(reduced(cells(80)))
    beside, _ = results(reduced(cells(80, arms=(800, 800), lot=40)))
    assert beside.table.iloc[0].per_week == pytest.approx(2 * alone.table.iloc[0].per_week)


def test_an_unknown_column_is_refused_and_the_rest_goes_on(tmp_path):
    found = asked(shop(tmp_path, [Member(at("2 12:00"))]), adjust=["chanel", "channel"])
    assert found.adjust == ("channel",)
    assert "did you mean 'channel'" in found.refused[0]


def test_a_contact_that_the_log_has_never_seen_is_said_and_the_rest_goes_on(tmp_path):
    found = asked(shop(tmp_path, [Member(at("2 12:00"))]), ["great within 1h", "greet within 24h"])
    assert [one.id for one in found.contacts] == ["greet.24h"]
    *_, one = findings(found).values()
    assert (one.id, one.status) == ("retention.contact.absent.1", "insufficient")
    assert "did you mean 'greet'" in one.message


def test_a_log_without_any_of_the_contacts_says_so(tmp_path):
    found = asked(shop(tmp_path, [Member(at("2 12:00"))]), ["call within 1h"])
    effects, judged = results(found)
    said = contact.say_effects(found, effects, judged, level=LEVEL)
    assert "events has no event 'call'" in said
    assert contact.say_naive(found, effects) == ""
    assert said.rstrip(".") in contact.draw_effects(found, effects, judged, level=LEVEL).alt
    assert contact.draw_overlap(found, effects).png


def test_without_a_table_of_events_nothing_is_known_of_contacts(tmp_path):
    facts = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-01-01", "to": "2026-01-31"}}
    users = [{"user_id": "1", "added_at": at("2 12:00"), "channel": "social"}]
    found = asked(open_source(write_tables(tmp_path, layout=facts, users=users)))
    (one,) = findings(found).values()
    assert "no table of events" in one.message


def over_days(counts: pd.DataFrame, *, stay_days: int = 30) -> pd.DataFrame:
    """Let those who left after the landmark have left half on day 3 and half on day 20."""
    stayed = counts.assign(stayed_days=np.where(counts["outcome"] == 1, stay_days, 0))
    leavers = (stayed["there"] == 1) & (stayed["outcome"] == 0)
    early = stayed[leavers].assign(stayed_days=3, n=lambda t: t["n"] // 2)
    late = stayed[leavers].assign(stayed_days=20, n=lambda t: t["n"] - t["n"] // 2)
    return pd.concat([stayed[~leavers], early, late], ignore_index=True)


def cells(effect: int = 40, *, arms: tuple[int, int] = (0, 0), lot: int = 30) -> pd.DataFrame:
    """Of 800 untreated and 800 treated half stay, and `effect` more of the treated; 200 of the
    treated and 400 of the others are gone at the landmark. By lot: arms of a size, of whom half
    stay, and `lot` more of the first.
    """
    rows = [
        ("", 1, 1, 1, 400 + effect),
        ("", 1, 1, 0, 400 - effect),
        ("", 1, 0, 1, 400),
        ("", 1, 0, 0, 400),
        ("", 0, 0, 0, 400),
    ]
    first, second = arms
    if first:
        rows += [
            ("within_1h", 1, 1, 1, first // 2 + lot),
            ("within_1h", 1, 1, 0, first // 2 - lot),
            ("later", 1, 0, 1, second // 2),
            ("later", 1, 0, 0, second // 2),
        ]
    table = pd.DataFrame(rows, columns=["arm", "there", "treated", "outcome", "n"])
    return over_days(table.assign(**{"by channel": "social", "hour": 12}))


def reduced(
    counts: pd.DataFrame, *, min_users: int = 30, planned_share: float = 0.5
) -> contact.Measures:
    (greet,) = contact.read_contacts(["greet within 1h"])
    has_arms = counts["arm"].ne("").any()
    return contact.Measures(
        contacts=[greet],
        source="shop",
        first=dt.date(2025, 10, 1),
        as_of=dt.date(2026, 3, 31),
        stay_days=30,
        min_users=min_users,
        n_added=int(counts["n"].sum()),
        adjust=("channel",),
        refused=(),
        absent=(),
        counts={"greet.1h": counts if has_arms else counts.drop(columns="arm")},
        experiment="lots" if has_arms else "",
        arms=("within_1h", "later"),
        planned_share=planned_share,
        tested="greet.1h",
    )


def results(measures: contact.Measures):
    return contact.effects(measures, level=LEVEL), contact.judge(measures, level=LEVEL)


def test_by_hand_everyone_lies_and_the_landmark_does_not():
    found, _ = results(reduced(cells(effect=0)))
    row = found.table.iloc[0]
    assert row.everyone == pytest.approx(0.5 - 400 / 1200)  # the 400 who had left count as without
    assert row.crude == pytest.approx(0)
    assert row.difference == pytest.approx(0, abs=1e-4)
    assert (row.followed, row.n, row.verdict) == (2000, 1600, "unclear")


def test_the_gain_is_what_treating_the_others_would_add():
    found, _ = results(reduced(cells(effect=80)))
    row = found.table.iloc[0]
    assert row.difference == pytest.approx(0.1, abs=1e-4)
    assert row.gain == pytest.approx(0.05, abs=1e-4)  # half of them were treated already
    weeks = (182 - 1 / 24 - 30) / 7
    assert row.per_week == pytest.approx(0.05 * 1600 / weeks, rel=1e-3)
    assert row.per_week_lower < row.per_week < row.per_week_upper


@pytest.mark.parametrize(
    ("effect", "english", "chinese"),
    [
        (80, "With “greet” within 1 h, more stay 30 days longer: +10.0 pp", "仍在的比例更高"),
        (-80, "None of the contacts clearly", "没有哪种触达明显改变"),
        (0, "None of the contacts clearly", "没有哪种触达明显改变"),
    ],
)
def test_the_headline_says_keeps_or_none(effect, english, chinese):
    measures = reduced(cells(effect))
    found, _ = results(measures)
    assert english in contact.say_effects(measures, found, None, level=LEVEL)
    with speaking("zh"):
        assert chinese in contact.say_effects(measures, found, None, level=LEVEL)


def test_the_ratio_by_hand_is_that_of_the_members_who_leave():
    """Of 10,000 each, 10 of those contacted and 20 of the others leave: one for two."""
    rows = [(1, 1, 9990, 30), (1, 0, 10, 4), (0, 1, 9980, 30), (0, 0, 20, 4)]
    counts = pd.DataFrame(rows, columns=["treated", "outcome", "n", "stayed_days"])
    counts = counts.assign(**{"by channel": "social", "hour": 12, "there": 1, "arm": ""})
    row = results(reduced(counts))[0].table.iloc[0]
    assert row.hazard_ratio == pytest.approx(0.5, rel=1e-3)
    # The standard error of a log ratio of counts is the root of 1/10 + 1/20.
    half = np.log(row.hazard_ratio_upper / row.hazard_ratio_lower) / 2
    assert half == pytest.approx(1.96 * (1 / 10 + 1 / 20) ** 0.5, rel=2e-3)


def test_who_has_no_counterpart_is_in_neither_estimate():
    """One in eighty came through a channel whose members were all contacted, and all left."""
    alone, _ = results(reduced(cells(80)))
    gone = cells().query("treated == 1 and outcome == 0 and stayed_days == 3").assign(n=20)
    beside, _ = results(reduced(pd.concat([cells(80), gone.assign(**{"by channel": None})])))
    row = beside.table.iloc[0]
    assert (row.left_out, row.n) == (20, 1600)
    for name in ("difference", "hazard_ratio", "hazard_ratio_upper"):
        assert row[name] == pytest.approx(alone.table.iloc[0][name], abs=1e-4)


@pytest.mark.parametrize(
    ("effect", "english", "chinese"),
    [
        (80, "fewer of those still there leave with", "的风险比没做到的低"),
        (-80, "more of those still there leave with", "的风险比没做到的高"),
        (0, "neither clearly fewer nor clearly more", "看不出明显高低"),
    ],
)
def test_a_second_finding_gives_the_hazard_ratio(effect, english, chinese):
    measures = reduced(cells(effect))
    one = findings(measures)["retention.contact.greet.1h.hazard_ratio"]
    assert (one.unit, one.evidence, one.n) == ("ratio", "adjusted", 1600)
    assert english in one.message
    assert (one.value < 1) == (effect > 0)
    assert one.ci_lower < one.value < one.ci_upper
    with speaking("zh"):
        told = findings(measures)["retention.contact.greet.1h.hazard_ratio"]
        assert chinese in told.message


def test_of_two_contacts_a_ratio_is_judged_as_strictly_as_the_effect():
    """One of two with an interval just beyond 1 is clear alone, and not beside another."""
    alone = reduced(cells(44))
    one, _ = results(alone)
    day_2 = contact.read_contacts(["follow_up on day 2"])
    nothing = cells(0).assign(**{"greet.1h": 1})
    both = replace(
        alone,
        contacts=[*alone.contacts, *day_2],
        counts={**alone.counts, "follow_up.day_2": nothing},
    )
    two, _ = results(both)
    assert one.table.iloc[0].hazard_ratio_upper < 1
    assert two.table.iloc[0].hazard_p_holm == pytest.approx(2 * one.table.iloc[0].hazard_p_holm)
    for measures, told in ((alone, "fewer of those"), (both, "neither clearly fewer")):
        assert told in findings(measures)["retention.contact.greet.1h.hazard_ratio"].message


def test_of_the_best_contact_both_routes_are_said():
    """Of 800 each 480 and 400 stay: ln(800 / 480) / ln(800 / 400) = 0.74."""
    measures = reduced(cells(80))
    found, judged = results(measures)
    said = contact.say_effects(measures, found, judged, level=LEVEL)
    assert "more stay 30 days longer: +10.0 pp" in said
    assert "25.6% fewer of those still there leave" in said
    assert "hazard ratio 0.74 (95% CI 0.64 to 0.86)" in said


def findings(measures: contact.Measures, **options):
    found, judged = results(measures)
    return {
        one.id: one for one in contact.conclude(measures, found, judged, level=LEVEL, **options)
    }


@pytest.mark.parametrize(
    ("effect", "english", "has_action"),
    [(80, "more stay", True), (-80, "fewer stay", False), (0, "No clear effect", False)],
)
def test_a_finding_says_what_a_contact_does(effect, english, has_action):
    one = findings(reduced(cells(effect)), value_per_member_cny=20)["retention.contact.greet.1h"]
    assert english in one.message
    assert (one.evidence, one.status, bool(one.action)) == ("adjusted", "info", has_action)
    if has_action:
        assert one.worth_cny == pytest.approx(20 * 0.05 * 1600 / (151.958 / 7), rel=1e-3)
    else:
        assert one.worth_cny is None


def test_without_a_price_nothing_is_worth_a_sum():
    assert findings(reduced(cells(80)))["retention.contact.greet.1h"].worth_cny is None


REFUSALS = {
    "few": (cells().assign(n=lambda t: t["n"].where(t["treated"] == 0, 5)), "fewer than 30"),
    "thin": (cells().assign(n=lambda t: t["n"] // 10), "fewer than 100 members"),
    "few_of_each": (
        cells().assign(n=lambda t: t["n"].where((t["treated"] == 0) | (t["outcome"] == 1), 4)),
        "fewer than 10 members left, or stayed",
    ),
    "alike": (
        pd.concat([cells(), cells().assign(**{"by channel": "new"}).query("treated == 1")]),
        "no counterpart",
    ),
}


@pytest.mark.parametrize(("counts", "why"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_compared_is_refused_with_the_reason(counts, why):
    measures = reduced(counts)
    (one,) = findings(measures).values()
    assert (one.status, one.value) == ("insufficient", None)
    assert why in one.message
    found, judged = results(measures)
    assert why in contact.say_effects(measures, found, None, level=LEVEL)
    assert contact.say_naive(measures, found) == ""
    assert contact.draw_effects(measures, found, judged, level=LEVEL).png
    assert contact.draw_overlap(measures, found).png


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_contact_that_cannot_be_compared_stands_beside_one_that_can(language):
    measures = reduced(cells(80))
    measures = replace(
        measures,
        contacts=contact.read_contacts(["greet within 1h", "follow_up on day 2"]),
        counts={**measures.counts, "follow_up.day_2": REFUSALS["few"][0].assign(**{"greet.1h": 1})},
    )
    found, judged = results(measures)
    assert list(found.table["verdict"]) == ["keeps", ""]
    assert list(found.propensity) == ["greet.1h"]
    with speaking(language):
        assert contact.draw_effects(measures, found, judged, level=LEVEL).png
        assert ("day 2" if language == "en" else "第 2 天跟进") in contact.conclude(
            measures, found, judged, level=LEVEL
        )[1].message


def test_nobody_who_was_followed_is_no_crash():
    measures = reduced(cells().iloc[:0])
    (one,) = findings(measures).values()
    assert (one.status, one.n) == ("insufficient", 0)


def test_why_naive_comparisons_lie_is_said_with_their_numbers():
    for effect in (80, 0):
        measures = reduced(cells(effect))
        found, _ = results(measures)
        said = contact.say_naive(measures, found)
        assert "who leaves early cannot be contacted any more" in said
        with speaking("zh"):
            assert "来不及触达" in contact.say_naive(measures, found)


@pytest.mark.parametrize(
    ("arms", "lot", "english", "chinese"),
    [
        ((300, 300), 30, "keeps +10.0 pp more", "多留下 +10.0"),
        ((300, 300), -40, "loses members over 30 days: −13.3 pp", "留下更少"),
        ((300, 300), 0, "no clear effect", "看不出"),
        ((20, 20), 0, "too few to be read", "太少，不作解读"),
        ((300, 600), 30, "not drawn 50.0% to 50.0% as planned", "按计划的 50.0% 对 50.0%"),
    ],
)
def test_what_lots_say_is_said(arms, lot, english, chinese):
    measures = reduced(cells(40, arms=arms, lot=lot))
    _, judged = results(measures)
    assert english in contact.say_judge(measures, judged, level=LEVEL)
    with speaking("zh"):
        assert chinese in contact.say_judge(measures, judged, level=LEVEL)
    one = findings(measures)["retention.contact.experiment.lots"]
    assert one.evidence == "randomised"
    assert (one.value is None) == (arms != (300, 300))


@pytest.mark.parametrize(("arms", "refused"), [((300, 600), ""), ((300, 300), "ratio")])
def test_arms_are_held_against_the_shares_that_were_planned(arms, refused):
    """A third was meant for the first: 300 of 900 are, 300 of 600 are not."""
    measures = reduced(cells(40, arms=arms), planned_share=1 / 3)
    assert contact.judge(measures, level=LEVEL).refused == refused


@pytest.mark.parametrize(("shares", "first"), [((0.5, 0.5), 0.5), ((0.1, 0.3), 0.25)])
def test_of_the_planned_shares_those_of_the_two_arms_count(tmp_path, shares, first):
    pool = shop(tmp_path, [Member(at("2 12:00"), arm=arm) for arm in ("within_1h", "later")])
    found = asked(pool, experiment="lots", experiment_shares=shares)
    assert found.planned_share == pytest.approx(first)


@pytest.mark.parametrize("shares", [(0.5,), (0.0, 1.0), (0.6, 0.5), (0.2, 0.3, 0.5)])
def test_shares_that_cannot_be_planned_are_refused(tmp_path, shares):
    with pytest.raises(RetentionError, match="two shares above 0"):
        asked(shop(tmp_path, [Member(at("1 12:00"))]), experiment_shares=shares)


@pytest.mark.parametrize(("lot", "proved"), [(40, True), (5, False)])
def test_what_lots_have_not_proved_is_not_advised_as_a_rule(lot, proved):
    measures = reduced(cells(80, arms=(300, 300), lot=lot))
    found, judged = results(measures)
    one = findings(measures)["retention.contact.greet.1h"]
    assert ("by lot for a start" in one.action) == proved
    assert (
        "have not proved it" in contact.say_effects(measures, found, judged, level=LEVEL)
    ) != proved
    alt = contact.draw_effects(measures, found, judged, level=LEVEL).alt
    assert ("not proved yet" in alt) != proved


def test_no_experiment_is_said_to_be_missing():
    measures = reduced(cells())
    assert "nothing judges" in contact.say_judge(measures, None, level=LEVEL)


@pytest.mark.parametrize(
    ("lot", "english"), [(8, "do not contradict"), (-60, "the lots contradict it")]
)
def test_lots_agree_or_contradict(lot, english):
    measures = reduced(cells(20, arms=(300, 300), lot=lot))
    _, judged = results(measures)
    assert english in contact.say_judge(measures, judged, level=LEVEL)


def test_lots_with_too_few_to_standardise_are_read_as_drawn_alone():
    measures = reduced(cells(20, arms=(60, 60), lot=5))
    _, judged = results(measures)
    assert (judged.refused, judged.landmark) == ("", None)
    assert "The landmark" not in contact.say_judge(measures, judged, level=LEVEL)


def test_those_drawn_by_lot_are_not_in_the_estimate():
    alone, _ = results(reduced(cells(40)))
    beside, _ = results(reduced(cells(40, arms=(300, 300), lot=-100)))
    assert beside.table.iloc[0].difference == pytest.approx(alone.table.iloc[0].difference)


def test_hours_with_few_members_join_their_neighbours():
    counts = pd.concat([cells().assign(hour=hour, n=2) for hour in range(6)] + [cells()])
    found, _ = results(reduced(counts.reset_index(drop=True)))
    assert found.table.iloc[0].n == 1600 + 6 * 12
    assert found.table.iloc[0].left_out == 0
    late, _ = results(reduced(cells().assign(hour=23)))
    assert late.table.iloc[0].n == 1600


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_are_drawn_with_their_tables(language):
    measures = reduced(cells(60, arms=(300, 300), lot=20))
    found, judged = results(measures)
    with speaking(language):
        effects = contact.draw_effects(measures, found, judged, level=LEVEL)
        overlap = contact.draw_overlap(measures, found)
    assert list(effects.table["contact"]) == ["greet.1h"]
    assert overlap.table["with_it"].sum() == 800
    assert effects.png
    assert not effects.undrawn
    alone = contact.draw_effects(measures, found, None, level=LEVEL)
    assert alone.png != effects.png
    unclear, _ = results(reduced(cells(0)))
    assert "None of the contacts" in contact.draw_effects(measures, unclear, None, level=LEVEL).alt


def test_bins_of_few_members_are_empty():
    few = cells(60).assign(**{"by channel": "rare"}, n=3)
    measures = reduced(pd.concat([cells(60), few], ignore_index=True))
    found, _ = results(measures)
    table = contact.draw_overlap(measures, found).table
    totals = table["with_it"] + table["without"]
    assert ((totals == 0) | (totals >= 30)).all()
