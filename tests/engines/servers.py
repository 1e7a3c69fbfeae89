"""A PostgreSQL server and Spark of the test's own, stopped at the end whatever happens."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

_BINARIES = [*os.get_exec_path(), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
_SPARK = f"""
spark.driver.extraJavaOptions    {_JAVA}
spark.driver.host                127.0.0.1
spark.driver.memory              1g
spark.executor.extraJavaOptions  {_JAVA}
spark.executor.memory            512m
spark.log.level                  ERROR
spark.sql.adaptive.enabled       false
spark.ui.enabled                 false
"""
_INTERPRETED = """
spark.sql.codegen.factoryMode    NO_CODEGEN
spark.sql.codegen.wholeStage     false
spark.sql.shuffle.partitions     1
"""
"""The data are tiny: no question takes as long as to compile it."""
_SHARED = """
spark.sql.shuffle.partitions     2
"""
_FAST = "-c fsync=off -c full_page_writes=off -c jit=off -c max_wal_size=1GB -c autovacuum=off"


def lacking(reason: str) -> None:
    """Skip a test for what the machine lacks, unless it must have it all, as under `.ci/run`."""
    if os.environ.get("SIYU_ENGINES") == "required":
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
        lacking("no driver of PostgreSQL here: make engines")
    # PostgreSQL refuses to serve under root.
    person = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        person = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="siyu-", dir="/tmp") as folder:
        if person:
            os.chown(folder, person["user"], person["group"])
        run = partial(subprocess.run, check=True, cwd=folder, stdout=subprocess.DEVNULL, **person)
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


@contextmanager
def set_spark_up(folder: Path, *, settings: str = _INTERPRETED) -> Iterator[None]:
    """Let Spark be small when it starts in this process, and stop it."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        lacking("no Java here: apt-get install openjdk-17-jre-headless")
    if find_spec("pyspark") is None:
        lacking("no Spark here: make engines")
    from pyspark.sql import SparkSession

    (folder / "spark-defaults.conf").write_text(_SPARK + settings)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_CONF_DIR", str(folder))
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        try:
            yield
        finally:
            if (session := SparkSession.getActiveSession()) is not None:
                session.stop()


@contextmanager
def run_cluster(folder: Path) -> Iterator[str]:
    """Start a Spark master and two workers of one processor each, and give its address."""
    with set_spark_up(folder, settings=_SHARED), ExitStack() as running:
        master = running.enter_context(_serve(folder, "master.Master", "--port", "0"))
        worker = ["--cores", "1", "--memory", "600m", "--work-dir", str(folder), master]
        for _ in range(2):
            running.enter_context(_serve(folder, "worker.Worker", *worker))
        yield master


@contextmanager
def _serve(folder: Path, name: str, *options: str) -> Iterator[str]:
    """Run a server of Spark, and give the master's address once that is ready."""
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    places = ["--host", "127.0.0.1", "--webui-port", "0"]
    java = f"{_JAVA} -Dspark.master.rest.enabled=false"
    with subprocess.Popen(
        [program, f"org.apache.spark.deploy.{name}", *places, *options],
        env={**os.environ, "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": java},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr
            said = []
            for line in server.stderr:
                said.append(line)
                if "New state: ALIVE" in line or "Successfully registered with master" in line:
                    break
            found = re.search(r"[ ](spark://\S+)", "".join(said))
            assert found, f"{name} does not serve: {said}"
            yield found[1]
        finally:
            server.terminate()
