"""Measure the funnel against the peers: same files, same answers, same run.

    python -m benchmarks.funnel --events 1000000 10000000 --bots 10000000 --save

The question: of the users who started in the first 173 days, how many got how far through six steps
within 7 days of a start, any start counting, by the channel of their first start?
`benchmarks.harness` says how it is measured.

The last rows ask a log that was read before: siyu one that `siyu prepare` has laid out, where to
open it is part of the first question, and the others one that they hold in memory.

retentioneering 5.2.4 installs beside pandas 3, but is left out: its funnel has no window and no
breakdown, so it cannot give this answer, and it would bring 36 more packages into the environment,
one of which reports its use to its makers.
"""

from __future__ import annotations

from benchmarks.funnel_contenders import CONTENDERS
from benchmarks.harness import Study, run

STUDY = Study(
    name="funnel",
    contenders=CONTENDERS,
    about={
        "clickhouse": "ClickHouse `windowFunnel` (chdb)",
        "pandas": "pandas",
        "preparing": "siyu, preparing (once)",
        "duckdb_again": "DuckDB, again, on a table sorted by user",
    },
    answerless=("scan", "preparing"),
)

if __name__ == "__main__":
    run(STUDY, __doc__.splitlines()[0])
