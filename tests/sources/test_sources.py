"""Public data sets run with nothing but a `source.yaml` each, and give the known counts."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from siyu.data import check, open_source

HERE = Path(__file__).parent

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("shared_data")]


def count_events(source):
    events = source.table("events")
    counts = events.group_by("event").aggregate(rows=events.count(), users=events.user_id.nunique())
    return {row["event"]: (row["rows"], row["users"]) for row in counts.to_pyarrow().to_pylist()}


def problems(name):
    return [(problem.rule, problem.rows) for problem in check(HERE / name).problems]


def test_simple_shop_has_the_published_users_at_each_page():
    source = open_source(HERE / "retentioneering-simple-shop")
    assert source.as_of == date(2020, 4, 29)
    assert source.counts()["rows"].tolist() == [3_751, 32_283]
    found = count_events(source)
    users = {event: found[event][1] for event in ("catalog", "cart", "payment_done")}
    assert users == {"catalog": 3_611, "cart": 1_924, "payment_done": 653}
    assert problems("retentioneering-simple-shop") == []


def test_simple_shop_keeps_the_microseconds_of_the_first_event():
    # The first line of the file: 219483890,catalog,2019-11-01 17:59:13.273932
    events = open_source(HERE / "retentioneering-simple-shop").table("events")
    first = events.order_by("occurred_at").limit(1).to_pyarrow().to_pylist()
    assert first == [
        {
            "user_id": "219483890",
            "occurred_at": datetime(2019, 11, 1, 17, 59, 13, 273_932, tzinfo=UTC),
            "event": "catalog",
        }
    ]


def test_olist_has_8000_leads_of_which_842_closed_by_origin():
    source = open_source(HERE / "olist-marketing-funnel")
    assert count_events(source) == {"lead": (8_000, 8_000), "close": (842, 842)}
    events = source.table("events")
    closed = events.filter(events.event == "close").select("user_id", closed_at="occurred_at")
    leads = source.table("users").left_join(closed, "user_id")
    found = leads.group_by("touchpoint").aggregate(
        leads=leads.count(), closed=leads.closed_at.count()
    )
    shares = {
        row["touchpoint"]: (row["closed"], row["leads"]) for row in found.to_pyarrow().to_pylist()
    }
    assert shares["paid_search"] == (195, 1_586)
    assert shares["organic_search"] == (271, 2_296)
    assert shares["social"] == (75, 1_350)
    assert shares["email"] == (15, 493)
    assert problems("olist-marketing-funnel") == []


def test_olist_leads_begin_at_midnight_in_brazil_or_an_hour_later_where_midnight_was_skipped():
    # 2017-06-14 was in winter, at UTC-3; on 2017-10-15 clocks leapt from 0:00 to 1:00.
    source = open_source(HERE / "olist-marketing-funnel")
    leads = source.table("events").filter(lambda events: events.event == "lead")
    assert leads.occurred_at.min().to_pyarrow().as_py() == datetime(2017, 6, 14, 3, tzinfo=UTC)
    local = leads.select(
        hour=source.local(leads.occurred_at).hour(), day=source.day(leads.occurred_at)
    )
    later = local.filter(local.hour != 0).distinct().to_pyarrow().to_pylist()
    assert later == [{"hour": 1, "day": date(2017, 10, 15)}]
    assert local.day.max().to_pyarrow().as_py() == date(2018, 5, 31)


def test_retailrocket_numbers_of_events_become_names():
    source = open_source(HERE / "retailrocket-sample")
    assert count_events(source) == {
        "view": (4_732, 1_090),
        "addtocart": (377, 110),
        "transaction": (60, 36),
    }
    assert source.table("users").count().to_pyarrow().as_py() == 1_092
    assert problems("retailrocket-sample") == [("duplicate row", 3)]


def test_mobile_onboarding_is_one_day_of_its_zone():
    source = open_source(HERE / "retentioneering-mobile-onboarding")
    assert source.as_of == date(2018, 10, 1)
    assert source.counts()["rows"].tolist() == [4_139, 30_943]
    found = count_events(source)
    users = {name.removeprefix("onboarding_"): found[name][1] for name in found}
    assert users["welcome_screen"] == 4_120
    assert users["_chooseLoginType"] == 2_160
    assert users["privacy_policyShown"] == 2_112
    assert users["privacy_policyAccepted"] == 2_038
    assert users["login_Type1"] == 1_841
    assert users["passed"] == 2_497
    assert problems("retentioneering-mobile-onboarding") == []


def test_mobile_onboarding_keeps_the_last_microsecond_of_its_nanoseconds():
    # The file's second line: lost at 1538405774195003000, one microsecond after the event before.
    events = open_source(HERE / "retentioneering-mobile-onboarding").table("events")
    rows = events.filter(events.user_id == "19abd470e3fe588ae02c83973d4e8dea")
    lost = rows.filter(rows.event == "lost").to_pyarrow()["occurred_at"].to_pylist()
    assert lost == [datetime(2018, 10, 1, 14, 56, 14, 195_003, tzinfo=UTC)]
