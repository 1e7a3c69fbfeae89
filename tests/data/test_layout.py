"""`source.yaml`: what it can say, and what it is told when it says something else."""

from datetime import UTC, datetime

import openpyxl
import pytest
from siyu.data import SourceError, open_source

OBSERVED = "timezone: UTC\nobserved: {from: 2024-03-01, to: 2024-03-31}\n"


@pytest.fixture
def refuse(tmp_path):
    def refused(layout):
        (tmp_path / "users.csv").write_text("user_id\na\n")
        (tmp_path / "source.yaml").write_text(layout, encoding="utf-8")
        with pytest.raises(SourceError) as caught:
            open_source(tmp_path)
        return str(caught.value)

    return refused


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("timezne: UTC", "unknown key 'timezne'; did you mean 'timezone'?"),
        ("tables: {user: {file: x}}", "tables: unknown key 'user'; did you mean 'users'?"),
        ("tables: {users: {colums: {}}}", "users: unknown key 'colums'; did you mean 'columns'?"),
        ("tables: {events: {known_from: {}}}", "tables.events: unknown key 'known_from'"),
        ("tables: {events: {from_events: []}}", "tables.events: unknown key 'from_events'"),
        ("observed: {from: 2024-03-01, until: 2024-03-31}", "observed: unknown key 'until'"),
        ("observed: {from: 2024-03-01}", "observed.to = None is not a day"),
        ("observed: {from: 2024-02-30, to: 2024-03-31}", "2024-02-30 is not a day; write it as"),
        ("observed: {from: yes, to: 2024-03-31}", "observed.from = yes is not a day"),
        ("observed: {from: 2024-03-01 10:00:00, to: 2024-03-31}", "is not a day"),
        ("observed: {from: 2024-04-01, to: 2024-03-31}", "lies after to = 2024-03-31; exchange"),
        ("observed: always", "observed must hold names and values"),
        ("- users", "source.yaml must hold names and values"),
        ("tables: {users: {columns: [user_id]}}", "columns must hold names and values"),
        ("tables: {users: {values: {gender: {true: f}}}}", "True is not a name; put it in quotes"),
        (
            "tables: {users: {values: {gender: {f: 1.0}}}}",
            "f = 1.0 is not a text; put it in quotes",
        ),
        ("tables: {users: {values: {gender: {0: f, '0': m}}}}", "gender: '0' is given twice; keep"),
        ("name: shop\nname: store", "cannot be read: 'name' is given twice in the block of line 1"),
        ("name: [shop]", "name = ['shop'] is not a text"),
        ("tables: {users: {file: a.csv, sheet: b}}", "file and sheet exclude each other; keep one"),
        ("tables: {users: {workbook: a.xlsx}}", "workbook needs sheet; name the sheet"),
        ("tables: {users: {from_events: [], columns: {}}}", "from_events stands alone; map the"),
        ("tables: {users: {from_events: touchpoint}}", "from_events must list columns; write"),
        ("tables: {users: {separator: '||'}}", "separator = '||' must be one character"),
        ("tables: {users: {times: {added_at: days}}}", "'days' is neither unit nor pattern; use"),
        ("tables: {users: {sql: DROP TABLE x}}", "sql: must be exactly one SELECT"),
        ("tables: {users: {sql: SELECT 1; SELECT 2}}", "sql: must be exactly one SELECT"),
        ("tables: {users: {sql: SELECT ((}}", "sql: cannot be read"),
        ("timezone: Mars/Olympus", "timezone = 'Mars/Olympus' is not a time zone"),
        ("naive_times: Mars/Olympus", "timezone = 'Mars/Olympus' is not a time zone"),
        ("files: elsewhere", "elsewhere: does not exist; name a folder"),
        ("files: source.yaml", "source.yaml: is no folder, workbook or database"),
        ("tables: [", "source.yaml cannot be read: while parsing"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name_with_the_remedy(refuse, layout, message):
    found = refuse(layout)
    assert message in found
    assert "\n" not in found


def test_a_layout_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "source.yaml").write_bytes("name: 小店".encode("gb18030"))
    with pytest.raises(SourceError, match=r"cannot be read: .*; write it in UTF-8 YAML"):
        open_source(tmp_path)


def test_an_empty_layout_declares_nothing(write_source):
    folder = write_source("# nothing yet", users="user_id,added_at\na,2024-03-01T00:00Z")
    assert open_source(folder).name == folder.name


def test_foreign_and_chinese_columns_and_values_become_ours(write_source):
    layout = (
        OBSERVED + "tables:\n"
        "  events:\n"
        "    file: 行为 日志.csv\n"
        "    separator: '|'\n"
        "    columns: {user_id: 客户 编号, occurred_at: 时间, event: 动作}\n"
        "    values: {event: {0: scan, 加好友: add}, 门店: {'01': one}}\n"
    )
    folder = write_source(layout)
    (folder / "行为 日志.csv").write_text(
        "客户 编号|时间|动作|门店\na|2024-03-01|0|01\na|2024-03-02|加好友|02\n", encoding="utf-8"
    )
    events = open_source(folder).table("events").order_by("occurred_at").to_pyarrow().to_pylist()
    assert [(row["user_id"], row["event"], row["门店"]) for row in events] == [
        ("a", "scan", "one"),
        ("a", "add", "02"),
    ]
    assert events[0]["occurred_at"] == datetime(2024, 3, 1, tzinfo=UTC)


def test_values_of_numbers_can_be_renamed_and_mapped_by_their_text(write_source):
    layout = OBSERVED + "tables: {events: {values: {event: {'1': scan}}}}"
    folder = write_source(layout, events="user_id,occurred_at,event\na,2024-03-01,1")
    assert open_source(folder).table("events").event.to_pyarrow().to_pylist() == ["scan"]


def test_values_are_those_typed_and_no_numbers_or_truths_that_yaml_takes_them_for(write_source):
    typed = {"010": "scan", "011": "add", "+5": "cart", "1_000": "order", "no": "reply", "7": "on"}
    declared = ", ".join(f"{theirs}: {ours}" for theirs, ours in typed.items())
    events = "\n".join(f"a,2024-03-01,{theirs}" for theirs in typed)
    folder = write_source(
        OBSERVED + f"tables: {{events: {{values: {{event: {{{declared}}}}}}}}}",
        events=f"user_id,occurred_at,event\n{events}",
    )
    found = open_source(folder).table("events").event.to_pyarrow().to_pylist()
    assert sorted(found) == sorted(typed.values())


def test_a_mapped_column_that_is_not_there_is_named_with_the_nearest(write_source):
    layout = OBSERVED + "tables: {users: {columns: {user_id: client_id}}}"
    folder = write_source(layout, users="clientid\na")
    with pytest.raises(SourceError, match="missing column 'client_id'; did you mean 'clientid'"):
        open_source(folder)


def test_a_column_cannot_be_two_things_at_once(write_source):
    users = "user_id,client_id\n1,a"
    layout = OBSERVED + "tables: {users: {columns: {user_id: client_id}}}"
    with pytest.raises(SourceError, match="also mapped from 'client_id'; map the other one"):
        open_source(write_source(layout, users=users))
    layout = OBSERVED + "tables: {users: {columns: {user_id: client_id, other_user_id: user_id}}}"
    (user,) = open_source(write_source(layout, users=users)).table("users").to_pyarrow().to_pylist()
    assert user == {"user_id": "a", "other_user_id": "1"}


@pytest.mark.parametrize(
    "declared",
    ["values: {gendr: {f: w}}", "times: {gendr: epoch_s}", "known_from: {gendr: user_id}"],
)
def test_a_declaration_about_a_column_that_is_not_there_is_refused(write_source, declared):
    layout = OBSERVED + f"tables: {{users: {{{declared}}}}}"
    folder = write_source(layout, users="user_id,gender\na,f")
    with pytest.raises(SourceError, match=r"gendr: missing column; did you mean 'gender'\?"):
        open_source(folder)


def test_further_times_become_instants_when_their_unit_is_declared(write_source):
    layout = OBSERVED + "tables: {users: {times: {born_at: '%Y%m%d'}}}"
    folder = write_source(layout, users="user_id,born_at\na,20240301")
    (user,) = open_source(folder).table("users").to_pyarrow().to_pylist()
    assert user["born_at"] == datetime(2024, 3, 1, tzinfo=UTC)


def test_a_table_can_be_a_select_over_files_with_odd_names(write_source):
    layout = (
        OBSERVED + "tables:\n"
        "  events:\n"
        "    sql: >\n"
        '      WITH leads AS (SELECT * FROM "leads-2024")\n'
        "      SELECT id AS user_id, first AS occurred_at, 'lead' AS event FROM leads\n"
        "      UNION ALL SELECT id, won, 'close' FROM deals WHERE won IS NOT NULL\n"
        "  users:\n"
        '    sql: SELECT DISTINCT id AS user_id FROM "leads-2024"\n'
    )
    (folder := write_source(layout)).joinpath("users.csv").unlink()
    (folder / "leads-2024.csv").write_text("id,first\n001,2024-03-01\n002,2024-03-02\n")
    (folder / "deals.csv").write_text("id,won\n001,2024-03-05\n002,\n")
    (folder / "unrelated.csv").write_text("no, such file is asked for, so it is not read\n1\n")
    source = open_source(folder)
    events = source.table("events").order_by("occurred_at").to_pyarrow().to_pylist()
    assert [(row["user_id"], row["event"]) for row in events] == [
        ("001", "lead"),
        ("002", "lead"),
        ("001", "close"),
    ]
    assert source.table("users").count().to_pyarrow().as_py() == 2


def test_a_select_over_a_file_that_is_not_there_names_the_nearest(write_source):
    layout = OBSERVED + "tables: {users: {sql: SELECT id AS user_id FROM lead}}"
    folder = write_source(layout)
    (folder / "leads.csv").write_text("id\n1\n")
    with pytest.raises(SourceError, match="no file, sheet or table 'lead'; did you mean 'leads'"):
        open_source(folder)


def test_a_select_that_the_engine_refuses_is_an_error_of_its_table(write_source):
    layout = OBSERVED + "tables: {users: {sql: SELECT nobody AS user_id FROM leads}}"
    folder = write_source(layout)
    (folder / "leads.csv").write_text("id\n1\n")
    with pytest.raises(SourceError, match=r"users: unreadable: Binder Error.*nobody"):
        open_source(folder)


def test_a_file_that_is_not_there_is_named_with_the_nearest(write_source):
    folder = write_source(OBSERVED + "tables: {events: {file: user.csv}}")
    with pytest.raises(SourceError, match=r"no file 'user\.csv'; did you mean 'users\.csv'"):
        open_source(folder)


def test_a_workbook_given_as_a_file_is_told_to_name_its_sheet(write_source):
    folder = write_source(OBSERVED + "tables: {events: {file: shop.xlsx}}")
    openpyxl.Workbook().save(folder / "shop.xlsx")
    expected = r"events: a workbook has sheets; write workbook: shop\.xlsx and sheet"
    with pytest.raises(SourceError, match=expected):
        open_source(folder)


def test_a_table_that_is_there_twice_is_refused_until_one_is_named(write_source):
    folder = write_source(OBSERVED)
    (folder / "users.csv.gz").write_bytes((folder / "users.csv").read_bytes())
    with pytest.raises(SourceError, match=r"is there twice, users\.csv and users\.csv\.gz; keep"):
        open_source(folder)
    (folder / "source.yaml").write_text(OBSERVED + "tables: {users: {file: users.csv}}")
    assert open_source(folder).table("users").count().to_pyarrow().as_py() == 2


def test_text_files_of_any_name_can_be_named(write_source):
    folder = write_source(OBSERVED + "tables: {users: {file: members.txt, separator: '\t'}}")
    (folder / "members.txt").write_text("user_id\tgender\na\tf\n")
    assert open_source(folder).table("users").gender.to_pyarrow().to_pylist() == ["f"]


def test_a_text_file_whose_columns_no_single_mark_separates_is_read_by_sql(write_source):
    """A line is one column, which SQL takes apart; so the CDNOW file is written."""
    sql = "SELECT string_split_regex(trim(COLUMNS(*)), ' +')[1] AS user_id FROM members"
    folder = write_source(OBSERVED + f"tables: {{users: {{separator: '|', sql: \"{sql}\"}}}}")
    (folder / "members.txt").write_text(" user_id  cds \n 00001  12 \n 00002   1 \n")
    users = open_source(folder).table("users").user_id.to_pyarrow().to_pylist()
    assert sorted(users) == ["00001", "00002"]


def test_a_folder_without_any_table_says_what_is_there(tmp_path):
    (tmp_path / "clients.csv").write_text("id\n1\n")
    with pytest.raises(SourceError, match=r"no table of the contract .* in source\.yaml: clients"):
        open_source(tmp_path)


def test_a_csv_header_must_name_each_column_once_but_an_index_may_be_nameless(write_source):
    with pytest.raises(SourceError, match="a header with one name for each column"):
        open_source(write_source(OBSERVED, users="user_id,user_id\na,a"))
    with pytest.raises(SourceError, match="a header with one name for each column"):
        open_source(write_source(OBSERVED, users=""))
    folder = write_source(OBSERVED, users=",user_id\n0,a")
    assert open_source(folder).table("users").columns == ("column0", "user_id")
