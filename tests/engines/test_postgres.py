import pytest

from tests.engines.compare import assert_same, count_rows
from tests.engines.questions import QUESTIONS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", QUESTIONS)
def test_postgres_answers_as_duckdb_does(name, on_duckdb, on_postgres):
    expected = QUESTIONS[name](on_duckdb)
    assert count_rows(expected)
    assert_same(QUESTIONS[name](on_postgres), expected)
