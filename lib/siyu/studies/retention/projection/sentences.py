"""Say what a projection is worth: held, missed, or not to be had and why."""

from __future__ import annotations

import math

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.stats.shifted_beta_geometric import FEWEST_LEAVERS
from siyu.studies.retention.projection.estimate import Holdout, Projection
from siyu.studies.retention.projection.measure import Lives


def why_not(lives: Lives, projection: Projection) -> str:
    """Say why there is no trustworthy projection, or "" where there is one."""
    if projection.outcome == "held":
        return ""
    if projection.outcome == "nobody":
        return phrase("retention.nobody", first=lives.first, last=lives.as_of)
    if projection.holdout:
        return say_outcome(projection.holdout)
    return phrase(
        f"retention.projection.{projection.outcome}",
        added=lives.n_added,
        min_users=lives.min_users,
        left=projection.n_left,
        fewest=FEWEST_LEAVERS,
    )


def say_outcome(holdout: Holdout) -> str:
    """Say whether the projection of the earlier day held."""
    outcome = "held"
    if not holdout.held:
        outcome = "too_high" if holdout.expected > holdout.share else "too_low"
    return phrase(
        f"retention.projection.outcome.{outcome}",
        on=holdout.on,
        days=holdout.days,
        expected=holdout.expected,
        share=holdout.share,
    )


def say_holdout(holdout: Holdout | None, *, level: float) -> str:
    """Say what was predicted, what came, and what a constant share of leavers predicts."""
    if holdout is None:
        return ""
    return paragraph(
        say_outcome(holdout),
        phrase(
            "retention.projection.holdout",
            n=holdout.n,
            days=holdout.days,
            on=holdout.on,
            expected=holdout.expected,
            expected_lower=holdout.expected_lower,
            expected_upper=holdout.expected_upper,
            share=holdout.share,
            lower=holdout.lower,
            upper=holdout.upper,
            constant=holdout.constant,
            level=level,
        ),
    )


def say_projection(lives: Lives, projection: Projection, *, level: float) -> str:
    """The title: the share still there at the last week of which the test speaks; or why not."""
    reason = why_not(lives, projection)
    return reason or say_week(projection, projection.told_weeks, level=level)


def say_week(projection: Projection, weeks: int, *, level: float) -> str:
    """Say what share of newcomers is expected to be there after some weeks."""
    row = projection.curve.set_index("weeks").loc[weeks]
    return phrase(
        f"retention.projection.week.{row.state}",
        weeks=weeks,
        share=row.projected,
        lower=row.projected_lower,
        upper=row.projected_upper,
        level=level,
    )


def say_connected(projection: Projection, *, level: float) -> str:
    """Say how many of those there now are expected to be there later; "" where nothing is."""
    if projection.outcome != "held" or math.isnan(projection.expected):
        return ""
    return phrase(
        "retention.projection.connected",
        n=projection.n_there,
        days=projection.days,
        expected=projection.expected,
        lower=projection.expected_lower,
        upper=projection.expected_upper,
        level=level,
    )
