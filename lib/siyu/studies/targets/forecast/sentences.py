"""Say how many will be added and kept, how far that can be trusted, and what it does not know."""

from __future__ import annotations

from siyu.formats import paragraph, paragraphs
from siyu.phrases import cell, phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.estimate import Forecast, days_ahead

_TOLD = 0.05
"""An interval that held so much more seldom than it should is called too narrow."""


def say_headline(adds: Adds, found: Forecast, *, level: float) -> str:
    """Say in one sentence how many are expected, and whether that is a change.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return phrase(
            f"targets.forecast.refused.{found.refused}",
            weeks=found.weeks_seen,
            days=adds.definition.target_days,
        )
    row = found.totals.iloc[-1]
    which = (
        "more"
        if row["adds_lower"] > row["before"]
        else "fewer"
        if row["adds_upper"] < row["before"]
        else "unclear"
    )
    first, last = days_ahead(adds)
    return phrase(
        f"targets.forecast.headline.{which}",
        adds=row["adds"],
        lower=row["adds_lower"],
        upper=row["adds_upper"],
        before=row["before"],
        first=first,
        last=last,
        level=level,
    )


def say_forecast(adds: Adds, found: Forecast, *, level: float) -> str:
    """The result: how many stay, what days do, what is new, and what the forecast does not know.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return ""
    states = {
        state: list(found.totals.loc[found.totals["state"] == state, "touchpoint"])
        for state in ("new", "ended")
    }
    told = [
        phrase(f"targets.forecast.{state}", names=names) for state, names in states.items() if names
    ]
    return paragraphs(
        paragraph(say_kept(adds, found, level=level), *told),
        say_days(found, level=level),
        phrase("targets.forecast.limits"),
    )


def say_kept(adds: Adds, found: Forecast, *, level: float) -> str:
    """Say how many of those who will be added are expected to stay, or that nobody knows."""
    if found.kept is None:
        return phrase("targets.forecast.no_kept")
    row = found.totals.iloc[-1]
    return phrase(
        "targets.forecast.kept",
        kept=row["kept"],
        lower=row["kept_lower"],
        upper=row["kept_upper"],
        days=adds.definition.kept_days,
        level=level,
    )


def say_days(found: Forecast, *, level: float) -> str:
    """Say what shopping festivals and Spring Festival did, and which days were never seen."""
    effects, said = found.effects.set_index("day_kind"), []
    for kind, key in (("promotion", "promotion"), ("spring_festival", "spring")):
        row = effects.loc[kind]
        if row["n_days"] > 0:
            said.append(
                phrase(
                    f"targets.forecast.days.{key}",
                    ratio=row["ratio"],
                    lower=row["ci_lower"],
                    upper=row["ci_upper"],
                    n=row["n_days"],
                    level=level,
                )
            )
    if not found.whole_year:
        where = "china" if found.country == "CN" else "elsewhere"
        said.append(phrase(f"targets.forecast.seasons.{where}"))
    if found.unseen:
        kinds = [cell("day_kind", kind) for kind in found.unseen]
        said.append(phrase("targets.forecast.seasons.unseen", kinds=kinds))
    return paragraph(*said)


def tested_as(found: Forecast) -> str:
    """Name what the test says: "model_clear", "model", "naive" or "untested"."""
    if not found.tested:
        return "untested"
    clear = found.scores[EVERYONE].ci_lower > 0
    return "naive" if found.which == "naive" else "model_clear" if clear else "model"


def say_test(found: Forecast, *, level: float) -> str:
    """Say whether the forecast beats that of the last weeks, and how often its intervals held.

    Args:
        found: from `forecast`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return ""
    if not found.tested:
        return phrase("targets.forecast.tested.untested")
    score = found.scores[EVERYONE]
    said = phrase(
        f"targets.forecast.tested.{tested_as(found)}",
        n=score.n,
        skill=score.value,
        lower=score.ci_lower,
        upper=score.ci_upper,
        level=level,
    )
    inner, outer = found.coverage["share"]
    narrow = bool((found.coverage["share"] < found.coverage["level"] - _TOLD).any())
    covered = phrase(
        f"targets.forecast.coverage.{'narrow' if narrow else 'held'}",
        inner=inner,
        outer=outer,
        apart=found.coverage["apart"].iloc[0],
    )
    widened = ""
    if found.widened > 1:
        widened = phrase("targets.forecast.widened", factor=found.widened)
    return paragraph(said, covered, widened)


def title_test(found: Forecast) -> str:
    """Say in one sentence whether the forecast beats that of the last weeks."""
    score = found.scores.get(EVERYONE)
    numbers = (
        {"skill": score.value, "lower": score.ci_lower, "upper": score.ci_upper} if score else {}
    )
    return phrase(f"targets.forecast.title.{tested_as(found)}", **numbers)
