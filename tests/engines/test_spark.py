import pytest
from siyu.data import open_source

from tests.engines import edges, pools
from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS

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
