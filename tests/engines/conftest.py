from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from siyu.data.world.settings import Settings
from siyu.data.world.write import write_tables

from tests.engines import servers
from tests.engines.edges import write_edges

USERS, SEED = 1_200, 7


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated pool as Parquet files."""
    folder = tmp_path_factory.mktemp("simulated")
    write_tables(folder, Settings(users=USERS, seed=SEED))
    observed = "observed: {from: 2025-04-01, to: 2026-03-31}"
    (folder / "source.yaml").write_text(f"name: simulated\ntimezone: Asia/Shanghai\n{observed}")
    return folder


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few odd people as Parquet files."""
    folder = tmp_path_factory.mktemp("edges")
    write_edges(folder)
    return folder


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with servers.run_postgres() as address:
        yield address


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Spark inside this process."""
    with servers.set_spark_up(tmp_path_factory.mktemp("spark")):
        yield "local[2]"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Spark cluster."""
    with servers.run_cluster(tmp_path_factory.mktemp("cluster")) as master:
        yield master
