"""A PostgreSQL server and Spark of the test's own, stopped at the end whatever happens."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

_BINARIES = [*os.get_exec_path(), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
_FAST = "-c fsync=off -c full_page_writes=off -c jit=off -c max_wal_size=1GB -c autovacuum=off"


def lacking(reason: str) -> None:
    """Skip a test for what the machine lacks, unless it is the machine that must have it all."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def run_postgres() -> Iterator[str]:
    """Start a PostgreSQL server on a socket of its own, and give its address."""
    path = os.pathsep.join(_BINARIES)
    initdb, control = (shutil.which(name, path=path) for name in ("initdb", "pg_ctl"))
    if not initdb or not control:
        lacking("no PostgreSQL server here: apt-get install postgresql")
    if find_spec("psycopg") is None:
        lacking("no driver of PostgreSQL here: pip install 'siyu[postgres]'")
    # PostgreSQL refuses to serve under root.
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    person = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="siyu-", dir="/tmp") as folder:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        run = partial(
            subprocess.run, check=True, cwd=folder, stdout=subprocess.DEVNULL, **person
        )
        data = f"{folder}/data"
        # Its texts sort by a language, so that a study that leaves it to the server is found out.
        run([initdb, "-D", data, "-U", "siyu", "-A", "trust", "-E", "UTF8", "-N", *_icu(initdb)])
        server = [control, "-D", data, "-w", "-l", f"{folder}/log"]
        run([*server, "-o", f"-k {folder} -h '' {_FAST}", "start"])
        try:
            yield f"postgresql://siyu@/postgres?host={folder}"
        finally:
            run([*server, "-m", "immediate", "stop"])


def _icu(initdb: str) -> list[str]:
    said = subprocess.run([initdb, "--help"], check=True, capture_output=True, text=True).stdout
    icu = "--locale-provider" in said
    return ["--locale=C.UTF-8", *(["--locale-provider=icu", "--icu-locale=en"] if icu else [])]


_SPARK = """
spark.driver.host              127.0.0.1
spark.driver.memory            1g
spark.executor.memory          512m
spark.log.level                ERROR
spark.sql.adaptive.enabled     false
spark.sql.shuffle.partitions   1
spark.ui.enabled               false
"""


@contextmanager
def set_spark_up(folder: Path) -> Iterator[None]:
    """Let Spark, when it starts in this process, be small; and stop it."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        lacking("no Java here: apt-get install openjdk-17-jre-headless")
    if find_spec("pyspark") is None:
        lacking("no Spark here: pip install 'siyu[spark]'")
    from pyspark.sql import SparkSession

    (folder / "spark-defaults.conf").write_text(_SPARK)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_CONF_DIR", str(folder))
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        try:
            yield
        finally:
            if (session := SparkSession.getActiveSession()) is not None:
                session.stop()
