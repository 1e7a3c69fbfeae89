"""Measure the model of repeat purchases against a fit over single buyers: same orders, same answer.

    python -m benchmarks.future --events 500000 --save

The question: with which parameters of BG/NBD do the buyers buy? `--events` is the number of buyers;
their orders are drawn from the model, some four each, and lie in a Parquet file. siyu reduces them
in the engine, as its notebook does, and fits groups of buyers who are alike by their gradient. The
peer groups with pandas and fits a row per buyer, its slopes by differences, as one writes it down
from the paper. What lies beyond that (hold-out, tiers, amounts) is not asked. The answer is the
greatest likelihood: where that lies, differences find to three digits only. `benchmarks.harness`
says how it is measured.
"""

from __future__ import annotations

from benchmarks.future_contenders import CONTENDERS, find_orders
from benchmarks.harness import Study, run

STUDY = Study(
    name="future",
    contenders=CONTENDERS,
    about={
        "siyu": "**siyu** (Ibis on DuckDB, grouped, gradient)",
        "scipy": "pandas and SciPy over single buyers",
    },
    answerless=(),
    find=find_orders,
)

if __name__ == "__main__":
    run(STUDY, __doc__.splitlines()[0])
