import pytest
from siyu.data import open_source

from tests.engines import pools
from tests.engines.compare import assert_same
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(cluster, simulated):
    return open_source(pools.declare(simulated, engine=cluster)), open_source(simulated)


@pytest.mark.parametrize("name", ["funnel: by channel, item and tier", "retention: from"])
def test_a_spark_cluster_answers_as_duckdb_does(name, both):
    assert_same(*map(QUESTIONS[name], both))
