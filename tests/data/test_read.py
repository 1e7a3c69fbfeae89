"""Every format of the contract gives the same tables."""

import gzip
import os
import sqlite3
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import SourceError, check, open_source

USERS = "user_id,city_tier\n00123,一线\n00124,\n"
ORDERS = (
    "order_id,user_id,paid_at,amount_cny\n"
    "9,00123,2024-03-01 08:00:00.000001+08:00,19.90\n"
    "10,00124,2024-03-01T00:00:00Z,0.05\n"
)
NOON = datetime(2024, 3, 1, tzinfo=UTC)
EXPECTED = [
    {
        "order_id": "10",
        "user_id": "00124",
        "paid_at": NOON,
        "amount_cny": Decimal("0.05"),
    },
    {
        "order_id": "9",
        "user_id": "00123",
        "paid_at": NOON.replace(microsecond=1),
        "amount_cny": Decimal("19.90"),
    },
]
USERS_TABLE = pa.table({"user_id": ["00123", "00124"], "city_tier": ["一线", None]})
ORDERS_TABLE = pa.table(
    {
        "order_id": ["9", "10"],
        "user_id": ["00123", "00124"],
        "paid_at": pa.array([NOON.replace(microsecond=1), NOON], pa.timestamp("us", "UTC")),
        "amount_cny": pa.array([Decimal("19.90"), Decimal("0.05")], pa.decimal128(18, 2)),
    }
)
OBSERVED = "observed: {from: 2024-03-01, to: 2024-03-01}"


def assert_same(location):
    source = open_source(location)
    found = source.table("orders").order_by("paid_at").to_pyarrow().to_pylist()
    columns = list(EXPECTED[0])
    assert [{column: row[column] for column in columns} for row in found] == EXPECTED
    users = source.table("users").order_by("user_id").to_pyarrow().to_pylist()
    assert users == [
        {"user_id": "00123", "city_tier": "一线"},
        {"user_id": "00124", "city_tier": None},
    ]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "source.yaml").write_text(OBSERVED)
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_csv_is_read_in_each_encoding_packed_or_not(folder, encoding, packed):
    for name, text in (("users", USERS), ("orders", ORDERS)):
        content = text.encode(encoding)
        path = folder / f"{name}.csv{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)
    assert_same(folder)


def test_a_gb18030_file_longer_than_a_chunk_keeps_characters_cut_by_the_chunk(folder):
    rows = "".join(f"{number:07},一线城市\n" for number in range(120_000))
    content = f"user_id,city_tier\n{rows}".encode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        content[: 1 << 20].decode("gb18030")  # the first chunk ends inside a character
    (folder / "users.csv").write_bytes(content)
    users = open_source(folder, as_of="2024-03-01").table("users")
    assert users.filter(users.city_tier == "一线城市").count().to_pyarrow().as_py() == 120_000


def test_single_parquet_files_are_read(folder):
    pq.write_table(USERS_TABLE, folder / "users.parquet")
    pq.write_table(ORDERS_TABLE, folder / "orders.parquet")
    assert_same(folder)


def test_partitions_of_parquet_are_one_table(folder):
    pq.write_table(USERS_TABLE, folder / "users.parquet")
    (folder / "orders").mkdir()
    for part in range(2):
        pq.write_table(ORDERS_TABLE.slice(part, 1), folder / "orders" / f"part-{part}.parquet")
    (folder / "orders" / "_SUCCESS").touch()
    assert_same(folder)


def test_partitions_count_whatever_the_case_of_their_ending_and_unfinished_ones_never(folder):
    pq.write_table(USERS_TABLE, folder / "users.parquet")
    for place in (
        "day=1/a.PARQUET",
        "day=2/b.parquet",
        "day=2/_temporary/c.parquet",
        ".d/e.parquet",
    ):
        path = folder / "orders" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(ORDERS_TABLE.slice("day=2" in place, 1), path)
    assert_same(folder)


def test_hive_partitions_give_their_column_as_text(folder):
    pq.write_table(USERS_TABLE, folder / "users.parquet")
    for part in range(2):
        below = folder / "orders" / f"category=00{part}"
        below.mkdir(parents=True)
        pq.write_table(ORDERS_TABLE.slice(part, 1), below / "part.parquet")
    assert_same(folder)
    orders = open_source(folder).table("orders")
    assert sorted(orders.category.to_pyarrow().to_pylist()) == ["000", "001"]


def test_partitions_of_different_columns_are_united_by_name(folder):
    pq.write_table(USERS_TABLE, folder / "users.parquet")
    (folder / "orders").mkdir()
    pq.write_table(ORDERS_TABLE.slice(0, 1), folder / "orders" / "1.parquet")
    later = ORDERS_TABLE.slice(1, 1).append_column("category", pa.array(["mask"]))
    pq.write_table(later, folder / "orders" / "2.parquet")
    assert_same(folder)


def write_workbook(path):
    workbook = openpyxl.Workbook()
    for name, text in (("users", USERS), ("orders", ORDERS)):
        sheet = workbook.create_sheet(name)
        for line in text.splitlines():
            sheet.append([value or None for value in line.split(",")])
    workbook["orders"]["D2"] = 19.9
    workbook.remove(workbook["Sheet"])
    workbook.save(path)


def test_sheets_of_a_workbook_in_a_folder_are_tables(folder):
    write_workbook(folder / "shop.xlsx")
    (folder / "~$shop.xlsx").write_text("lock of an open workbook")
    assert_same(folder)


def test_a_workbook_can_be_opened_itself(tmp_path):
    write_workbook(tmp_path / "shop.xlsx")
    assert open_source(tmp_path / "shop.xlsx").table("users").count().to_pyarrow().as_py() == 2


def test_what_is_declared_beside_a_workbook_holds_for_it(folder):
    write_workbook(folder / "shop.xlsx")
    tables = "tables: {orders: {workbook: shop.xlsx, sheet: orders}}"
    (folder / "source.yaml").write_text(f"name: corner shop\n{OBSERVED}\n{tables}")
    assert_same(folder / "shop.xlsx")
    assert open_source(folder / "shop.xlsx").name == "corner shop"
    (folder / "source.yaml").write_text("name: another\nfiles: elsewhere")
    assert open_source(folder / "shop.xlsx").name == "shop"


def test_excel_dates_and_whole_numbers_stay_what_they_are(folder):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Purchase Data"
    sheet.append(["订单", "客户", "时间", "金额", None])
    sheet.append([1e20, 123, datetime(2024, 3, 1, 8, 0, 30), 19, "no header"])
    sheet["A3"], sheet["C3"], sheet["D3"] = "17850", "2024-03-01 08:00", 0.5
    sheet["E4"] = "a row of no column"
    workbook.save(folder / "shop.xlsx")
    (folder / "users.csv").write_text("user_id\n123\n")
    (folder / "source.yaml").write_text(
        "timezone: Asia/Shanghai\n"
        "tables:\n"
        "  orders:\n"
        "    workbook: shop.xlsx\n"
        "    sheet: Purchase Data\n"
        "    columns: {order_id: 订单, user_id: 客户, paid_at: 时间, amount_cny: 金额}\n",
        encoding="utf-8",
    )
    with pytest.raises(SourceError, match="user_id: null in a required column, 1 row"):
        open_source(folder)
    sheet["B3"] = 124
    workbook.save(folder / "shop.xlsx")
    orders = open_source(folder).table("orders")
    assert orders.order_by("user_id").to_pyarrow().to_pylist() == [
        {
            "order_id": "100000000000000000000",
            "user_id": "123",
            "paid_at": datetime(2024, 3, 1, 0, 0, 30, tzinfo=UTC),
            "amount_cny": Decimal("19.00"),
        },
        {
            "order_id": "17850",
            "user_id": "124",
            "paid_at": NOON,
            "amount_cny": Decimal("0.50"),
        },
    ]


def test_a_duckdb_file_is_read_by_its_own_name_and_by_source_yaml(tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as database:
        for name, table in (("users", USERS_TABLE), ("orders", ORDERS_TABLE)):
            database.register("given", table)
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            database.unregister("given")
    (tmp_path / "source.yaml").write_text(f"{OBSERVED}\nfiles: shop.duckdb")
    assert_same(tmp_path)
    assert_same(tmp_path / "source.yaml")
    assert open_source(tmp_path / "shop.duckdb").name == "shop"


def write_sqlite(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE users (user_id TEXT, city_tier TEXT)")
        database.executemany(
            "INSERT INTO users VALUES (?, ?)", [("00123", "一线"), ("00124", None)]
        )
        database.execute(
            "CREATE TABLE orders (order_id TEXT, user_id TEXT, paid_at TEXT, amount_cny TEXT)"
        )
        rows = [line.split(",") for line in ORDERS.splitlines()[1:]]
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    database.close()


def test_a_database_address_is_read_from_the_location_and_from_the_environment(
    tmp_path, monkeypatch
):
    write_sqlite(tmp_path / "shop.sqlite")
    address = f"sqlite://{tmp_path / 'shop.sqlite'}"
    assert open_source(address).name == "shop"
    monkeypatch.setenv("SIYU_TEST_DATABASE", address)
    (tmp_path / "source.yaml").write_text(f"{OBSERVED}\nfiles: $SIYU_TEST_DATABASE")
    assert_same(tmp_path)


def test_an_address_of_a_file_is_looked_up_here_and_beside_the_declaration(tmp_path, monkeypatch):
    write_sqlite(tmp_path / "my shop%20.sqlite")
    (tmp_path / "source.yaml").write_text(f"{OBSERVED}\nfiles: sqlite://my shop%20.sqlite")
    assert_same(tmp_path)
    monkeypatch.chdir(tmp_path)
    source = open_source("sqlite://my shop%20.sqlite")
    monkeypatch.chdir("/")
    assert source.table("users").count().to_pyarrow().as_py() == 2
    project = Path(__file__).parents[2]
    inside = os.path.relpath(tmp_path / "my shop%20.sqlite", project)
    assert open_source(f"sqlite://{inside}").table("users").count().to_pyarrow().as_py() == 2


def test_a_duckdb_address_is_its_file_opened_for_reading_only(tmp_path, monkeypatch):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as database:
        database.execute("CREATE TABLE users AS SELECT 'a' AS user_id, now() AS added_at")
    source = open_source(f"duckdb://{tmp_path / 'shop.duckdb'}")
    assert (source.name, source.table("users").count().to_pyarrow().as_py()) == ("shop", 1)
    monkeypatch.chdir(tmp_path)
    assert open_source("duckdb://shop.duckdb").fingerprint() == source.fingerprint()
    (tmp_path / "source.yaml").write_text("files: duckdb://shop.duckdb")
    assert open_source(tmp_path).has("users")


def test_a_missing_duckdb_file_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(SourceError, match=r"shop\.duckdb' does not exist; name a folder"):
        open_source(f"duckdb://{tmp_path / 'shop.duckdb'}")
    assert not list(tmp_path.iterdir())


def test_a_missing_sqlite_file_is_an_error_and_is_not_made(tmp_path):
    with pytest.raises(SourceError, match="no such SQLite file"):
        open_source(f"sqlite://{tmp_path / 'shop.sqlite'}")
    assert not list(tmp_path.iterdir())


def test_an_environment_variable_that_is_not_set_is_named_as_the_remedy(tmp_path, monkeypatch):
    monkeypatch.delenv("SIYU_TEST_DATABASE", raising=False)
    (tmp_path / "source.yaml").write_text("files: $SIYU_TEST_DATABASE")
    with pytest.raises(SourceError, match="set the environment variable"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["users.parquet", "users.xlsx", "shop.duckdb", "users.csv.gz"])
def test_a_broken_file_is_unreadable_and_named_without_its_folder(folder, name):
    (folder / name).write_bytes(b"not what the name says")
    with pytest.raises(SourceError, match=f"{name}.*unreadable") as caught:
        open_source(folder)
    assert str(folder) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_packed_folder_without_the_parts_of_a_workbook_is_unreadable(folder):
    with zipfile.ZipFile(folder / "users.xlsx", "w") as packed:
        packed.writestr("users.csv", USERS)
    with pytest.raises(SourceError, match=r"users\.xlsx: unreadable: it is no workbook"):
        open_source(folder)


def test_a_time_that_no_calendar_knows_is_an_error_and_no_crash(folder):
    # 10^18 microseconds after 1970 is in the year 33658.
    users = {"user_id": ["a"], "added_at": pa.array([10**18], pa.timestamp("us", "UTC"))}
    pq.write_table(pa.table(users), folder / "users.parquet")
    with pytest.raises(SourceError, match="users: unreadable"):
        open_source(folder)


@pytest.mark.parametrize("odd", ["a[1]", "it's", "data (1) *"])
def test_a_folder_may_have_any_name(tmp_path, odd):
    folder = tmp_path / odd
    folder.mkdir()
    (folder / "source.yaml").write_text(OBSERVED)
    (folder / "users.csv").write_text(USERS)
    pq.write_table(ORDERS_TABLE, folder / "orders.parquet")
    assert_same(folder)


def test_a_truncated_gzip_file_is_unreadable(folder):
    packed = gzip.compress((USERS * 1000).encode())
    (folder / "users.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(SourceError, match="unreadable"):
        open_source(folder)


def test_a_csv_line_with_too_many_fields_is_unreadable_and_not_skipped(folder):
    (folder / "users.csv").write_text("user_id,gender\na,f\nb,f,surplus\n")
    with pytest.raises(SourceError, match=r"users\.csv: unreadable"):
        open_source(folder)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("user_id,city_tier\na,北京\nb,".encode() + b"\xe5\x8c\n" + "c,上海\n".encode(), 29),
        ("\ufeffuser_id,city_tier\n".encode() + b"a,\xb1\xb1\n", 23),
        (b"user_id\n" + b"a" * 1_048_567 + b"\xe5\x8c\n" + "北\n京\n".encode(), 1_048_575),
    ],
    ids=["a cut character", "marked as UTF-8", "cut by the chunk, too"],
)
def test_damaged_utf8_is_refused_by_its_place_and_not_read_as_gb18030(folder, content, place):
    (folder / "users.csv").write_bytes(content)
    expected = rf"users\.csv: unreadable: byte {place:,} is not UTF-8, though .*; mend that place"
    with pytest.raises(SourceError, match=expected):
        open_source(folder)


def test_a_file_that_ends_inside_a_character_is_refused(folder):
    (folder / "users.csv").write_bytes("user_id\n一\n二".encode()[:-1])
    with pytest.raises(SourceError, match="byte 12 is not UTF-8"):
        open_source(folder)


def test_a_file_neither_in_utf8_nor_gb18030_is_unreadable(folder):
    (folder / "users.csv").write_bytes("user_id\na".encode("utf-16"))
    with pytest.raises(SourceError, match="neither UTF-8 nor GB18030; save it as UTF-8"):
        open_source(folder)


def test_a_sheet_needs_a_header_with_one_name_for_each_column(folder):
    workbook = openpyxl.Workbook()
    workbook.active.title = "users"
    workbook.active.append(["user_id", "user_id"])
    workbook.save(folder / "shop.xlsx")
    with pytest.raises(SourceError, match="one name for each column"):
        open_source(folder)


def test_a_sheet_that_is_not_there_is_refused_with_the_nearest(folder):
    write_workbook(folder / "shop.xlsx")
    (folder / "source.yaml").write_text(
        "tables: {users: {workbook: shop.xlsx, sheet: user}, orders: {sheet: order}}"
    )
    problems = check(folder).errors
    assert "has no sheet 'user'; did you mean 'users'?" in str(problems[0])
    assert "no file, sheet or table 'order'; did you mean 'orders'?" in str(problems[1])


def test_reading_leaves_no_temporary_files(folder, tmp_path_factory, monkeypatch):
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (folder / "users.csv").write_bytes(USERS.encode("gb18030"))
    source = open_source(folder)
    assert source.table("users").count().to_pyarrow().as_py() == 2
    left = [path for path in scratch.rglob("*") if path.is_file()]
    assert left == []
