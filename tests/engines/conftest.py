from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from siyu.data import Source, open_source
from siyu.data.world.settings import Settings
from siyu.data.world.write import write_tables

from tests.engines import pools, servers

USERS, SEED = 1_200, 7


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated pool as Parquet files."""
    folder = tmp_path_factory.mktemp("simulated")
    write_tables(folder, Settings(users=USERS, seed=SEED))
    layout = "{name: simulated, timezone: Asia/Shanghai, observed: {from: 2025-04-01, to: 2026-03-31}}"
    (folder / "source.yaml").write_text(layout)
    return folder


@pytest.fixture(scope="module")
def on_duckdb(simulated: Path) -> Source:
    return open_source(simulated)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    with servers.run_postgres() as address:
        yield address


@pytest.fixture(scope="module")
def on_postgres(postgres: str, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Source:
    pools.load_postgres(postgres, simulated, "simulated")
    address = postgres.replace("/postgres?", "/postgres/simulated?")
    folder = tmp_path_factory.mktemp("postgres") / "pool"
    return open_source(pools.declare(folder, simulated, files=address))


@pytest.fixture(scope="module")
def on_spark(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    folder = tmp_path_factory.mktemp("spark")
    with servers.set_spark_up(folder):
        declared = pools.declare(folder / "pool", simulated, files=str(simulated), engine="local[2]")
        yield open_source(declared)


@pytest.fixture(scope="module")
def on_cluster(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    folder = tmp_path_factory.mktemp("cluster")
    with servers.run_cluster(folder) as master:
        yield open_source(
            pools.declare(folder / "pool", simulated, files=str(simulated), engine=master)
        )
