import pytest

from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", QUESTIONS)
def test_spark_answers_as_duckdb_does(name, on_duckdb, on_spark):
    expected = QUESTIONS[name](on_duckdb)
    assert count_rows(expected)
    assert_same(QUESTIONS[name](on_spark), expected)
