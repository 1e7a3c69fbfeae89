"""The questions of lures: an experiment that was, the next one, and members beside both."""

from __future__ import annotations

from siyu.data import Source
from siyu.studies.lures import Definition, design, draw, find_experiment, observed

from tests.engines.variants import coarsen, strip

_ARMS = ["physical", "coupon", "service"]


def _added(pool: Source) -> object:
    asked = Definition(experiment="lure_2026_01")
    test = find_experiment(pool, asked, min_users=5)
    return (
        test,
        observed.count_members(test, stay_days=30),
        design.measure(pool, asked, test, period_days=182, min_users=5),
        draw.draw(pool, arms=_ARMS, seed=1, min_users=5),
    )


def _events(pool: Source) -> object:
    asked = Definition(
        experiment="lure_2025_06",
        control_arm="virtual",
        conversion="browse or cart",
        cluster="staff_id",
        worth_days=90,
    )
    test = find_experiment(pool, asked, min_users=5)
    lots = draw.draw(pool, arms=_ARMS, seed=1, by=["channel", "gender"], per_arm=10, min_users=5)
    return test, design.measure(pool, asked, test, period_days=365, fresh_days=60), lots


def _bare(pool: Source) -> object:
    pool = strip(pool)
    asked = Definition(experiment="lure_2026_01")
    test = find_experiment(pool, asked, min_users=5)
    untested = find_experiment(pool, Definition(), min_users=5)
    return (
        test,
        design.measure(strip(pool, "assignments"), asked, untested, period_days=60),
        draw.draw(strip(pool, "assignments"), arms=_ARMS, seed=1, min_users=5),
    )


def _ties(pool: Source) -> object:
    asked = Definition(experiment="lure_2026_01", worth_days=90, coupon_arms=_ARMS)
    return find_experiment(coarsen(pool), asked)


QUESTIONS = {"additions": _added, "events": _events, "bare": _bare, "ties": _ties}
