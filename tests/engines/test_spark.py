import math
from datetime import UTC, datetime

import pytest
from siyu.data import open_source
from siyu.data.source import check

from tests.engines import edges, pools
from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS
from tests.studies.funnel.builders import write_tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(spark, simulated):
    return open_source(pools.declare(simulated, engine=spark)), open_source(simulated)


@pytest.fixture(scope="module")
def odd(spark, edges):
    return pools.declare(edges, engine=spark), edges


@pytest.mark.parametrize("name", QUESTIONS)
def test_spark_answers_as_duckdb_does(name, both):
    found, expected = map(QUESTIONS[name], both)
    assert count_rows(expected)
    assert_same(found, expected)


def test_spark_reads_the_same_in_odd_rows(odd):
    assert_same(*(edges.ask_all(open_source(place, timezone="Europe/Berlin")) for place in odd))


def test_spark_tells_a_number_that_is_none_from_what_is_missing(spark, tmp_path):
    push = {"push_id": "1", "user_id": "a", "sent_at": datetime(2026, 3, 2, tzinfo=UTC)}
    shares = [push | {"propensity": math.nan}, push | {"push_id": "2", "propensity": None}]
    write_tables(tmp_path, layout={"timezone": "UTC"}, users=[{"user_id": "a"}], pushes=shares)
    (problem,) = check(pools.declare(tmp_path, engine=spark)).errors
    assert (problem.column, problem.rows) == ("propensity", 1)
