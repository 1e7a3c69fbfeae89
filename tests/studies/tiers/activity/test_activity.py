"""Purchases by tier: members counted by hand, windows as long after a review, and what is said."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu.findings import to_json
from siyu.formats import paragraph
from siyu.language import LANGUAGES, speaking
from siyu.stats.intervals import wilson
from siyu.studies.naming import EVERYONE
from siyu.studies.tiers import activity
from siyu.studies.tiers.activity import sentences

from tests.studies.tiers.moves.builders import (
    HOUR,
    MONTHS,
    TIERS,
    ZONE,
    Person,
    members_of,
    midnight,
    monthly,
)

LEVEL, HIGH = 0.95, ["silver", "gold"]
DAY = dt.timedelta(days=1)
ABOUT = {"notebook": "x", "as_of": "2026-07-20", "source": "shop", "parameters": {}}
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def order(user: int, on: str, *, margin=30.0, refunded=0.0, hour=12):
    """An order of 100 yuan on a day of 2026, written "06-24"."""
    at = dt.datetime.fromisoformat(f"2026-{on}").replace(tzinfo=ZONE) + hour * HOUR
    return {
        "user_id": f"u{user:04}",
        "paid_at": at,
        "amount_cny": 100.0,
        "margin_cny": margin,
        "refunded_cny": refunded,
    }


def numbered(orders):
    return [{"order_id": f"o{i}", **one} for i, one in enumerate(orders)]


def measured(folder, people, orders, **given):
    return activity.measure(members_of(folder, people, orders=numbered(orders), **given))


def test_five_members_are_counted_by_hand(tmp_path):
    """To 20 July: from 23 June, 22 days after the review of 1 June; before, from 23 May."""
    people = [
        monthly("ggggggg"),
        monthly("sssssgg"),  # silver at the review of 1 May, gold at that of 1 June
        monthly("gggggg", left=midnight(dt.date(2026, 6, 25))),  # left in the window: still counts
        monthly("ggggg", left=midnight(dt.date(2026, 6, 20))),  # left before it
        monthly("------g"),  # first reviewed in it
    ]
    orders = [
        order(0, "06-23", hour=0),
        order(0, "07-20", hour=23),
        order(0, "07-20", hour=1),  # the same day
        order(0, "06-22"),  # between the windows
        order(0, "05-23", hour=0),
        order(0, "05-22"),  # too early
        order(1, "06-19", margin=50.0),
        order(1, "06-24", refunded=100.0),  # no order
        order(2, "06-24", margin=70.0),
        order(4, "07-10"),
    ]
    found = measured(tmp_path, people, orders)
    assert found.starts == (dt.date(2026, 5, 23), dt.date(2026, 6, 23))
    assert found.after_days == 22
    rows = found.members.astype(int).to_numpy().tolist()
    silver, gold = (found.tiers.index(tier) for tier in ("silver", "gold"))
    assert sorted(rows) == sorted(
        [
            # before, now, days before, days now, members
            [gold, gold, 1, 2, 1],
            [silver, gold, 1, 0, 1],
            [gold, gold, 0, 1, 1],
            [gold, -1, 0, 0, 1],
        ]
    )
    assert found.margins.to_numpy().tolist() == [[gold, 2, 160.0, 90.0**2 + 70.0**2]]


@pytest.mark.parametrize(
    ("as_of", "starts", "after"),
    [
        ("2026-07-20", ("2026-05-23", "2026-06-23"), 22),
        ("2026-06-28", ("2026-05-01", "2026-06-01"), 0),
        # By the last review before either window, both would take that of 1 May.
        ("2026-06-27", ("2026-05-01", "2026-05-31"), 30),
        ("2026-02-20", (None, "2026-01-24"), 23),
    ],
)
def test_both_windows_begin_as_long_after_a_review(tmp_path, as_of, starts, after):
    people = [monthly("ggggggg") for _ in range(3)]
    found = measured(tmp_path, people, [order(0, "01-15")], as_of=as_of)
    assert found.after_days == after
    assert tuple(day and day.isoformat() for day in found.starts) == starts


def test_without_an_earlier_window_the_last_is_counted_all_the_same(tmp_path):
    """To 20 February: from 24 January, 23 days after the first review; nothing before it."""
    people = [monthly("ggggggg"), monthly("ggggggg"), monthly("sssssss")]
    orders = [order(0, "01-24"), order(0, "02-20"), order(2, "02-01"), order(1, "01-23")]
    found = measured(tmp_path, people, orders, as_of="2026-02-20")
    silver, gold = (found.tiers.index(tier) for tier in ("silver", "gold"))
    assert found.members.to_numpy().tolist() == [
        [-1, silver, 0, 1, 1],
        [-1, gold, 0, 0, 1],
        [-1, gold, 0, 2, 1],
    ]


def test_the_earlier_window_never_touches_the_last(tmp_path):
    """Reviews a week apart: the earlier window follows a review of at least 28 days before."""
    days = [dt.date(2026, 3, 2) + 7 * i * DAY for i in range(20)]
    people = [Person({midnight(day): "gold" for day in days}) for _ in range(3)]
    found = measured(tmp_path, people, [order(0, "03-15")])
    before, now = found.starts
    assert now - before == 28 * DAY


def test_without_common_days_the_earlier_window_is_the_28_days_before(tmp_path):
    people = [
        Person({midnight(day) + (i % 28) * 24 * HOUR: "gold" for day in MONTHS}) for i in range(84)
    ]
    found = measured(tmp_path, people, [order(0, "03-15")])
    assert found.after_days is None
    assert found.starts == (dt.date(2026, 5, 26), dt.date(2026, 6, 23))
    assert (found.members["tier"] >= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_are_those_of_a_count_member_by_member(tmp_path, seed):
    rng = random.Random(seed)
    people, orders = [], []
    for i in range(80):
        left = midnight(dt.date(2026, 5, 1)) + rng.randint(0, 90) * DAY
        path = "".join(rng.choice("osg-") for _ in MONTHS)
        people.append(monthly(path, left=left if rng.random() < 0.3 else None))
        orders += [
            order(i, f"0{rng.randint(5, 7)}-{rng.randint(1, 19):02}", hour=rng.randint(0, 23))
            for _ in range(rng.randint(0, 6))
        ]
    found = measured(tmp_path, people, orders)

    def seen(one, number, start):
        begins = midnight(start)
        reviews = {at: tier for at, tier in one.reviews.items() if at <= begins}
        if not reviews or (one.left_at is not None and one.left_at < begins):
            return -1, 0
        bought = {
            each["paid_at"].date()
            for each in orders
            if each["user_id"] == f"u{number:04}"
            and start <= each["paid_at"].date() < start + 28 * DAY
        }
        return TIERS.index(reviews[max(reviews)]), len(bought)

    people_seen = [[seen(one, i, start) for start in found.starts] for i, one in enumerate(people)]
    rows = pd.DataFrame(
        [(t0, t1, d0, d1) for (t0, d0), (t1, d1) in people_seen if max(t0, t1) >= 0],
        columns=["tier_before", "tier", "days_before", "days"],
    )
    expected = rows.groupby(list(rows.columns), as_index=False).size()
    assert found.members.to_numpy().tolist() == expected.to_numpy().tolist()


def reduced(*rows, margins=((2, 100, 5_000.0, 400_000.0),), **given):
    """Members: tier before, tier, days before, days, n."""
    columns = ["tier_before", "tier", "days_before", "days", "n"]
    about = {
        "source": "shop",
        "as_of": dt.date(2026, 7, 20),
        "min_users": 30,
        "tiers": TIERS,
        "has_orders": True,
        "has_margin": True,
        "starts": (dt.date(2026, 5, 23), dt.date(2026, 6, 23)),
        "after_days": 22,
        "members": pd.DataFrame(list(rows), columns=columns),
        "margins": pd.DataFrame(list(margins), columns=["tier", "buyers", "margin", "squared"]),
    }
    return activity.Measures(**about | given)


FALL = ((2, 2, 1, 0, 60), (2, 2, 1, 1, 80), (2, 2, 0, 0, 60), (0, 0, 0, 0, 300), (0, 0, 1, 1, 30))
RISE = tuple((before, now, later, earlier, n) for before, now, earlier, later, n in FALL)
STAY = ((2, 2, 1, 1, 100), (2, 2, 0, 0, 100), (0, 0, 0, 0, 300), (0, 0, 1, 1, 30))


def told(measures, *, high=HIGH, threshold=None, language="en"):
    found = activity.activity(measures, high_tiers=high, level=LEVEL)
    with speaking(language):
        said = paragraph(
            sentences.say_headline(measures, found, high_tiers=high),
            activity.say_activity(measures, found, high_tiers=high, level=LEVEL),
        )
        picture = activity.draw_activity(measures, found, high_tiers=high, level=LEVEL)
        findings = activity.conclude(
            measures, found, high_tiers=high, activity_threshold=threshold, level=LEVEL
        )
    assert len(to_json(findings, **ABOUT)["findings"]) == len(findings)
    return found, said, {one.id: one for one in findings}, picture


def test_where_nobody_bought_days_may_be_as_many_as_buyers_may_be():
    _, _, findings, _ = told(reduced((2, 2, 1, 0, 50), margins=()))
    upper = float(wilson(0, 50, level=LEVEL)[1])
    for name in ("share", "days"):
        one = findings[f"tiers.activity.{name}.gold"]
        assert (one.value, one.ci_lower, one.ci_upper) == pytest.approx((0, 0, upper))


def test_shares_and_days_are_of_all_members_of_the_window():
    rows = activity.activity(reduced(*FALL), high_tiers=HIGH, level=LEVEL)
    rows = rows.set_index(["tier", "measure"])
    gold = rows.loc[("gold", "share")]
    assert (gold["members"], gold["value"], gold["value_before"]) == (200, 0.4, 0.7)
    assert gold["change"] == pytest.approx(-0.3)
    ends = tuple(float(end) for end in wilson(80, 200, level=LEVEL))
    assert (gold["ci_lower"], gold["ci_upper"]) == pytest.approx(ends)
    assert rows.loc[("gold", "days"), "value"] == 0.4
    assert rows.loc[(EVERYONE, "share"), "value"] == pytest.approx(110 / 530)
    # 1 % of 200 members at 50 yuan; the spread of margins among 100 buyers is known.
    assert gold["point_cny"] == pytest.approx(100)
    half = 1.984 * np.sqrt((4_000 - 50**2) / 99) * 2
    assert gold["point_upper"] - gold["point_cny"] == pytest.approx(half, rel=1e-3)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fall_of_a_high_tier_is_an_alert_with_its_worth(language):
    found, said, findings, _ = told(reduced(*FALL), language=language)
    alert = findings["tiers.activity.change.share.gold"]
    assert (alert.status, alert.threshold, alert.direction) == ("alert", 0, "above")
    assert alert.action
    assert alert.worth_cny == pytest.approx(30 * 100)
    assert set(found.loc[found["tier"] == "gold", "verdict"]) == {"falls"}
    if language == "en":
        assert said.startswith("“gold”: members buy less in the last 28 days")
        assert "“gold”: fewer buy. 40.0% of 200 members" in said
        assert "“gold”: members buy on fewer days. 0.40 per member" in said
        assert "One percentage point of buyers is worth 100 yuan of margin" in said
        assert "Both windows begin on day 22 after a review" in said


def test_a_fall_of_another_tier_is_no_alert():
    *_, findings, _ = told(reduced(*FALL), high=["silver"])
    one = findings["tiers.activity.change.share.gold"]
    assert (one.status, one.threshold, one.worth_cny) == ("info", None, None)


@pytest.mark.parametrize(
    ("rows", "status", "said_of"),
    [(RISE, "ok", "“gold”: more buy."), (STAY, "watch", "“gold”: no clear change of who buys.")],
)
def test_no_fall_is_said_as_such(rows, status, said_of):
    _, said, findings, picture = told(reduced(*rows))
    assert said.startswith("No clear fall of purchases of “gold” in the last 28 days")
    assert said_of in said
    assert findings["tiers.activity.change.share.gold"].status == status
    assert findings["tiers.activity.change.share.gold"].worth_cny is None
    assert len(picture.table)


@pytest.mark.parametrize(
    ("threshold", "status", "worth"),
    [(0.6, "alert", 2_000), (0.45, "watch", None), (0.2, "ok", None)],
)
def test_a_share_below_its_threshold_is_an_alert(threshold, status, worth):
    *_, findings, _ = told(reduced(*FALL), threshold=threshold)
    one = findings["tiers.activity.share.gold"]
    assert (one.status, one.worth_cny and round(one.worth_cny)) == (status, worth)
    assert findings["tiers.activity.share.ordinary"].status == "info"
    assert f"The threshold is {threshold:.1%}." in one.message


def test_small_tiers_are_hidden_and_named():
    rows = (*STAY, (1, 1, 0, 0, 20), (1, 1, 1, 1, 5))
    found, _, findings, _ = told(reduced(*rows))
    shown = found.dropna(subset=["value"])["tier"].unique().tolist()
    # Silver is small, and the next smallest is hidden with it.
    assert shown == ["ordinary", EVERYONE]
    told_of = findings["tiers.activity.change"]
    assert told_of.status == "insufficient"
    assert "None of the high tiers “silver”, “gold” can be compared" in told_of.message


def test_where_no_tier_is_high_no_fall_is_watched():
    _, said, findings, _ = told(reduced(*FALL), high=())
    assert said.startswith("No tier is called high")
    assert findings["tiers.activity.change"].status == "insufficient"
    assert findings["tiers.activity.change.share.gold"].status == "info"


def test_without_an_earlier_window_only_the_last_is_told():
    rows = [(-1, tier, 0, days, n) for _, tier, _, days, n in FALL]
    rows = pd.DataFrame(rows).groupby([0, 1, 2, 3], as_index=False).sum().to_numpy().tolist()
    one = reduced(*rows, starts=(None, dt.date(2026, 6, 23)))
    found, said, findings, _ = told(one, threshold=0.6)
    assert (found["verdict"] == "").all()
    assert said.startswith("There is nothing to compare the 28 days to 20 Jul 2026 with")
    assert "“gold”: 40.0% of 200 members bought" in said
    assert findings["tiers.activity.change"].status == "insufficient"
    assert findings["tiers.activity.share.gold"].status == "alert"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("given", "said_of"),
    [
        ({"tiers": ()}, "No review of a tier is on record"),
        ({"has_orders": False}, "No order that counts is on record"),
        ({}, "Nobody had a tier"),
    ],
)
def test_next_to_nothing_is_told_with_its_reason(given, said_of, language):
    _, said, findings, picture = told(reduced(**given), language=language)
    assert findings["tiers.activity"].status == "insufficient"
    assert picture.png
    assert said.startswith(said_of) or language != "en"


def test_unknown_margins_and_nothing_earned_are_said_as_such():
    one = replace(reduced(*FALL), has_margin=False)
    _, said, *_ = told(one)
    assert "worth 100 yuan of sales there in 28 days" in said
    assert "margins are not known" in said
    none = reduced(*FALL, margins=((2, 80, 0.0, 0.0),))
    *_, findings, _ = told(none)
    assert findings["tiers.activity.change.share.gold"].worth_cny == 0


def test_a_pool_without_orders_or_reviews_is_measured_too(tmp_path):
    members = members_of(tmp_path, [monthly("gggg")])
    assert activity.measure(members).members.empty
    assert activity.measure(replace(members, tiers=(), has_orders=True)).members.empty


def test_who_bought_all_the_time_or_never_still_has_an_interval():
    rows = ((2, 2, 1, 1, 60), (0, 0, 0, 0, 60))
    found = activity.activity(reduced(*rows), high_tiers=HIGH, level=LEVEL)
    own = found[found["tier"] != EVERYONE].dropna(subset=["value"])
    assert (own["change"] == 0).all()
    assert (own["change_lower"] < 0).all()
    assert (own["change_upper"] > 0).all()
    assert (own["verdict"] == "unclear").all()
