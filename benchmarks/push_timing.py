"""Measure the description of pushes against the peers: same files, same answers, same run.

    python -m benchmarks.push_timing --events 10000000 --save

The question: of the pushes sent to each occupation on each weekday and in each hour of the day, how
many were clicked within 24 hours of the sending? Weekdays and hours are those of Shanghai; pushes
count that were sent, and planned and sent at least 24 hours before the end of the data; a click
before the sending does not. The occupations lie in a table beside the pushes.

siyu finds the pushes and measures them as its notebook does, which also tells those drawn by lot
from the others, and how alike the pushes of one user are. `benchmarks.harness` says how it is
measured.
"""

from __future__ import annotations

from benchmarks.harness import Study, run
from benchmarks.push_logs import find_pushes
from benchmarks.push_timing_contenders import CONTENDERS

STUDY = Study(
    name="push_timing",
    contenders=CONTENDERS,
    find=find_pushes,
)

if __name__ == "__main__":
    run(STUDY, __doc__.splitlines()[0])
