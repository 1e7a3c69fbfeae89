"""Say what buyers will buy, and what that is worth; or why that cannot be trusted."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import paragraph, quote
from siyu.phrases import phrase, term
from siyu.stats.bg_nbd import FEWEST_REPEAT_BUYERS
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.future.estimate import Forecast
from siyu.studies.tiers.future.measure import Measures


def name_group(group: str) -> str:
    """Name a group of buyers as readers do."""
    return phrase("tiers.future.everyone") if group == EVERYONE else quote(term(group))


def why_not(measures: Measures, found: Forecast) -> str:
    """Say why there is no forecast to be trusted, or "" where there is one."""
    if found.outcome == "held":
        return ""
    if found.outcome == "missed":
        return say_tested(measures, found)
    return phrase(
        f"tiers.future.refused.{found.outcome}",
        min_users=measures.min_users,
        repeat=found.repeat_buyers,
        fewest=FEWEST_REPEAT_BUYERS,
        on=measures.tested_from,
    )


def say_tested(measures: Measures, found: Forecast) -> str:
    """Say whether the forecast of the earlier day held; why it could not be tested else."""
    if found.outcome not in ("held", "missed"):
        return why_not(measures, found)
    whole, outcome = found.whole, "held"
    if not whole.held:
        outcome = "too_high" if whole.expected > whole.later else "too_low"
    return phrase(
        f"tiers.future.tested.{outcome}",
        on=measures.tested_from,
        days=measures.holdout_days,
        expected=whole.expected,
        later=whole.later,
    )


def say_holdout(measures: Measures, found: Forecast, *, level: float) -> str:
    """Say what was forecast and what came, by how much it was off, and the pace before."""
    if found.outcome not in ("held", "missed"):
        return why_not(measures, found)
    whole = found.whole
    beside = phrase(
        "tiers.future.holdout",
        n=whole.n,
        lower=whole.ci_lower,
        upper=whole.ci_upper,
        level=level,
        error=abs(whole.expected / whole.later - 1) if whole.later else float("nan"),
        horizon=measures.horizon_days,
        steady=found.weeks["steady"].iloc[-1],
    )
    return paragraph("" if found.outcome == "held" else say_tested(measures, found), beside)


def say_forecast(measures: Measures, found: Forecast, *, level: float) -> str:
    """The result: what buyers will buy, against before, and what it is worth; or why not."""
    if found.outcome != "held":
        return why_not(measures, found)
    row = next(each_row(found.table))
    return paragraph(
        say_expected(measures, row, level=level),
        phrase(f"tiers.future.change.{row.change}", recent=row.recent, days=measures.horizon_days),
        say_value(measures, found, level=level),
    )


def say_expected(measures: Measures, row: Any, *, level: float) -> str:
    """Say how often the buyers of a row will buy."""
    return phrase(
        "tiers.future.expected",
        n=row.n,
        expected=row.expected,
        days=measures.horizon_days,
        level=level,
        lower=row.ci_lower,
        upper=row.ci_upper,
        each=row.expected / row.n,
    )


def say_value(measures: Measures, found: Forecast, *, level: float) -> str:
    """Say what the expected purchases are worth, or why that is not known."""
    row = next(each_row(found.table))
    one, lower, upper = (0.0, 0.0, 0.0) if found.model is None else found.model.correlation
    linked = {"correlation": one, "lower": lower, "upper": upper, "level": level}
    if found.amounts:
        return phrase(f"tiers.future.value.{found.amounts}", **linked)
    if row.value_outcome == "missed":
        return phrase(
            "tiers.future.value.missed",
            expected=found.whole.expected_cny,
            later=found.whole.later_cny,
            days=measures.holdout_days,
            on=measures.tested_from,
        )
    if not row.value_cny > 0:
        return phrase("tiers.future.value.nothing")
    said = phrase(
        f"tiers.future.value.{'told' if measures.has_margin else 'amounts'}",
        value=row.value_cny,
        lower=row.value_lower,
        upper=row.value_upper,
        level=level,
    )
    side = "more" if lower > 0 else "less" if upper < 0 else ""
    return paragraph(said, phrase(f"tiers.future.linked.{side}", **linked) if side else "")


def title_tiers(found: Forecast) -> str:
    """Say of which tiers purchases will fall or rise; or why of none."""
    tiers = _tiers_of(found)
    if found.outcome != "held" or not len(tiers):
        return phrase("tiers.future.tiers.none" if found.outcome == "held" else _ALL)
    told = tiers[tiers["outcome"] == "held"]
    if not len(told):
        return phrase(_ALL)
    falls, rises = (told.loc[told["change"] == side, "group"].tolist() for side in _SIDES)
    side = "both" if falls and rises else "falls" if falls else "rises" if rises else "unclear"
    return phrase(f"tiers.future.tiers.{side}", falls=falls, rises=rises)


def say_tiers(found: Forecast) -> str:
    """Say how much each tier that will buy less or more does, and of which nothing can be said."""
    tiers = _tiers_of(found)
    if found.outcome != "held" or not (tiers["outcome"] == "held").any():
        return title_tiers(found)
    clear = tiers[(tiers["outcome"] == "held") & tiers["change"].isin(_SIDES)]
    said = [
        phrase(
            f"tiers.future.tier.{row.change}",
            name=row.group,
            recent=row.recent,
            expected=row.expected,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
        for row in each_row(clear)
    ]
    falls = (clear["change"] == "falls").any()
    untrusted = tiers.loc[tiers["outcome"] == "missed", "group"].tolist()
    return paragraph(
        *(said or [title_tiers(found)]),
        phrase("tiers.future.tiers.luck") if falls else "",
        phrase("tiers.future.tiers.untrusted", names=untrusted) if untrusted else "",
    )


def _tiers_of(found: Forecast) -> pd.DataFrame:
    return found.table[found.table["group"] != EVERYONE] if len(found.table) else found.table


_SIDES = ("falls", "rises")
_ALL = "tiers.future.tiers.untrusted_all"


def say_asleep(measures: Measures, found: Forecast) -> str:
    """Say how many buyers more likely stopped than not, and what waking one may cost."""
    if found.outcome != "held":
        return why_not(measures, found)
    row = next(each_row(found.table))
    if pd.isna(row.asleep):
        return phrase("tiers.future.asleep.few", min_users=measures.min_users)
    priced = row.value_outcome == "held" and row.wake_cny > 0
    return phrase(
        f"tiers.future.asleep.{'told' if priced else 'uncosted'}",
        asleep=row.asleep,
        n=row.n,
        each=row.wake_cny,
        days=measures.horizon_days,
    )


def say_counted(measures: Measures, found: Forecast) -> str:
    """Say who and what is counted, and what the forecast does not know."""
    said = [
        phrase(
            f"tiers.future.counted.{measures.unit}",
            orders=measures.orders,
            merged=measures.merged,
        )
    ]
    if measures.has_leaving and found.model is not None:
        days = measures.horizon_days
        said.append(
            phrase(
                "tiers.future.gone",
                gone=found.table["gone"].iloc[0],
                rate=found.model.leaving_share(days),
                days=days,
            )
        )
    if measures.n_earlier >= measures.min_users:
        n = int(measures.now["n"].sum())
        said.append(
            phrase("tiers.future.earlier", n=n, earlier=measures.n_earlier, day=measures.first)
        )
    return paragraph(*said, phrase("tiers.future.limits"))
