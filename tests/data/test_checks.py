"""Bad input of the contract: a clear error, or a counted warning, and nothing lost silently."""

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import SourceError, check, open_source, render

DAYS = "timezone: Asia/Shanghai\nobserved: {from: 2024-03-01, to: 2024-03-31}\n"
EVENTS = "user_id,occurred_at,event\n"


def found(folder, rule):
    """Return the only problem with a rule, in the order table, column, severity, rows, examples."""
    (problem,) = [problem for problem in check(folder).problems if problem.rule == rule]
    return problem.table, problem.column, problem.severity, problem.rows, problem.examples


def assert_opens(folder, table, rows):
    """Check that a doubt about rows does not take them away."""
    assert open_source(folder).table(table).count().to_pyarrow().as_py() == rows


def test_a_clean_source_has_no_problems(write_source):
    folder = write_source(DAYS, events=EVENTS + "a,2024-03-01 00:00:00,scan")
    report = check(folder)
    assert report.problems == ()
    assert report.counts == {"users": 2, "events": 1}


def test_what_lies_there_and_no_table_uses_is_named_with_the_nearest_table(write_source):
    folder = write_source(DAYS, stock="order_id\n1", Orders="order_id\n1")
    for name in ("orders.tsv", "pushes.xls", "NOTES.md", "truth.json", ".hidden", "_log", "old"):
        (folder / name).write_text("")
    (problem,) = check(folder).problems
    assert str(problem) == (
        "not read, as no table uses it: 5 of the files or tables there, such as"
        " 'Orders.csv (for orders?)', 'orders.tsv (for orders?)', 'pushes.xls (for pushes?)',"
        " 'old', 'stock.csv'; name it like a table, ending in .csv, .csv.gz, .parquet or .xlsx,"
        " or map it under tables in source.yaml"
    )
    assert problem.severity == "warning"
    assert open_source(folder).warnings == (problem,)


def test_files_that_a_layout_uses_are_not_reported_as_unread(write_source):
    layout = DAYS + (
        "tables:\n"
        "  users: {file: members.txt}\n"
        "  events: {sql: SELECT * FROM log}\n"
        "  orders: {workbook: shop.xlsx, sheet: Sales}\n"
    )
    folder = write_source(layout, log=EVENTS + "a,2024-03-01,scan")
    (folder / "users.csv").rename(folder / "members.txt")
    workbook = openpyxl.Workbook()
    workbook.active.title = "Sales"
    workbook.active.append(["order_id", "user_id", "paid_at", "amount_cny"])
    workbook.active.append(["1", "a", "2024-03-01", "9.90"])
    workbook.create_sheet("Help")
    workbook.save(folder / "shop.xlsx")
    (problem,) = check(folder).problems
    assert problem.examples == ("shop.xlsx Help",)


def test_tables_of_a_database_that_are_not_used_are_named(tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as database:
        database.execute("CREATE TABLE users AS SELECT 'a' AS user_id, now() AS added_at")
        database.execute("CREATE TABLE orderz AS SELECT 1 AS order_id")
    (problem,) = (found for found in check(tmp_path / "shop.duckdb").problems if found.examples)
    assert problem.examples == ("shop.duckdb orderz (for orders?)",)


@pytest.mark.parametrize("blank", ["", "   ", "\t"])
def test_a_blank_id_in_parquet_is_a_null_key_as_an_empty_one_in_csv(write_source, blank):
    folder = write_source(DAYS)
    (folder / "users.csv").unlink()
    pq.write_table(pa.table({"user_id": ["a", blank, "!b", None]}), folder / "users.parquet")
    assert found(folder, "null key") == ("users", "user_id", "error", 2, (blank,))


def test_a_blank_id_that_need_not_be_there_is_an_empty_one(write_source):
    folder = write_source(DAYS)
    (folder / "users.csv").unlink()
    users = {"user_id": ["a", "b", "c"], "staff_id": ["", "s 1", "  "], "referrer_id": [7, 8, None]}
    pq.write_table(pa.table(users), folder / "users.parquet")
    assert [problem.rule for problem in check(folder).problems] == []
    table = open_source(folder).table("users").order_by("user_id")
    assert table.staff_id.to_pyarrow().to_pylist() == [None, "s 1", None]


def test_blanks_around_ids_are_counted_and_stay(write_source):
    folder = write_source(DAYS, users="user_id\na\n a\na \na b\n\tc")
    rule = "blank before or after an id"
    assert found(folder, rule) == ("users", "user_id", "warning", 3, ("\tc", " a", "a "))
    assert_opens(folder, "users", 5)


def test_a_source_without_users_is_refused_with_both_remedies(tmp_path):
    (tmp_path / "source.yaml").write_text("timezone: UTC")
    (tmp_path / "events.csv").write_text(EVENTS + "a,2024-03-01,scan\n")
    with pytest.raises(SourceError, match="users: missing table; add it, or write users"):
        open_source(tmp_path)


def test_users_cannot_be_derived_from_events_that_are_not_there(tmp_path):
    (tmp_path / "source.yaml").write_text("tables: {users: {from_events: []}}")
    (tmp_path / "orders.csv").write_text("order_id,user_id,paid_at,amount_cny\n")
    with pytest.raises(SourceError, match="events: missing table; add it: users are derived"):
        open_source(tmp_path)


def test_users_cannot_be_derived_from_a_column_that_events_lack(tmp_path):
    (tmp_path / "source.yaml").write_text("timezone: UTC\ntables: {users: {from_events: [entry]}}")
    (tmp_path / "events.csv").write_text(EVENTS + "a,2024-03-01,scan\n")
    with pytest.raises(SourceError, match=r"events\.entry: missing column; did you mean 'event'"):
        open_source(tmp_path)


def test_missing_required_columns_are_all_named(write_source):
    folder = write_source(DAYS, events="user_id,Occurred_At\na,2024-03-01")
    problems = [str(problem) for problem in check(folder).errors]
    assert problems == [
        "events.occurred_at: missing column; did you mean 'Occurred_At'?;"
        " map it in source.yaml under tables.events.columns",
        "events.event: missing column; there are: Occurred_At, user_id;"
        " map it in source.yaml under tables.events.columns",
    ]


def test_a_wrong_separator_is_suspected_when_one_column_holds_it(write_source):
    folder = write_source(DAYS, users="user_id;gender\na;f")
    with pytest.raises(SourceError, match=r"is this the separator\? set tables\.users\.separator"):
        open_source(folder)
    folder = write_source(DAYS + "tables: {users: {separator: ';'}}", users="user_id;gender\na;f")
    assert_opens(folder, "users", 1)


def test_pushes_need_one_of_two_times(write_source):
    folder = write_source(DAYS, pushes="push_id,user_id\n1,a")
    with pytest.raises(SourceError, match=r"pushes\.planned_at: missing column"):
        open_source(folder)


def test_pushes_without_either_time_are_counted_and_left_out(write_source):
    folder = write_source(
        DAYS,
        pushes="push_id,user_id,planned_at,sent_at\n1,a,2024-03-01,\n2,a,,2024-03-01\n3,a,,",
    )
    expected = ("pushes", "planned_at", "warning", 1, ())
    assert found(folder, "neither planned_at nor sent_at") == expected
    assert_opens(folder, "pushes", 2)


def test_a_null_key_is_an_error(write_source):
    folder = write_source(DAYS, users='user_id,gender\na,f\n"",f\n,f')
    assert found(folder, "null key") == ("users", "user_id", "error", 2, ())
    with pytest.raises(SourceError, match=r"users\.user_id: null key, 2 rows"):
        open_source(folder)


def test_a_null_in_a_required_column_is_an_error(write_source):
    folder = write_source(DAYS, events=EVENTS + "a,2024-03-01,\na,,scan")
    assert check(folder).errors[0].column == "occurred_at"
    assert [problem.rule for problem in check(folder).errors] == 2 * ["null in a required column"]


def test_a_duplicate_key_is_an_error_with_the_keys_as_examples(write_source):
    folder = write_source(
        DAYS, users="user_id,gender\n" + "".join(f"{name},f\n" for name in "aabbbcddeeffgg")
    )
    expected = ("users", "user_id", "error", 13, ("a", "b", "d", "e", "f"))
    assert found(folder, "duplicate key") == expected


def test_a_key_of_several_columns_repeats_only_as_a_whole(write_source):
    header = "user_id,tier,since\n"
    folder = write_source(DAYS, tiers=header + "a,gold,2024-03-01\na,gold,2024-03-02")
    assert check(folder).problems == ()
    folder = write_source(DAYS, tiers=header + "a,gold,2024-03-01\na,silver,2024-03-01 00:00")
    table, column, *_, examples = found(folder, "duplicate key")
    assert (table, column) == ("tiers", "user_id, since")
    assert examples == ("a, 2024-02-29 16:00:00+00:00",)


def test_users_that_nobody_knows_are_counted_and_kept(write_source):
    folder = write_source(
        DAYS, events=EVENTS + "a,2024-03-01,scan\nx,2024-03-01,scan\nx,2024-03-02,add"
    )
    assert found(folder, "unknown user") == ("events", "user_id", "warning", 2, ("x",))
    assert_opens(folder, "events", 3)


def test_unknown_inviters_and_invitees_are_counted_and_empty_invitees_are_not(write_source):
    folder = write_source(
        DAYS,
        invites="inviter_id,invited_at,invitee_id\na,2024-03-01,y\na,2024-03-02,\nx,2024-03-01,b",
    )
    problems = [p for p in check(folder).problems if p.rule == "unknown user"]
    assert [(p.column, p.rows, p.examples) for p in problems] == [
        ("inviter_id", 1, ("x",)),
        ("invitee_id", 1, ("y",)),
    ]


def test_times_outside_the_declared_observation_are_counted_and_left_out(write_source):
    folder = write_source(
        DAYS,
        events=EVENTS
        + "a,2024-02-29 23:59:59.999999,before\n"
        + "a,2024-03-01 00:00:00,first\n"
        + "a,2024-03-31 23:59:59.999999,last\n"
        + "a,2024-04-01 00:00:00,after\n",
    )
    table, column, severity, rows, examples = found(folder, "time outside the observation window")
    assert (table, column, severity, rows) == ("events", "occurred_at", "warning", 2)
    assert examples == ("2024-02-29 15:59:59.999999+00", "2024-03-31 16:00:00+00")
    names = open_source(folder).table("events").event.to_pyarrow().to_pylist()
    assert sorted(names) == ["first", "last"]


def test_lasting_states_begun_before_the_observation_are_no_doubt_and_are_kept(write_source):
    folder = write_source(
        DAYS,
        contacts="user_id,staff_id,added_at\na,s,2023-01-01\nb,s,2024-04-01",
    )
    assert found(folder, "time outside the observation window")[3] == 1
    assert_opens(folder, "contacts", 1)


def test_days_outside_the_declared_observation_are_counted_and_left_out(write_source):
    folder = write_source(
        DAYS,
        spend="day,channel,cost_cny\n2024-02-29,social,1\n2024-03-01,social,1\n"
        "2024-03-31,social,1\n2024-04-01,social,1",
    )
    expected = ("spend", "day", "warning", 2, ("2024-02-29", "2024-04-01"))
    assert found(folder, "time outside the observation window") == expected
    assert_opens(folder, "spend", 2)


@pytest.mark.parametrize(
    ("table", "text", "rule"),
    [
        (
            "users",
            "user_id,added_at,left_at\n"
            "a,2024-03-02,2024-03-01\nb,2024-03-02,2024-03-02\nc,,2024-03-01",
            "left_at before added_at",
        ),
        (
            "group_members",
            "group_id,user_id,joined_at,left_at\n1,a,2024-03-02,2024-03-01",
            "left_at before joined_at",
        ),
        (
            "pushes",
            "push_id,user_id,sent_at,clicked_at\n1,a,2024-03-02,2024-03-01",
            "clicked_at before sent_at",
        ),
    ],
)
def test_what_ends_before_it_begins_is_counted(write_source, table, text, rule):
    folder = write_source(DAYS, **{table: text})
    assert found(folder, rule)[2:] == ("warning", 1, ("2024-02-29 16:00:00+00",))
    open_source(folder)


def test_negative_amounts_are_counted_but_a_negative_margin_is_a_fact(write_source):
    folder = write_source(
        DAYS,
        orders="order_id,user_id,paid_at,amount_cny,margin_cny\n"
        "1,a,2024-03-01,-0.01,-5\n2,a,2024-03-01,0,0",
    )
    expected = ("orders", "amount_cny", "warning", 1, ("-0.01",))
    assert found(folder, "negative amount") == expected
    assert len(check(folder).problems) == 1
    assert_opens(folder, "orders", 2)


def test_negative_counts_are_counted(write_source):
    folder = write_source(DAYS, spend="day,channel,cost_cny,clicks\n2024-03-01,social,1,-1")
    assert found(folder, "negative count") == ("spend", "clicks", "warning", 1, ("-1",))


def test_an_unknown_channel_is_counted_and_kept(write_source):
    folder = write_source(DAYS, users="user_id,channel\na,social\nb,抖音\nc,\nd,Social")
    expected = ("users", "channel", "warning", 2, ("Social", "抖音"))
    assert found(folder, "unknown channel") == expected
    assert_opens(folder, "users", 4)


def test_shares_outside_0_and_1_are_counted(write_source):
    folder = write_source(
        DAYS,
        pushes="push_id,user_id,sent_at,propensity\n"
        "1,a,2024-03-01,0\n2,a,2024-03-01,1\n3,a,2024-03-01,30",
    )
    expected = ("pushes", "propensity", "warning", 1, ("30.0",))
    assert found(folder, "share outside [0, 1]") == expected


def test_an_empty_table_is_a_warning_and_opens(write_source):
    folder = write_source(DAYS, events=EVENTS.strip())
    assert found(folder, "empty table") == ("events", "", "warning", 0, ())
    assert_opens(folder, "events", 0)


def test_a_column_of_nulls_only_is_a_warning_and_opens(write_source):
    folder = write_source(DAYS, users="user_id,lure,added_at\na,,\nb,,")
    assert [(p.rule, p.column, p.rows) for p in check(folder).problems] == [
        ("empty column", "added_at", 2),
        ("empty column", "lure", 2),
    ]
    assert_opens(folder, "users", 2)


def test_repeated_rows_are_counted_only_where_no_key_forbids_them(write_source):
    row = "a,2024-03-01,scan\n"
    folder = write_source(DAYS, events=EVENTS + 3 * row + "a,2024-03-01,add")
    assert found(folder, "duplicate row") == ("events", "", "warning", 2, ())
    assert_opens(folder, "events", 4)


def test_one_row_in_each_table_is_enough(write_source):
    folder = write_source(
        "timezone: UTC", users="user_id\na", events=EVENTS + "a,2024-03-01 12:00,scan"
    )
    source = open_source(folder)
    assert source.as_of.isoformat() == "2024-03-01"
    assert_opens(folder, "events", 1)
    assert [problem.rule for problem in source.warnings] == [
        "the observation holds no complete day; its only day is used as it is"
    ]


def test_everything_is_found_at_once_and_named_first_in_the_error(write_source):
    folder = write_source(
        DAYS,
        users="user_id,channel\na,social\na,social",
        events=EVENTS + "a,never,scan",
        orders="order_id\n1",
    )
    rules = [(p.table, p.rule, p.severity) for p in check(folder).problems]
    assert rules == [
        ("users", "duplicate key", "error"),
        ("events", "wrong type: not a time", "error"),
        ("orders", "missing column", "error"),
        ("orders", "missing column", "error"),
        ("orders", "missing column", "error"),
    ]
    with pytest.raises(SourceError, match=r"users\.user_id: duplicate key.*\(and 4 more: see"):
        open_source(folder)


def test_what_can_be_read_is_checked_even_where_users_cannot(write_source):
    folder = write_source(DAYS, users="id\na", spend="day,channel,cost_cny\n2024-03-01,抖音,1")
    assert [problem.rule for problem in check(folder).problems] == [
        "missing column",
        "unknown channel",
    ]


def test_a_column_that_cannot_be_read_is_not_called_empty_as_well(write_source):
    folder = write_source(DAYS, users="user_id,added_at\na,never")
    assert [problem.rule for problem in check(folder).problems] == ["wrong type: not a time"]


def test_an_open_source_can_be_checked_and_shows_no_persons_in_its_warnings(write_source):
    folder = write_source(DAYS, events=EVENTS + "x,2024-03-01,scan")
    source = open_source(folder)
    (shown,) = source.warnings
    assert (shown.rule, shown.rows, shown.examples) == ("unknown user", 1, ())
    assert check(source).problems[0].examples == ("x",)


def test_a_source_that_is_not_there_gives_a_report_too():
    report = check("data/nowhere")
    assert report.name == "data/nowhere"
    assert len(report.errors) == 1


@pytest.mark.parametrize("password", ["secret", "se@c/ret", "se?cret", "[secret"])
def test_a_database_that_cannot_be_opened_is_reported_without_its_password(password):
    report = check(f"nosuchengine://clerk:{password}@shop.example/customers")
    assert report.name == "customers"
    assert "customers: unreadable" in render(report)
    assert "ret" not in render(report)


def test_a_database_without_a_name_is_called_by_its_kind():
    assert check("nosuchengine://").name == "nosuchengine"


def test_a_source_without_any_time_is_refused_with_the_remedy(write_source):
    folder = write_source("name: shop")
    with pytest.raises(SourceError, match="no table holds a time; write observed:"):
        open_source(folder)
    assert [problem.rule for problem in check(folder).errors] == ["no table holds a time"]
