import pytest
from siyu.data import SourceError, open_source

from tests.engines import edges, pools
from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(postgres, simulated):
    return open_source(pools.move_to_postgres(postgres, simulated)), open_source(simulated)


@pytest.fixture(scope="module")
def odd(postgres, edges):
    return pools.move_to_postgres(postgres, edges), edges


@pytest.mark.parametrize("name", QUESTIONS)
def test_postgres_answers_as_duckdb_does(name, both):
    found, expected = map(QUESTIONS[name], both)
    assert count_rows(expected)
    assert_same(found, expected)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin"])
def test_postgres_reads_the_same_in_odd_rows(zone, odd):
    assert_same(*(edges.ask_all(open_source(place, timezone=zone)) for place in odd))


def test_a_database_that_says_so_is_copied_and_then_left_alone(odd):
    stays, here = odd
    copied = open_source(pools.declare(stays, copy=True))
    assert copied.table("events").get_backend().name == "duckdb"
    assert open_source(stays).table("events").get_backend().name == "postgres"
    assert_same(copied.counts(), open_source(here).counts())


@pytest.fixture
def database(postgres):
    """A connection whose changes are undone only by dropping what was made."""
    import psycopg  # it may not be installed

    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


def test_a_time_that_is_text_there_is_refused(postgres, database, odd):
    database.execute("CREATE SCHEMA loose")
    database.execute("CREATE VIEW loose.users AS SELECT user_id, added_at::text FROM edges.users")
    loose = pools.declare(odd[0], files=pools.in_schema(postgres, "loose"), tables={})
    wrong = r"users\.added_at: wrong type: it is text, not a time; give it a type of its own there"
    with pytest.raises(SourceError, match=wrong):
        open_source(loose)


def test_a_table_that_is_one_select_is_refused(odd):
    asked = pools.declare(odd[0], tables={"users": {"sql": "SELECT * FROM users"}})
    with pytest.raises(SourceError, match="users: sql: runs on DuckDB only; make it a view there"):
        open_source(asked)


def test_a_user_who_may_keep_no_tables_for_a_while_is_refused(postgres, database, odd):
    database.execute("CREATE ROLE reader LOGIN")
    database.execute("REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
    address = pools.in_schema(postgres, "edges").replace("siyu@", "reader@")
    with pytest.raises(SourceError, match="may make no temporary tables; GRANT TEMPORARY"):
        open_source(pools.declare(odd[0], files=address))


def test_a_server_that_cannot_be_reached_is_named_without_its_password(postgres):
    with pytest.raises(SourceError, match="unreadable: ") as caught:
        open_source(postgres.replace("siyu@", "siyu:hunter2@").replace("siyu-", "gone-"))
    assert "hunter2" not in str(caught.value)
