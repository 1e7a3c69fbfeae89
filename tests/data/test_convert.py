"""Ids stay text, money and instants stay exact, and what cannot be converted is counted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import SourceError, check, open_source

DAY = "timezone: Asia/Shanghai\nobserved: {from: 2024-01-01, to: 2024-12-31}\n"
AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def read(folder, table, column):
    rows = open_source(folder).table(table)
    return rows.order_by(rows[column]).to_pyarrow()[column].to_pylist()


@pytest.fixture
def write_parquet(tmp_path):
    def write(layout=DAY, **columns):
        """Write users with one extra or replaced column per argument."""
        length = len(next(iter(columns.values())))
        ids = {"user_id": pa.array([f"u{place}" for place in range(length)])}
        pq.write_table(pa.table({**ids, **columns}), tmp_path / "users.parquet")
        (tmp_path / "source.yaml").write_text(layout)
        return tmp_path

    return write


def test_leading_zeros_signs_and_huge_ids_survive_csv(write_source):
    ids = ["+86", "00123", "1e5", "123456789012345678901234567890", "TRUE", "微信号"]
    folder = write_source(DAY, users="user_id\n" + "\n".join(ids))
    assert read(folder, "users", "user_id") == sorted(ids)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([2**53 + 1, 7], pa.int64()), ["7", "9007199254740993"]),
        (pa.array([2**64 - 1, 7], pa.uint64()), ["18446744073709551615", "7"]),
        (
            pa.array([Decimal(2**64 + 1), Decimal(7)], pa.decimal128(38, 0)),
            ["18446744073709551617", "7"],
        ),
        (pa.array([17850.0, 7.0], pa.float64()), ["17850", "7"]),
        (pa.array(["b", "a"]).dictionary_encode(), ["a", "b"]),
    ],
)
def test_ids_of_other_types_become_text_with_every_digit(write_parquet, column, expected):
    assert read(write_parquet(user_id=column), "users", "user_id") == expected


@pytest.mark.parametrize("number", [2.0**53 + 2, 0.5, float("inf")])
def test_a_float_that_may_have_lost_digits_of_an_id_is_refused(write_parquet, number):
    folder = write_parquet(user_id=pa.array([number, 1.0]))
    with pytest.raises(SourceError, match=r"users\.user_id: wrong type: not an id, 1 row"):
        open_source(folder)


def test_a_type_that_cannot_be_an_id_is_refused(write_parquet):
    with pytest.raises(SourceError, match="boolean is no id; store ids as text"):
        open_source(write_parquet(user_id=pa.array([True])))


def orders(amounts):
    lines = [f"{place},a,2024-03-01 12:00,{amount}" for place, amount in enumerate(amounts)]
    return "order_id,user_id,paid_at,amount_cny\n" + "\n".join(lines)


def test_money_is_exact_to_the_fen_in_sums_too(write_source):
    folder = write_source(DAY, orders=orders(["0.10"] * 10))
    total = open_source(folder).table("orders").amount_cny.sum().to_pyarrow().as_py()
    assert total == Decimal("1.00")


def test_money_finer_than_a_fen_is_rounded(write_source):
    folder = write_source(DAY, orders=orders(["0.125", "19.999"]))
    assert read(folder, "orders", "amount_cny") == [Decimal("0.13"), Decimal("20.00")]


def test_amounts_that_are_none_are_counted_with_examples(write_source):
    folder = write_source(DAY, orders=orders(['"1,234.00"', "¥12", "nan", "", "5"]))
    (wrong, missing) = check(folder).errors
    assert (wrong.rule, wrong.rows) == ("wrong type: not an amount in yuan", 3)
    assert wrong.examples == ("1,234.00", "nan", "¥12")
    assert (missing.rule, missing.rows) == ("null in a required column", 1)


def test_a_float_column_that_holds_no_number_is_counted(write_parquet, tmp_path):
    write_parquet(gender=pa.array(["f"]))
    pq.write_table(
        pa.table(
            {
                "order_id": ["1", "2"],
                "user_id": ["u0", "u0"],
                "paid_at": pa.array([AT, AT], pa.timestamp("us", "UTC")),
                "amount_cny": [19.9, float("nan")],
            }
        ),
        tmp_path / "orders.parquet",
    )
    (wrong,) = check(tmp_path).errors
    # No example: the engine skips a Parquet row group whose statistics leave NaN out.
    assert (wrong.column, wrong.rows) == ("amount_cny", 1)


def test_a_date_is_no_number(write_parquet, tmp_path):
    write_parquet(gender=pa.array(["f"]))
    spend = {"day": [date(2024, 3, 1)], "channel": ["social"], "cost_cny": [date(2024, 3, 1)]}
    pq.write_table(pa.table(spend), tmp_path / "spend.parquet")
    with pytest.raises(SourceError, match="cost_cny: wrong type: date is no number"):
        open_source(tmp_path)


def test_counts_are_whole_and_not_rounded(write_source):
    points = "user_id,posted_at,delta\n"
    folder = write_source(
        DAY, points=points + "a,2024-03-01 12:00,5\na,2024-03-01 12:00,-3\na,2024-03-01 12:00,2.0"
    )
    assert read(folder, "points", "delta") == [-3, 2, 5]
    folder = write_source(DAY, points=points + "a,2024-03-01 12:00,3.7")
    with pytest.raises(SourceError, match=r"not a whole number, 1 row, such as '3\.7'"):
        open_source(folder)


def test_whole_numbers_of_any_width_are_counts(write_parquet, tmp_path):
    write_parquet(gender=pa.array(["f"]))
    spend = {
        "day": [date(2024, 3, 1)],
        "channel": ["social"],
        "cost_cny": [1],
        "clicks": pa.array([7], pa.uint8()),
    }
    pq.write_table(pa.table(spend), tmp_path / "spend.parquet")
    assert read(tmp_path, "spend", "clicks") == [7]


def test_shares_are_fractions_and_infinity_is_none(write_source):
    pushes = "push_id,user_id,sent_at,propensity\n"
    folder = write_source(DAY, pushes=pushes + "1,a,2024-03-01 12:00,0.25")
    assert read(folder, "pushes", "propensity") == [0.25]
    folder = write_source(DAY, pushes=pushes + "1,a,2024-03-01 12:00,inf")
    with pytest.raises(SourceError, match="propensity: wrong type: not a share, 1 row"):
        open_source(folder)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
def test_shares_that_are_numbers_already_are_left_as_they_are_unless_one_is_none(
    odd, write_parquet, tmp_path
):
    write_parquet(gender=pa.array(["f"]))

    def write(*shares):
        pushes = {
            "push_id": [str(place) for place in range(len(shares))],
            "user_id": ["u0"] * len(shares),
            "sent_at": pa.array([AT] * len(shares), pa.timestamp("us", "UTC")),
            "propensity": pa.array(shares, pa.float64()),
        }
        pq.write_table(pa.table(pushes), tmp_path / "pushes.parquet")

    write(0.1, None, 1.0)
    table = open_source(tmp_path).table("pushes")
    assert table.order_by("push_id").propensity.to_pyarrow().to_pylist() == [0.1, None, 1.0]
    write(0.1, odd)
    (wrong,) = check(tmp_path).errors
    assert (wrong.column, wrong.rows) == ("propensity", 1)


@pytest.mark.parametrize("day", [date(2024, 3, 1), "2024-03-01", datetime(2024, 3, 1)])
def test_days_are_calendar_days_whatever_they_come_as(write_parquet, tmp_path, day):
    write_parquet(gender=pa.array(["f"]))
    spend = pa.table({"day": [day], "channel": ["social"], "cost_cny": ["3.50"]})
    pq.write_table(spend, tmp_path / "spend.parquet")
    assert read(tmp_path, "spend", "day") == [date(2024, 3, 1)]


def test_an_instant_is_no_calendar_day(write_parquet, tmp_path):
    write_parquet(gender=pa.array(["f"]))
    day = pa.array([AT], pa.timestamp("us", "UTC"))
    spend = pa.table({"day": day, "channel": ["social"], "cost_cny": ["3.50"]})
    pq.write_table(spend, tmp_path / "spend.parquet")
    with pytest.raises(SourceError, match="is no calendar day; store days as dates"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-01 20:00:00", AT),
        ("2024-03-01T20:00", AT),
        ("2024/3/1 20:00", AT),
        (" 2024-03-01 20:00:00 ", AT),
        ("2024-03-01 12:00:00Z", AT),
        ("2024-03-01 12:00:00 UTC", AT),
        ("2024-03-01T15:00:00+03:00", AT),
        ("2024-03-01 09:00:00-0300", AT),
        ("2024-03-01 20:00:00 Asia/Shanghai", AT),
        ("2024-03-01 20:00:00.123456", AT.replace(microsecond=123_456)),
        ("2024-03-02", datetime(2024, 3, 1, 16, tzinfo=UTC)),
    ],
)
def test_a_text_is_an_instant_of_its_own_zone_or_else_of_the_declared_one(
    write_source, text, instant
):
    folder = write_source(DAY, users=f"user_id,added_at\na,{text}\nb,")
    assert read(folder, "users", "added_at") == [instant, None]


@pytest.mark.parametrize("text", ["yesterday", "infinity", "2024-02-30", "1709294400", "8:00 PM"])
def test_a_text_that_is_no_time_is_counted_with_the_remedy(write_source, text):
    folder = write_source(DAY, users=f"user_id,added_at\na,{text}")
    with pytest.raises(SourceError, match=r"added_at: wrong type: not a time, 1 row.*under times"):
        open_source(folder)


def test_naive_times_may_have_another_zone_than_the_business(write_source):
    folder = write_source(DAY + "naive_times: UTC", users="user_id,added_at\na,2024-03-01 12:00")
    source = open_source(folder)
    assert source.timezone == "Asia/Shanghai"
    assert read(folder, "users", "added_at") == [AT]


def test_naive_times_in_a_repeated_hour_are_the_first_of_the_two(write_source):
    # On 2017-10-29 in Berlin, 2:30 came at 0:30 and again at 1:30 UTC.
    layout = "timezone: Europe/Berlin\nobserved: {from: 2017-01-01, to: 2017-12-31}"
    folder = write_source(layout, users="user_id,added_at\na,2017-10-29 02:30\nb,2017-10-29 03:30")
    assert read(folder, "users", "added_at") == [
        datetime(2017, 10, 29, 0, 30, tzinfo=UTC),
        datetime(2017, 10, 29, 2, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_that_are_not_aware_are_read_in_every_precision_of_parquet(write_parquet, unit):
    column = pa.array([datetime(2024, 3, 1, 20)], pa.timestamp(unit))
    assert read(write_parquet(added_at=column), "users", "added_at") == [AT]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_aware_times_are_read_in_every_precision_of_parquet(write_parquet, unit):
    column = pa.array([AT], pa.timestamp(unit, "America/Sao_Paulo"))
    assert read(write_parquet(added_at=column), "users", "added_at") == [AT]


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("epoch_s", 1_709_294_400),
        ("epoch_ms", 1_709_294_400_000),
        ("epoch_us", 1_709_294_400_000_000),
        ("epoch_ns", 1_709_294_400_000_000_000),
    ],
)
def test_numeric_times_count_from_1970_in_the_declared_unit(write_parquet, unit, number):
    layout = DAY + f"tables: {{users: {{times: {{added_at: {unit}}}}}}}"
    for column in (pa.array([number]), pa.array([str(number)])):
        assert read(write_parquet(layout, added_at=column), "users", "added_at") == [AT]


def test_nanoseconds_are_cut_to_microseconds_without_loss(write_parquet):
    layout = "tables: {users: {times: {added_at: epoch_ns}}}"
    # Each is one nanosecond before a whole microsecond, up to the last year that 64 bits hold.
    numbers = [1_538_405_774_195_002_999, 4_611_686_018_427_387_999, 9_223_372_036_854_774_999]
    found = read(write_parquet(layout, added_at=pa.array(numbers)), "users", "added_at")
    since_1970 = [(at - datetime(1970, 1, 1, tzinfo=UTC)) for at in found[:2]]
    micros = [since // timedelta(microseconds=1) for since in since_1970]
    assert micros == [number // 1_000 for number in numbers[:2]]


def test_fractions_of_epoch_seconds_are_kept(write_source):
    layout = DAY + "tables: {users: {times: {added_at: epoch_s}}}"
    folder = write_source(layout, users="user_id,added_at\na,1709294400.000001")
    assert read(folder, "users", "added_at") == [AT.replace(microsecond=1)]


def test_milliseconds_declared_as_seconds_are_no_times(write_source):
    layout = DAY + "tables: {users: {times: {added_at: epoch_s}}}"
    folder = write_source(layout, users="user_id,added_at\na,1709294400000")
    with pytest.raises(SourceError, match="wrong type: not a time"):
        open_source(folder)


def test_numeric_times_without_a_unit_are_refused_with_the_remedy(write_parquet):
    with pytest.raises(SourceError, match="int64 is no time; say under times which of epoch_s"):
        open_source(write_parquet(added_at=pa.array([1_709_294_400])))


@pytest.mark.parametrize(
    ("unit", "column", "reason"),
    [
        ("epoch_s", pa.array([date(2024, 3, 1)]), "date is no epoch_s; remove it under times"),
        ("'%Y'", pa.array([2024]), "int64 has no pattern; remove it under times"),
    ],
)
def test_a_unit_that_does_not_fit_the_column_is_refused(write_parquet, unit, column, reason):
    layout = DAY + f"tables: {{users: {{times: {{added_at: {unit}}}}}}}"
    with pytest.raises(SourceError, match=reason):
        open_source(write_parquet(layout, added_at=column))


def test_chinese_dates_are_read_by_their_pattern(write_source):
    layout = DAY + "tables: {users: {times: {added_at: '%Y年%m月%d日 %H:%M'}}}"
    folder = write_source(layout, users="user_id,added_at\na,2024年03月01日 20:00")
    assert read(folder, "users", "added_at") == [AT]
    folder = write_source(layout, users="user_id,added_at\na,2024-03-01")
    with pytest.raises(SourceError, match="not a time, 1 row, such as '2024-03-01'"):
        open_source(folder)


def test_a_pattern_with_an_offset_needs_no_declared_zone(write_source):
    layout = (
        "observed: {from: 2024-03-01, to: 2024-03-01}\n"
        "tables: {users: {times: {added_at: '%d.%m.%Y %H:%M %z'}}}"
    )
    folder = write_source(layout, users="user_id,added_at\na,01.03.2024 09:00 -0300")
    assert read(folder, "users", "added_at") == [AT]


def test_times_without_zone_are_refused_when_none_is_declared(write_source, tmp_path):
    folder = write_source(
        "name: shop", users="user_id,added_at\na,2024-03-01 12:00\nb,2024-03-01 12:00Z"
    )
    expected = "added_at: time without zone and no declared zone, 1 row, such as '2024-03-01 12:00'"
    with pytest.raises(SourceError, match=f"{expected}; write naive_times"):
        open_source(folder)


def test_naive_times_of_parquet_are_refused_when_no_zone_is_declared(write_parquet):
    folder = write_parquet("name: shop", added_at=pa.array([datetime(2024, 3, 1), None]))
    with pytest.raises(SourceError, match="time without zone and no declared zone, 1 row"):
        open_source(folder)


def test_columns_of_nulls_only_take_the_type_of_the_contract(write_parquet):
    folder = write_parquet(added_at=pa.nulls(2), lure=pa.nulls(2), extra=pa.nulls(2))
    users = open_source(folder).table("users")
    kinds = {name: str(kind) for name, kind in users.schema().items()}
    assert kinds["added_at"].startswith("timestamp('UTC'")
    assert kinds["lure"] == kinds["extra"] == "string"
