"""Measure recency, frequency and money of buyers against the peers: same files, same answers.

    python -m benchmarks.rfm --events 10000000 --save

The question: how many buyers have which scores from 1 to 5 for the days since the last purchase,
for purchase days (orders of one day are one) and for the net amount, and what did they buy? Scores
are fifths by rank, equal values together (an ntile would part them at random); days are those of
Shanghai; an order refunded in full does not count.

siyu measures as its notebook does: it also names the segments, and keeps margins, first purchases
and who is a member. `benchmarks.harness` says how it is measured.
"""

from __future__ import annotations

from benchmarks.harness import Study, run
from benchmarks.order_logs import find_orders
from benchmarks.rfm_contenders import CONTENDERS

STUDY = Study(
    name="rfm",
    contenders=CONTENDERS,
    find=find_orders,
)

if __name__ == "__main__":
    run(STUDY, __doc__.splitlines()[0])
