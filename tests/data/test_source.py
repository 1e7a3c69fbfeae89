"""What an open source offers to a study."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from siyu.data import SourceError, open_source

DAYS = "name: corner shop\ntimezone: Asia/Shanghai\nobserved: {from: 2024-03-01, to: 2024-03-31}\n"
EVENTS = "user_id,occurred_at,event,phone\n"
TWO = EVENTS + "a,2024-03-02 00:00:00,scan,138\nb,2024-03-01 23:59:59.999999,add,139\n"


@pytest.fixture
def shop(write_source):
    return write_source(DAYS, events=TWO)


def test_a_source_says_what_it_is(shop):
    source = open_source(shop)
    assert source.name == "corner shop"
    assert source.timezone == "Asia/Shanghai"
    assert source.observed_from == datetime(2024, 2, 29, 16, tzinfo=UTC)
    assert source.observed_to == source.as_of_end == datetime(2024, 3, 31, 16, tzinfo=UTC)
    assert source.as_of == date(2024, 3, 31)
    assert source.known_from == {}
    assert source.warnings == ()


def test_a_source_without_declarations_is_called_like_its_folder(write_source, tmp_path):
    folder = write_source("", events="user_id,occurred_at,event\na,2024-03-01T00:00Z,scan\n")
    source = open_source(folder)
    assert source.name == tmp_path.name
    assert source.timezone == "Asia/Shanghai"


def test_a_table_that_is_missing_is_named_with_those_that_are_there(shop):
    source = open_source(shop)
    assert source.has("events")
    assert not source.has("orders")
    with pytest.raises(SourceError, match="orders: missing table; there are: events, users"):
        source.table("orders")


def test_every_instant_is_aware_and_extra_columns_are_kept(shop):
    events = open_source(shop).table("events")
    assert events.schema()["occurred_at"].timezone == "UTC"
    assert events.phone.max().to_pyarrow().as_py() == "139"


def test_local_time_and_days_are_those_of_the_business(shop):
    source = open_source(shop)
    events = source.table("events")
    shown = events.select(
        local=source.local(events.occurred_at), day=source.day(events.occurred_at)
    )
    assert shown.order_by("local").to_pyarrow().to_pylist() == [
        {"local": datetime(2024, 3, 1, 23, 59, 59, 999_999), "day": date(2024, 3, 1)},
        {"local": datetime(2024, 3, 2), "day": date(2024, 3, 2)},
    ]


def test_local_time_is_right_for_users_added_long_before_the_observation(write_source):
    # Berlin was at UTC+2 in the summer of 1995, and the observation lies in a winter.
    layout = "timezone: Europe/Berlin\nobserved: {from: 2024-01-01, to: 2024-01-31}"
    folder = write_source(layout, users="user_id,added_at\na,1995-07-01T22:00Z\nb,2024-01-01")
    source = open_source(folder)
    users = source.table("users")
    found = users.filter(users.user_id == "a").select(day=source.day(users.added_at))
    assert found.to_pyarrow().to_pylist() == [{"day": date(1995, 7, 2)}]


def test_a_preview_shows_no_ids_and_nothing_beyond_the_contract(shop):
    shown = open_source(shop).preview("events")
    assert list(shown.columns) == ["occurred_at", "event"]
    assert list(shown["event"]) == ["add", "scan"]
    assert len(open_source(shop).preview("events", rows=1)) == 1


def test_a_preview_shows_the_time_of_the_business(shop):
    shown = open_source(shop).preview("events")["occurred_at"]
    expected = [datetime(2024, 3, 1, 23, 59, 59, 999_999), datetime(2024, 3, 2)]
    assert shown.dt.tz is None
    assert [at.to_pydatetime() for at in shown] == expected


def test_a_preview_of_ids_only_is_empty(shop):
    assert open_source(shop).preview("users").empty


def test_words_that_may_name_somebody_are_found_and_all_of_them_where_nothing_can_be_read(
    write_source,
):
    folder = write_source(DAYS)
    events = {"user_id": "007", "occurred_at": "2024-03-02 00:00:00", "event": "scan"}
    table = pd.DataFrame([events | {"phone": 138, "nick": "小 明"}])
    table.to_parquet(folder / "events.parquet")
    source, words = open_source(folder), {"007", "138", "小 明", "scan", "7", "2024"}
    assert source.find_persons(words) == {"007", "138", "小 明"}
    (folder / "events.parquet").unlink()
    assert source.find_persons(words) == words


def test_counts_give_rows_and_local_days_of_what_is_visible(shop):
    counts = open_source(shop).counts()
    assert counts.to_dict("records") == [
        {"table": "users", "rows": 2, "first": None, "last": None},
        {"table": "events", "rows": 2, "first": date(2024, 3, 1), "last": date(2024, 3, 2)},
    ]
    earlier = open_source(shop, as_of="2024-03-01").counts()
    assert earlier["rows"].tolist() == [2, 1]


def test_counts_of_users_go_by_when_they_were_added(write_source):
    folder = write_source(DAYS, users="user_id,added_at\na,2024-03-01 00:00\nb,2024-03-05 23:59")
    (users,) = open_source(folder).counts().to_dict("records")
    assert (users["first"], users["last"]) == (date(2024, 3, 1), date(2024, 3, 5))


def test_the_fingerprint_is_of_the_input_alone(shop, tmp_path_factory):
    before = open_source(shop, as_of="2024-03-01").fingerprint()
    assert len(before) == 64
    elsewhere = tmp_path_factory.mktemp("copy")
    for path in shop.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    (elsewhere / "NOTES.md").write_text("not part of the source")
    assert open_source(elsewhere).fingerprint() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("events.csv", TWO.replace("138", "137")),
        ("users.csv", "user_id\nb\na\n"),
        ("source.yaml", DAYS + "naive_times: UTC"),
    ],
)
def test_the_fingerprint_changes_with_any_file_that_is_read(shop, name, text):
    before = open_source(shop).fingerprint()
    (shop / name).write_text(text)
    assert open_source(shop).fingerprint() != before


def test_the_fingerprint_of_a_database_changes_with_its_counts_and_times(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    found = []
    for statement in (
        "CREATE TABLE users AS SELECT 'a' AS user_id, TIMESTAMPTZ '2024-03-01 00:00Z' AS added_at",
        "INSERT INTO users VALUES ('b', '2024-03-01 00:00Z')",
        "UPDATE users SET added_at = '2024-03-02 00:00Z' WHERE user_id = 'b'",
        "CHECKPOINT",
    ):
        with duckdb.connect(path) as database:
            database.execute(statement)
        found.append(open_source(path).fingerprint())
    assert len(set(found)) == 3
    assert found[2] == found[3]


def test_a_relative_location_is_looked_up_here_and_then_in_the_project(shop, monkeypatch):
    monkeypatch.chdir(shop.parent)
    assert open_source(shop.name).name == "corner shop"
    project = Path(__file__).parents[2]
    inside = os.path.relpath(shop, project)
    assert open_source(inside).name == "corner shop"


def test_a_table_outlives_the_source_that_opened_it(tmp_path):
    (tmp_path / "source.yaml").write_text(DAYS + "tables: {users: {from_events: []}}")
    (tmp_path / "events.csv").write_text(TWO)
    users = open_source(tmp_path).table("users").select("user_id")
    assert users.count().to_pyarrow().as_py() == 2


def test_two_sources_can_be_open_at_once(shop):
    early, late = open_source(shop, as_of="2024-03-01"), open_source(shop)
    rows = [source.table("events").count().to_pyarrow().as_py() for source in (early, late)]
    assert rows == [1, 2]
