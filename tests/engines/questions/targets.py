"""The questions of targets: who was added and kept, and who ordered."""

from __future__ import annotations

from functools import partial

from siyu.data import Source
from siyu.studies.targets import Definition, count_adds, rule

from tests.engines.variants import strip


def _count(pool: Source, *, is_bare: bool = False, **asked: object) -> object:
    pool = strip(pool) if is_bare else pool
    adds = count_adds(pool, Definition(**asked), min_users=5)
    return adds, rule.measure(adds)


QUESTIONS = {
    "added": _count,
    "by event": partial(_count, add_event="scan", kept_days=7, target_days=60),
    "bare": partial(_count, is_bare=True),
}
