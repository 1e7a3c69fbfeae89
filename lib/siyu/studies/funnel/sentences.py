"""Say what the numbers mean: a sentence per result, for up, down, unclear and insufficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from siyu.formats import paragraph, percent
from siyu.phrases import phrase
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.spans import INSTANT, Span
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row


def entered_between(measures: Measures) -> dict[str, date]:
    """Give the first and the last day on which the users entered, as the business counts days."""
    ends = (measures.span.entry_from, measures.span.eligible_until)
    first, last = (moment.astimezone(measures.tz).date() for moment in ends)
    return {"first": first, "last": last}


def as_of(measures: Measures) -> date:
    """Give the last complete day."""
    return (measures.span.as_of_end - INSTANT).astimezone(measures.tz).date()


def by_window(key: str, definition: Definition, **values: object) -> str:
    """Say a phrase that has one form for a window and one for none."""
    form = "so_far" if definition.window_days is None else "within"
    return phrase(f"{key}.{form}", window=definition.window_days, **values)


def too_little(measures: Measures) -> str:
    """Say why no rate can be given, or "" where one can."""
    definition, entered, waiting = measures.definition, measures.n_entered, measures.n_waiting
    if entered >= measures.min_users:
        return ""
    if measures.span.eligible_days == 0:
        return phrase("funnel.too_little.no_days", window=definition.window_days)
    if entered == 0 and waiting == 0:
        if definition.order == "any":
            return phrase("funnel.too_little.nobody_any", **entered_between(measures))
        start = definition.labels[0]
        return phrase("funnel.too_little.nobody", start=start, **entered_between(measures))
    if entered == 0:
        return phrase("funnel.too_little.all_waiting", waiting=waiting)
    return phrase("funnel.too_little.few", entered=entered, min_users=measures.min_users)


def say_conversion(measures: Measures, steps: pd.DataFrame, *, level: float) -> str:
    """The headline: how many of those who entered reached the end."""
    if reason := too_little(measures):
        return reason
    first, last = _total(steps).iloc[0], _total(steps).iloc[-1]
    told = by_window(
        "funnel.conversion",
        measures.definition,
        entered=first.reached,
        start=first.step,
        end=last.step,
        rate=last.rate,
        **_interval(last, level),
        **entered_between(measures),
    )
    waiting = measures.n_waiting
    return paragraph(told, phrase("funnel.conversion.waiting", waiting=waiting) if waiting else "")


def say_loss(measures: Measures, steps: pd.DataFrame) -> str:
    """Name the step at which the largest share of those who got there is lost."""
    if reason := too_little(measures):
        return reason
    total = _total(steps)
    later = total.iloc[1:].dropna(subset=["step_rate"])
    worst = later.nsmallest(1, "step_rate").iloc[0]
    if worst.step_rate == 1:
        return phrase("funnel.loss.none", reached=worst.reached, step=worst.step)
    before = total.iloc[int(worst.k) - 2]
    return phrase(
        "funnel.loss.largest",
        before=before.step,
        step=worst.step,
        lost=1 - worst.step_rate,
        reached=before.reached,
    )


def say_unordered(measures: Measures, steps: pd.DataFrame) -> str:
    """Say how many did a step, but not as the definition asks; "" where there are none."""
    if measures.definition.order == "any":
        return ""
    total = _total(steps).set_index("step")["reached"]
    missed = [
        phrase("funnel.unordered.one", n=measures.done[str(step)] - reached, step=str(step))
        for step, reached in total.items()
        if measures.done[str(step)] > reached
    ]
    return phrase("funnel.unordered.counted", missed=missed) if missed else ""


def say_move(measures: Measures, change: Change | None, *, level: float) -> str:
    """Say whether conversion moved since the span before, in one sentence without a full stop."""
    if change is None:
        reason = measures.span.no_previous or "few"
        return phrase(f"funnel.change.{reason}", min_users=measures.min_users)
    total = {row.part: row for row in each_row(change.total)}
    return phrase(
        f"funnel.change.{change.verdict}",
        before=total["before"].value,
        now=total["now"].value,
        change=total["change"].value,
        **_interval(total["change"], level),
    )


def say_change(measures: Measures, change: Change | None, *, level: float) -> str:
    """Say whether conversion moved since the span before, and whether it was the users or rates."""
    moved = say_move(measures, change, level=level)
    if change is None:
        return moved
    parts = {row.part: row.value for row in each_row(change.total)}
    several = len(change.segments) > 1
    return paragraph(
        moved,
        phrase("funnel.change.parts", **parts) if several else "",
        paradox(change, level=level) if several else "",
        weekdays(measures.span),
    )


def weekdays(span: Span) -> str:
    """Warn where the two spans hold different weekdays; "" where they do not."""
    return "" if span.has_whole_weeks else phrase("funnel.change.weekdays", days=span.eligible_days)


def paradox(change: Change, *, level: float) -> str:
    """Name Simpson's paradox where the whole moves one way and its segments the other; else ""."""
    rate = next(row for row in each_row(change.total) if row.part == "rate")
    table = change.segments
    if change.verdict == "lower" and rate.ci_lower > 0:
        grew, against = table.nsmallest(1, "mix"), table["change"] > 0
    elif change.verdict == "higher" and rate.ci_upper < 0:
        grew, against = table.nlargest(1, "mix"), table["change"] < 0
    else:
        return ""
    return phrase(
        f"funnel.change.{change.verdict}_{'paradox' if against.all() else 'mix'}",
        rate=rate.value,
        grew=grew["segment"].iloc[0],
        **_interval(rate, level),
    )


def say_segments(compared: pd.DataFrame, *, by: Sequence[str]) -> str:
    """Say which segments differ from all others."""
    if compared.empty:
        return phrase("funnel.segments.not_two")
    higher = compared.loc[compared["verdict"] == "higher", "segment"].tolist()
    lower = compared.loc[compared["verdict"] == "lower", "segment"].tolist()[::-1]
    found = {(True, True): "both", (True, False): "higher", (False, True): "lower"}
    return phrase(
        f"funnel.segments.{found.get((bool(higher), bool(lower)), 'unclear')}",
        by=by,
        higher=higher,
        lower=lower,
        n=len(compared),
    )


def say_time(medians: pd.DataFrame, *, level: float) -> str:
    """Say how fast those who convert do."""
    if medians.empty or medians.iloc[0].converted == 0:
        return phrase("funnel.time.nobody")
    total = medians.iloc[0]
    if pd.isna(total.median_days):
        return phrase("funnel.time.few", converted=total.converted)
    return phrase(
        "funnel.time.median",
        horizon=total.horizon_days,
        median=total.median_days,
        **_interval(total, level),
    )


def say_trend(definition: Definition, late: pd.DataFrame, *, level: float) -> str:
    """Say whether later entry weeks convert better than earlier ones."""
    if definition.window is None:
        return phrase("funnel.trend.no_window")
    if late.empty:
        return phrase("funnel.trend.few")
    row = late.iloc[0]
    goes = "up" if row.difference > 0 else "down"
    if row.ci_lower <= 0 <= row.ci_upper:
        goes = "unclear"
    return phrase(f"funnel.trend.{goes}", difference=row.difference, **_interval(row, level))


def say_repair(
    measures: Measures, repairs: pd.DataFrame, gains: pd.DataFrame, *, level: float
) -> str:
    """Say which step is most worth repairing, and what that would bring."""
    if reason := too_little(measures):
        return reason
    asked = {"days": measures.span.eligible_days, "level": level}
    clear = repairs[repairs["clear"]] if len(repairs) else repairs
    if len(clear):
        top = clear.iloc[0]
        return phrase(
            f"funnel.repair.{'clear' if pd.isna(top.worth_cny) else 'clear_worth'}",
            step=top.step,
            segment=top.segment,
            others=top.others_rate,
            own=top.step_rate,
            extra=top.extra,
            lower=top.extra_lower,
            upper=top.extra_upper,
            worth=top.worth_cny,
            worth_lower=top.worth_cny_lower,
            worth_upper=top.worth_cny_upper,
            **asked,
        )
    if (gains["step_rate"] == 1).all():
        return phrase("funnel.repair.no_loss")
    if not (gains["extra"] > 0).any():
        return phrase("funnel.repair.nobody")
    best = gains.nlargest(1, "extra").iloc[0]
    return phrase(
        f"funnel.repair.{'point_no_gap' if len(repairs) else 'point'}",
        step=best.step,
        extra=best.extra,
        lower=best.extra_lower,
        upper=best.extra_upper,
        **asked,
    )


def say_definitions(definitions: pd.DataFrame) -> str:
    """Say how far the answer depends on the definition."""
    rates = definitions["rate"].dropna()
    if rates.empty:
        return phrase("funnel.definitions.none")
    asked = definitions.loc[definitions["asked"], "rate"].iloc[0]
    if pd.isna(asked):
        return phrase("funnel.definitions.not_asked")
    lowest, highest = rates.min(), rates.max()
    return phrase(
        f"funnel.definitions.{'same' if percent(lowest) == percent(highest) else 'range'}",
        asked=asked,
        lowest=lowest,
        highest=highest,
        n=len(rates),
    )


def say_ties(measures: Measures) -> str:
    """Say how many rows have no order of their own, so that the rule for ties matters."""
    return phrase("funnel.ties", share=measures.tied_share)


def say_placebo(halves: pd.DataFrame, *, level: float) -> str:
    """Read the placebo."""
    if halves.empty:
        return phrase("funnel.placebo.none")
    row = halves.iloc[0]
    return phrase(
        f"funnel.placebo.{'seen' if row.p <= 1 - level else 'not_seen'}",
        difference=row.difference,
        one_in=round(1 / (1 - level)),
        **_interval(row, level),
    )


def _total(steps: pd.DataFrame) -> pd.DataFrame:
    return steps[steps["segment"] == EVERYONE]


def _interval(row: pd.Series, level: float) -> Mapping[str, float]:
    return {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
