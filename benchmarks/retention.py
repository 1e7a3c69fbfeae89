"""Measure retention against the peers: same files, same answers, same run.

    python -m benchmarks.retention --events 10000000 50000000 --save

The question: of the users of each weekly cohort, how many came back in week 1, 2, … 12 after they
were added (on one of the days 7 to 13, 14 to 20, … 84 to 90 after that day)? And of the users added
through each touchpoint, how many came back on day 1, on day 7, and on day 30? Days are those of
Shanghai; a cohort is judged on a week when all of it has lived through that week, a user on a day
when the log goes that far: nobody else is in a denominator. The users with their first days lie in
a table beside the log.

siyu asks as its notebook does, one definition at a time, and the first one's answer is at hand when
the second is asked; it answers for each of the 84 days, and counts the leavers too. Its checks of
the source, made once when it is opened, are measured in a row of their own. The others answer both
questions in one go. The last rows ask siyu of a log that `siyu prepare` has laid out, where to open
it is part of the first question. `benchmarks.harness` says how it is measured.
"""

from __future__ import annotations

from benchmarks.harness import Study, run
from benchmarks.retention_contenders import CONTENDERS

STUDY = Study(
    name="retention",
    contenders=CONTENDERS,
)

if __name__ == "__main__":
    run(STUDY, __doc__.splitlines()[0])
