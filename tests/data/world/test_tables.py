"""The tables of a pool are in shape, agree with each other, and change only where they should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from siyu.data import open_source
from siyu.data.contract import LURES, TABLES
from siyu.data.world import Settings, with_effects, write
from siyu.data.world.draws import open_stream
from siyu.data.world.people import STAFF
from siyu.data.world.pool import draw_pool
from siyu.data.world.tables import tabulate_pool

USERS = 2_500
MIDNIGHT = pd.Timestamp("2025-04-01", tz="Asia/Shanghai")
END = pd.Timestamp("2026-04-01", tz="Asia/Shanghai")
# Whatever a member does or receives: the column of the person and that of the instant.
DOINGS = (
    ("events", "user_id", "occurred_at"),
    ("orders", "user_id", "paid_at"),
    ("pushes", "user_id", "opened_at"),
    ("pushes", "user_id", "clicked_at"),
    ("pushes", "user_id", "blocked_at"),
    ("tiers", "user_id", "since"),
    ("invites", "inviter_id", "invited_at"),
    ("group_members", "user_id", "joined_at"),
    ("group_members", "user_id", "left_at"),
    ("group_messages", "user_id", "sent_at"),
    ("points", "user_id", "posted_at"),
    ("contacts", "user_id", "left_at"),
)
KEYS: Mapping[str, list[str]] = {
    "users": ["user_id"],
    "contacts": ["user_id", "staff_id", "added_at"],
    "orders": ["order_id"],
    "pushes": ["push_id"],
    "tiers": ["user_id", "since"],
    "assignments": ["experiment", "user_id"],
    "groups": ["group_id"],
    "group_members": ["group_id", "user_id"],
    "spend": ["day", "channel", "touchpoint", "campaign"],
}
Tables = Mapping[str, pd.DataFrame]


@cache
def draw(*effects: str) -> Tables:
    settings = with_effects(Settings(users=USERS), effects)
    return {name: table.to_pandas() for name, table in write.draw_tables(settings).items()}


def changed_by(*effects: str) -> set[str]:
    """Names of the tables that are others where some truths are others."""
    before, after = draw(), draw(*effects)
    assert before.keys() == after.keys()
    return {name for name in before if not before[name].equals(after[name])}


def without(events: pd.DataFrame, *names: str) -> pd.DataFrame:
    return events[~events["event"].isin(names)].reset_index(drop=True)


def events_of(tables: Tables, *names: str) -> pd.DataFrame:
    events = tables["events"]
    return events[events["event"].isin(names)].reset_index(drop=True)


# --- shape


@pytest.fixture(scope="module")
def arrow() -> dict[str, pa.Table]:
    return write.draw_tables(Settings(users=300))


def test_every_table_of_the_contract_is_there(arrow: dict[str, pa.Table]) -> None:
    assert set(arrow) == set(TABLES)
    assert all(len(table) for table in arrow.values())


def test_ids_are_text_and_keep_their_leading_zeros(arrow: dict[str, pa.Table]) -> None:
    for name, table in arrow.items():
        for field in table.schema:
            if field.name.endswith("_id"):
                assert field.type == pa.string(), (name, field.name)
    users = draw()["users"]
    assert list(users["user_id"]) == [f"{number:06d}" for number in range(1, len(users) + 1)]
    assert len(users) > USERS, "friends stand behind"
    assert set(users["staff_id"].dropna()) == set(STAFF)


def test_instants_are_whole_seconds_in_utc_within_the_observed_days(
    arrow: dict[str, pa.Table],
) -> None:
    seen = 0
    for name, table in draw().items():
        for field in arrow[name].schema:
            if not pa.types.is_timestamp(field.type):
                continue
            assert field.type == pa.timestamp("us", tz="UTC"), (name, field.name)
            at = table[field.name].dropna()
            assert (at.dt.microsecond == 0).all(), (name, field.name)
            assert at.min() >= MIDNIGHT, (name, field.name)
            assert at.max() < END, (name, field.name)
            seen += 1
    assert seen == 21


def test_money_is_exact_to_the_fen(arrow: dict[str, pa.Table]) -> None:
    kinds = {
        field.type for table in arrow.values() for field in table.schema if "_cny" in field.name
    }
    assert kinds == {pa.decimal128(18, 2)}


def test_no_row_is_there_twice() -> None:
    for name, table in draw().items():
        assert not table.duplicated().any(), name


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique(name: str) -> None:
    assert not draw()[name].duplicated(KEYS[name]).any()


def test_every_person_and_group_is_known() -> None:
    tables = draw()
    known = set(tables["users"]["user_id"])
    for name, table in tables.items():
        for column in ("user_id", "referrer_id", "inviter_id", "invitee_id"):
            if column in table:
                assert set(table[column].dropna()) <= known, (name, column)
    groups = set(tables["groups"]["group_id"])
    assert set(tables["group_members"]["group_id"]) == groups
    assert set(tables["group_messages"]["group_id"]) <= groups


def test_events_are_in_the_order_of_time_and_ties_sort_by_person_and_name_not_by_path() -> None:
    events = draw()["events"]
    columns = ["occurred_at", "user_id", "event"]
    assert events[columns].equals(events[columns].sort_values(columns, ignore_index=True))
    tied = events[events.duplicated(["user_id", "occurred_at"], keep=False)]
    names = tied.groupby(["user_id", "occurred_at"], sort=False)["event"].apply(list)
    assert ["add", "scan"] in names.to_list(), "added in the very second of the scan"


# --- tables agree


def test_lure_and_staff_are_known_exactly_for_members() -> None:
    users = draw()["users"]
    for column in ("lure", "staff_id"):
        assert (users[column].notna() == users["added_at"].notna()).all()
    assert users["added_at"].isna().any()
    assert set(users["lure"].dropna()) == set(LURES)
    adds = events_of(draw(), "add").set_index("user_id")["occurred_at"]
    added = users.set_index("user_id")["added_at"].dropna()
    pd.testing.assert_series_equal(added, adds.sort_index(), check_names=False)


def test_friends_have_a_referrer_and_come_without_an_exposure() -> None:
    tables = draw()
    users = tables["users"].set_index("user_id")
    assert set(users["touchpoint"].iloc[USERS:]) == {"referral"}
    friends = users[users["referrer_id"].notna()]
    # Whoever turns out to have blocked before inviting has invited nobody.
    assert 0.98 < len(friends) / (len(users) - USERS) <= 1
    exposed = set(events_of(tables, "expose", "scan")["user_id"])
    assert exposed == set(users.index[:USERS])
    invites = tables["invites"].dropna(subset=["invitee_id"]).set_index("invitee_id")
    came = invites[invites["accepted_at"] == users["added_at"].reindex(invites.index)]
    assert came["inviter_id"].to_dict() == friends["referrer_id"].to_dict()


@pytest.mark.parametrize(
    "effects",
    [
        (),
        ("staying.leave_per_day.virtual=0.2",),
        # Who blocks over a push may have exposures ahead.
        ("pushing.block_base=0.05", "funnel.repeat_gap_days=60"),
    ],
)
@pytest.mark.parametrize(("name", "person", "instant"), DOINGS, ids=lambda each: each)
def test_nobody_does_or_receives_anything_after_leaving(
    name: str, person: str, instant: str, effects: tuple[str, ...]
) -> None:
    tables = draw(*effects)
    users = tables["users"].set_index("user_id")
    doings = tables[name].dropna(subset=[instant])
    left_at = doings[person].map(users["left_at"])
    assert left_at.notna().sum() > 0
    assert not (doings[instant] > left_at).any()
    if name != "events":
        assert (doings[instant] >= doings[person].map(users["added_at"])).all(), "members only"


def test_people_who_have_left_are_still_on_the_list_but_are_sent_nothing() -> None:
    pushes, users = draw()["pushes"], draw()["users"].set_index("user_id")
    gone = pushes["planned_at"] > pushes["user_id"].map(users["left_at"])
    assert gone.any()
    assert (pushes.loc[gone, "sent_at"].isna()).all()
    assert not (pushes["sent_at"] > pushes["user_id"].map(users["left_at"])).any()
    assert (pushes["status"].eq("sent") == pushes["sent_at"].notna()).all()


def test_who_blocks_a_push_leaves_at_that_instant() -> None:
    pushes, users = draw()["pushes"], draw()["users"].set_index("user_id")
    blocked = pushes.dropna(subset=["blocked_at"]).set_index("user_id")["blocked_at"]
    assert len(blocked) > 5
    assert (users["left_at"].reindex(blocked.index) == blocked).all()


def test_a_stay_is_that_of_the_contacts_taken_together() -> None:
    contacts, users = draw()["contacts"], draw()["users"].dropna(subset=["added_at"])
    members = users.set_index("user_id")
    first = contacts.drop_duplicates("user_id", keep="first").set_index("user_id")
    last = contacts.drop_duplicates("user_id", keep="last").set_index("user_id")
    assert len(contacts) > len(first), "the colleagues of the one who resigned took over"
    for column in ("added_at", "staff_id"):
        assert (first[column] == members[column].reindex(first.index)).all()
    assert last["left_at"].equals(members["left_at"].reindex(last.index))
    assert set(first.index) == set(members.index)


def test_every_order_event_has_its_order_at_the_same_instant() -> None:
    events, orders = events_of(draw(), "order"), draw()["orders"]
    columns = ["user_id", "occurred_at", "item"]
    done = orders.rename(columns={"paid_at": "occurred_at"})[columns]
    pd.testing.assert_frame_equal(
        events[columns].sort_values(columns, ignore_index=True),
        done.sort_values(columns, ignore_index=True),
    )
    assert events["user_id"].duplicated().any(), "some people buy again"


@pytest.mark.parametrize(
    ("event", "table", "person", "instant"),
    [
        ("join_group", "group_members", "user_id", "joined_at"),
        ("refer", "invites", "inviter_id", "invited_at"),
    ],
)
def test_events_of_other_tables_are_those_of_the_log(
    event: str, table: str, person: str, instant: str
) -> None:
    columns = ["user_id", "occurred_at"]
    logged = events_of(draw(), event)[columns].sort_values(columns, ignore_index=True)
    held = draw()[table].rename(columns={person: "user_id", instant: "occurred_at"})
    held = held[columns].drop_duplicates().sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(logged, held)


def test_a_person_signs_in_at_most_once_a_day_and_earns_points_for_it() -> None:
    habit = events_of(draw(), "sign_in")
    day = habit["occurred_at"].dt.tz_convert("Asia/Shanghai").dt.date
    assert len(habit) > 1000
    assert not pd.DataFrame({"user": habit["user_id"], "day": day}).duplicated().any()
    posted = draw()["points"].query("reason == 'sign_in'")
    moments = set(zip(habit["user_id"], habit["occurred_at"], strict=True))
    assert set(zip(posted["user_id"], posted["posted_at"], strict=True)) == moments


def test_activity_is_heavy_tailed() -> None:
    per_user = events_of(draw(), "browse").groupby("user_id").size().sort_values(ascending=False)
    assert per_user.head(len(per_user) // 10).sum() > 0.35 * per_user.sum()


def test_every_day_of_every_place_has_its_costs() -> None:
    spend = draw()["spend"]
    days = pd.to_datetime(spend["day"])
    assert (days.min(), days.max()) == (pd.Timestamp("2025-04-01"), pd.Timestamp("2026-03-31"))


# --- what one truth changes

UPSTREAM = ["user_id", "channel", "touchpoint", "gender", "age_band", "occupation", "city_tier"]


AFTER_ORDERS = {"orders", "tiers", "points", "assignments", "events"}


@pytest.mark.parametrize(
    ("effect", "tables"),
    [
        ("buying.refund_share=0.5", AFTER_ORDERS),
        ("pushing.order_share=0", AFTER_ORDERS),
        ("pushing.open_extra=0.4", {"pushes"}),
        ("points.week_points=30", {"points"}),
        ("grouping.messages_per_day=0.7", {"group_messages"}),
        ("spending.person_cny.moments=9", {"spend"}),
        ("arrivals.unknown.gender=0.5", {"users"}),
        ("lures.cost_cny.physical=3", {"assignments"}),
    ],
)
def test_one_truth_changes_only_its_tables(effect: str, tables: set[str]) -> None:
    assert changed_by(effect) == tables


def test_refunds_leave_first_orders_and_all_that_is_no_order_alone() -> None:
    before, after = draw(), draw("buying.refund_share=0.5")
    refunded = [(each["orders"]["refunded_cny"] > 0).mean() for each in (before, after)]
    assert refunded[1] > 0.4 > 0.2 > refunded[0]
    one, other = (without(each["events"], "order", "receive", "review") for each in (before, after))
    pd.testing.assert_frame_equal(one, other)


def test_greetings_that_keep_better_change_neither_arrivals_nor_what_was_planned() -> None:
    before, after = draw(), draw("staying.greeting_factor=0.1")
    one, other = (each["users"].iloc[:USERS] for each in (before, after))
    same = [*UPSTREAM, "added_at", "lure", "staff_id"]
    pd.testing.assert_frame_equal(one[same], other[same])
    assert (other["left_at"].fillna(END) >= one["left_at"].fillna(END)).mean() > 0.99
    assert other["left_at"].isna().sum() > one["left_at"].isna().sum() + 20
    pd.testing.assert_frame_equal(before["spend"], after["spend"])


def test_a_step_that_goes_better_changes_nothing_before_it() -> None:
    before, after = draw(), draw("funnel.rates_before.social.consult=1")
    for name in ("users", "contacts", "groups", "group_members", "group_messages", "spend"):
        pd.testing.assert_frame_equal(before[name], after[name])
    earlier = ("expose", "scan", "add", "greet", "reply", "recommend", "browse", "sign_in")
    pd.testing.assert_frame_equal(events_of(before, *earlier), events_of(after, *earlier))
    social = set(before["users"].query("channel == 'social'")["user_id"])
    one, other = (events_of(each, "consult") for each in (before, after))
    assert len(other) > len(one) + 20
    new = other.merge(one, how="left", on=["user_id", "occurred_at"], indicator=True)
    assert set(new.query("_merge == 'left_only'")["user_id"]) <= social


def test_blocking_less_changes_nobody_who_does_not_block() -> None:
    before, after = draw(), draw("pushing.block_base=0")
    blocked = set(before["pushes"].dropna(subset=["blocked_at"])["user_id"])
    assert blocked
    assert after["pushes"]["blocked_at"].isna().all()
    one, other = (
        each["users"][~each["users"]["user_id"].isin(blocked)] for each in (before, after)
    )
    # Who does not block over a push can still bring a friend after it.
    rest = one.columns.drop("referrer_id")
    pd.testing.assert_frame_equal(one[rest], other[rest])


# --- blocks, seeds, sizes


def test_the_same_seed_gives_the_same_values_and_another_seed_others() -> None:
    settings = Settings(users=300)
    one, again = write.draw_tables(settings), write.draw_tables(settings)
    other = write.draw_tables(replace(settings, seed=1))
    for name, table in one.items():
        assert table.equals(again[name]), name
        assert not table.equals(other[name]), name


@pytest.mark.parametrize("users", [150, 151])
def test_blocks_share_no_ids_and_are_read_as_one_source(
    users: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "BLOCK_USERS", 75)
    settings = Settings(users=users)
    write.write_tables(tmp_path, settings)
    parts = sorted(path.name for path in (tmp_path / "users").iterdir())
    assert parts == [f"part-{block:03d}.parquet" for block in range(-(-users // 75))]
    (tmp_path / "source.yaml").write_text(
        "timezone: Asia/Shanghai\nobserved: {from: 2025-04-01, to: 2026-03-31}\n"
    )
    source = open_source(tmp_path)
    assert source.table("events").event.notnull().all().to_pyarrow().as_py()
    known = source.table("users").user_id.to_pyarrow().to_pylist()
    assert len(known) == len(set(known))
    exposed = source.table("events").filter(lambda events: events.event == "expose")
    assert exposed.user_id.nunique().to_pyarrow().as_py() == users
    for name, key in (("orders", "order_id"), ("pushes", "push_id"), ("groups", "group_id")):
        ids = source.table(name)[key].to_pyarrow().to_pylist()
        assert len(ids) == len(set(ids)) > 0, name


def test_a_block_is_what_its_number_and_size_give_whatever_comes_behind_it() -> None:
    settings = Settings(users=200, seed=4)
    alone = tabulate(settings, users=75, block=1)
    again = tabulate(replace(settings, users=5000), users=75, block=1)
    first = tabulate(settings, users=75, block=0)
    for name, table in alone.items():
        assert table.equals(again[name]), name
        assert not table.equals(first[name]), name
    assert first["users"]["user_id"][0].as_py() == "000001"
    assert alone["users"]["user_id"][0].as_py() == "1000001"
    assert first["users"]["channel"].to_pylist() != alone["users"]["channel"].to_pylist()


def tabulate(settings: Settings, *, users: int, block: int) -> dict[str, pa.Table]:
    stream = partial(open_stream, settings.seed, block)
    pool = draw_pool(settings, users=users, stream=stream)
    return tabulate_pool(settings, pool, stream=stream, block=block)


@pytest.mark.parametrize("settings", [Settings(users=300, days=90), Settings(users=1)])
def test_a_short_or_tiny_pool_has_all_tables_in_shape(
    settings: Settings, arrow: dict[str, pa.Table]
) -> None:
    tables = write.draw_tables(settings)
    assert {name: table.schema for name, table in tables.items()} == {
        name: table.schema for name, table in arrow.items()
    }
    begins = END - pd.Timedelta(days=settings.days)
    at = tables["events"]["occurred_at"].to_pandas()
    assert len(at) > 0
    assert at.between(begins, END, inclusive="left").all()
