"""Turn a forecast of additions into findings, its test among them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast import sentences
from siyu.studies.targets.forecast.estimate import Forecast

_METRIC = "additions expected"


def conclude(adds: Adds, found: Forecast, *, level: float) -> list[Finding]:
    """Give the findings of a forecast.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
        level: the coverage at which it was made.

    Returns:
        Findings with stable ids: additions and kept members expected, overall and by touchpoint;
        the skill against the last weeks' mean (good above 0) and how often intervals held (good
        at their level). `targets.forecast.adds` alone, insufficient, where there is no forecast.
    """
    if found.refused:
        said = full_stop(sentences.say_headline(adds, found, level=level))
        n = int(adds.days["added"].sum())
        return [insufficient("targets.forecast.adds", said, metric=_METRIC, n=n, unit="users")]
    return [*_numbers(adds, found, level=level), *_tests(found, level=level)]


def _numbers(adds: Adds, found: Forecast, *, level: float) -> Iterator[Finding]:
    seen = adds.days.groupby("touchpoint")["added"].sum()
    for row in each_row(found.totals):
        whole = row.touchpoint == EVERYONE
        n = int(seen.sum() if whole else seen[row.touchpoint])
        for what in ("adds", "kept"):
            value, lower, upper = (
                float(getattr(row, f"{what}{end}")) for end in ("", "_lower", "_upper")
            )
            if not np.isfinite(value):
                continue
            said = phrase(
                f"targets.forecast.finding.{what}",
                name=row.touchpoint,
                value=value,
                lower=lower,
                upper=upper,
                before=row.before,
            )
            if whole:
                say = sentences.say_headline if what == "adds" else sentences.say_kept
                said = say(adds, found, level=level)
            yield Finding(
                id=f"targets.forecast.{what}" + ("" if whole else f".{row.touchpoint}"),
                metric=_METRIC if what == "adds" else "members kept, expected",
                value=value,
                ci_lower=lower,
                ci_upper=upper,
                level=level,
                unit="users",
                n=n,
                segment={} if whole else {"touchpoint": row.touchpoint},
                message=full_stop(said),
                method=phrase(f"targets.forecast.method.{found.which}"),
            )


def _tests(found: Forecast, *, level: float) -> Iterator[Finding]:
    if not found.tested:
        said = full_stop(phrase("targets.forecast.finding.untested"))
        yield insufficient("targets.forecast.skill", said, metric="skill", n=0, unit="share")
        return
    for name, key in ((EVERYONE, "skill"), ("touchpoints", "skill_touchpoints")):
        score = found.scores[name]
        ends = {"lower": score.ci_lower, "upper": score.ci_upper}
        known = bool(np.isfinite(score.ci_lower))
        status = (
            status_of(
                ci_lower=score.ci_lower, ci_upper=score.ci_upper, threshold=0.0, direction="above"
            )
            if known
            else "watch"
        )
        yield Finding(
            id=f"targets.forecast.{key}",
            metric="pinball loss, smaller by",
            value=score.value,
            ci_lower=score.ci_lower if known else None,
            ci_upper=score.ci_upper if known else None,
            level=level,
            unit="share",
            n=score.n,
            threshold=0.0,
            direction="above",
            status=status,
            message=full_stop(phrase(f"targets.forecast.finding.{key}", value=score.value, **ends)),
            headline=phrase("followed.skill") if name == EVERYONE else "",
            method=phrase("targets.forecast.method.skill"),
        )
    for row in each_row(found.coverage):
        yield Finding(
            id=f"targets.forecast.coverage.{round(100 * row.level)}",
            metric=f"share of totals within the {round(100 * row.level)}% interval",
            value=float(row.share),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.origins),
            threshold=float(row.level),
            direction="above",
            status=status_of(
                ci_lower=row.ci_lower,
                ci_upper=row.ci_upper,
                threshold=row.level,
                direction="above",
            ),
            message=full_stop(
                phrase(
                    "targets.forecast.finding.coverage",
                    level=row.level,
                    value=row.share,
                    origins=row.origins,
                )
            ),
            method=phrase("targets.forecast.method.coverage"),
        )
