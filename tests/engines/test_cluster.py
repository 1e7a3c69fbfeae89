import pytest

from tests.engines.compare import assert_same
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow

_ASKED = ("funnel: by channel, item and tier", "retention: from")


@pytest.mark.parametrize("name", _ASKED)
def test_a_spark_cluster_answers_as_duckdb_does(name, on_duckdb, on_cluster):
    assert_same(QUESTIONS[name](on_cluster), QUESTIONS[name](on_duckdb))
