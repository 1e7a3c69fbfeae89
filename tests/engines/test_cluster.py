import subprocess
import sys

import pytest
from siyu.data import open_source

from tests.engines import pools
from tests.engines.compare import assert_same
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(cluster, simulated):
    return open_source(pools.declare(simulated, engine=cluster)), open_source(simulated)


def test_who_holds_a_source_open_gives_way_to_who_asks(cluster, both, edges):
    declared = pools.declare(edges, engine=cluster)
    ask = "import sys, siyu.data as d; print(d.open_source(sys.argv[1]).counts()['rows'].sum())"
    told = subprocess.run(
        [sys.executable, "-c", ask, declared],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert int(told.stdout) == open_source(edges).counts()["rows"].sum()


def test_a_spark_cluster_answers_as_duckdb_does(both):
    assert_same(*map(QUESTIONS["funnel: by channel, item and tier"], both))
