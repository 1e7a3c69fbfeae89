import math
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from siyu.data import open_source
from siyu.data.engines import open_engine
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


def test_spark_in_a_process_has_a_partition_per_thread_unless_it_is_told_otherwise(spark, tmp_path):
    asked = "spark.sql.shuffle.partitions"
    assert open_engine(spark)._session.conf.get(asked) == "1"  # as its settings here say
    (tmp_path / "spark-defaults.conf").write_text("spark.ui.enabled false")
    program = f"""
from siyu.data.engines import open_engine
print(open_engine("local[2]")._session.conf.get("{asked}"))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SPARK_CONF_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.split()[-1] == "2"
