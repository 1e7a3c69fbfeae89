"""Say what the numbers mean: a sentence per result, for up, down, unclear and insufficient."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siyu.formats import between, day, number, percent, points, quote, span, yuan
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.naming import EVERYONE
from siyu.studies.funnel.spans import INSTANT, Span
from siyu.studies.tables import each_row


def population(measures: Measures) -> str:
    """Say between which days the users entered, as the business counts days."""
    ends = (measures.span.entry_from, measures.span.eligible_until)
    first, last = (moment.astimezone(measures.tz).date() for moment in ends)
    return f"{day(first)} to {day(last)}"


def window(definition: Definition) -> str:
    """Say how long a user has."""
    days = definition.window_days
    if days is None:
        return "so far at as_of (no window)"
    return f"within {days:g} days" if days >= 2 else f"within {days * 24:g} hours"


def too_little(measures: Measures) -> str:
    """Say why no rate can be given, or "" where one can."""
    definition, entered, waiting = measures.definition, measures.n_entered, measures.n_waiting
    start = definition.labels[0] if definition.order != "any" else "any of the steps"
    if entered >= measures.min_users:
        return ""
    if measures.span.eligible_days == 0:
        return (
            f"No start can be judged yet: the entry period is not longer than the window of "
            f"{definition.window_days:g} days. Use a longer period_days or a shorter window_days."
        )
    if entered == 0 and waiting == 0:
        return (
            f"No user did {quote(start)} in {population(measures)}: there is no funnel to measure."
        )
    if entered == 0:
        return (
            f"All {number(waiting)} users who started are still inside their window: nobody can be "
            "judged yet."
        )
    return (
        f"Only {number(entered)} users have a start that can be judged; at least "
        f"{measures.min_users} are needed (min_users)."
    )


def say_conversion(measures: Measures, steps: pd.DataFrame, *, level: float) -> str:
    """The headline: how many of those who entered reached the end."""
    if reason := too_little(measures):
        return reason
    first, last = _total(steps).iloc[0], _total(steps).iloc[-1]
    interval = between(percent(last.ci_lower), percent(last.ci_upper), level=level)
    open_windows = (
        f" {number(measures.n_waiting)} more started too recently to be judged."
        if measures.n_waiting
        else ""
    )
    return (
        f"Of {number(first.reached)} users who entered by {quote(first.step)} "
        f"({population(measures)}), {percent(last.rate)} {interval} reached {quote(last.step)} "
        f"{window(measures.definition)}.{open_windows}"
    )


def say_loss(measures: Measures, steps: pd.DataFrame) -> str:
    """Name the step at which the largest share of those who got there is lost."""
    if reason := too_little(measures):
        return reason
    total = _total(steps)
    later = total.iloc[1:].dropna(subset=["step_rate"])
    worst = later.nsmallest(1, "step_rate").iloc[0]
    if worst.step_rate == 1:
        return f"Nobody is lost: all {number(worst.reached)} users reached {quote(worst.step)}"
    before = total.iloc[int(worst.k) - 2]
    return (
        f"The largest share is lost from {quote(before.step)} to {quote(worst.step)}: "
        f"{percent(1 - worst.step_rate)} of {number(before.reached)} users go no further"
    )


def say_unordered(measures: Measures, steps: pd.DataFrame) -> str:
    """Say how many did a step, but not as the definition asks; "" where there are none."""
    if measures.definition.order == "any":
        return ""
    total = _total(steps).set_index("step")["reached"]
    missed = [
        f"{number(measures.done[str(step)] - reached)} did {quote(str(step))}"
        for step, reached in total.items()
        if measures.done[str(step)] > reached
    ]
    if not missed:
        return ""
    return (
        "Not counted, because it was out of order, outside the window, before the start or ruled "
        f"out otherwise: {', '.join(missed)}."
    )


def say_change(measures: Measures, change: Change | None, *, level: float) -> str:
    """Say whether conversion moved since the span before, and whether it was the users or rates."""
    if change is None:
        few = f"fewer than {measures.min_users} users entered in one of the two spans"
        reason = measures.span.no_previous or few
        return f"Not compared with an earlier period: {reason}."
    total = {row.part: row for row in each_row(change.total)}
    whole, mix, rate = total["change"], total["mix"], total["rate"]
    interval = between(points(whole.ci_lower), points(whole.ci_upper), level=level)
    ends = f"from {percent(total['before'].value)} to {percent(total['now'].value)}"
    text = f"No clear change of conversion, {ends}: {points(whole.value)} {interval}."
    if change.verdict != "unclear":
        verb = "rose" if change.verdict == "higher" else "fell"
        text = f"Conversion {verb} {ends}: {points(whole.value)} {interval}."
    if len(change.segments) > 1:
        text += f" Mix of segments {points(mix.value)}, rates within them {points(rate.value)}."
        text += f" {paradox(change, level=level)}"
    return f"{text.strip()} {weekdays(measures.span)}".strip()


def weekdays(span: Span) -> str:
    """Warn where the two spans hold different weekdays; "" where they do not."""
    if span.has_whole_weeks:
        return ""
    days = f"{span.eligible_days:.3g} days"
    return f"The spans of {days} are no whole weeks: some of the change may be weekdays."


def paradox(change: Change, *, level: float) -> str:
    """Name Simpson's paradox where the whole moves one way and its segments the other; else ""."""
    total = {row.part: row for row in each_row(change.total)}
    rate, table = total["rate"], change.segments
    interval = between(points(rate.ci_lower), points(rate.ci_upper), level=level)
    inside = f"{points(rate.value)} {interval}"
    if change.verdict == "lower" and rate.ci_lower > 0:
        grew = quote(str(table.nsmallest(1, "mix")["segment"].iloc[0]))
        told = f"within segments conversion rose by {inside}, and the total still fell"
        paradoxical = (table["change"] > 0).all()
        advice = "Look at where users come from, not at the steps."
    elif change.verdict == "higher" and rate.ci_upper < 0:
        grew = quote(str(table.nlargest(1, "mix")["segment"].iloc[0]))
        told = f"within segments conversion fell by {inside}, and the total still rose"
        paradoxical = (table["change"] < 0).all()
        advice = "The gain hides a loss in the steps."
    else:
        return ""
    name = "This is Simpson's paradox" if paradoxical else "The mix outweighs the rates"
    return f"{name}: {told}, because the mix moved, above all with {grew}. {advice}"


def say_segments(compared: pd.DataFrame, *, by: Sequence[str]) -> str:
    """Say which segments differ from all others."""
    if compared.empty:
        return "There are not two segments to compare."
    higher = compared[compared["verdict"] == "higher"]
    lower = compared[compared["verdict"] == "lower"].iloc[::-1]
    name = " × ".join(by)
    if higher.empty and lower.empty:
        return f"No clear difference between the {len(compared)} segments by {name}."
    parts = [
        f"{_few(table, 'segment')} {'convert' if len(table) > 1 else 'converts'} {word} than the "
        "others"
        for table, word in ((higher, "better"), (lower, "worse"))
        if len(table)
    ]
    return f"By {name}: {'; '.join(parts)}."


def say_time(medians: pd.DataFrame, *, level: float) -> str:
    """Say how fast those who convert do."""
    if medians.empty or medians.iloc[0].converted == 0:
        return "Nobody has converted yet, so there is no time to convert"
    total = medians.iloc[0]
    if pd.isna(total.median_days):
        return (
            f"Too few have converted to say how long it takes ({number(total.converted)}), or "
            "nobody was followed to the end"
        )
    interval = between(span(total.ci_lower), span(total.ci_upper), level=level)
    horizon = f"within {total.horizon_days:.3g} days of the first start"
    return f"Half of those who convert {horizon} do so in {span(total.median_days)} {interval}"


def say_trend(definition: Definition, late: pd.DataFrame, *, level: float) -> str:
    """Say whether later entry weeks convert better than earlier ones."""
    if definition.window is None:
        return "No trend can be read without a window: earlier weeks have had longer to convert"
    if late.empty:
        return "Too few users in whole weeks to speak of a trend"
    row = late.iloc[0]
    interval = between(points(row.ci_lower), points(row.ci_upper), level=level)
    size = f"{points(row.difference)} {interval}, later against earlier half"
    if row.ci_lower <= 0 <= row.ci_upper:
        return f"No clear trend over the entry weeks: {size}"
    return f"Conversion goes {'up' if row.difference > 0 else 'down'} over the entry weeks: {size}"


def say_repair(
    measures: Measures, repairs: pd.DataFrame, gains: pd.DataFrame, *, level: float
) -> str:
    """Say which step is most worth repairing, and what that would bring."""
    if reason := too_little(measures):
        return reason
    days = f"{number(measures.span.eligible_days)} days"
    clear = repairs[repairs["clear"]] if len(repairs) else repairs
    if len(clear):
        top = clear.iloc[0]
        interval = between(number(top.extra_lower), number(top.extra_upper), level=level)
        ends = f"{number(top.worth_cny_lower)} to {number(top.worth_cny_upper)}"
        money = "" if pd.isna(top.worth_cny) else f", worth {yuan(top.worth_cny)} ({ends})"
        return (
            f"Test a repair of {quote(top.step)} for {quote(top.segment)} first: at the other "
            f"segments' rate ({percent(top.others_rate)} instead of {percent(top.step_rate)}) it "
            f"would add {number(top.extra)} conversions {interval} in {days}{money}"
        )
    if (gains["step_rate"] == 1).all():
        return "No step loses users, so there is none to repair"
    if not (gains["extra"] > 0).any():
        return "Nobody gets far enough to say what a better step would add"
    best = gains.nlargest(1, "extra").iloc[0]
    interval = between(number(best.extra_lower, 1), number(best.extra_upper, 1), level=level)
    behind = "No segment is clearly behind at any step; one" if len(repairs) else "One"
    return (
        f"{behind} point more at {quote(best.step)} would add most: {number(best.extra, 1)} "
        f"conversions {interval} in {days}"
    )


def say_definitions(definitions: pd.DataFrame) -> str:
    """Say how far the answer depends on the definition."""
    rates = definitions["rate"].dropna()
    if rates.empty:
        return "No definition has users who can be judged."
    asked = definitions.loc[definitions["asked"], "rate"].iloc[0]
    if pd.isna(asked):
        return "Under the definition asked for too few users can be judged"
    if percent(rates.min()) == percent(rates.max()):
        return f"The answer {percent(asked)} is the same under {len(rates)} defensible definitions"
    return (
        f"The answer {percent(asked)} lies between {percent(rates.min())} and "
        f"{percent(rates.max())} under {len(rates)} defensible definitions"
    )


def say_ties(measures: Measures) -> str:
    """Say how many rows have no order of their own, so that the rule for ties matters."""
    return (
        f"{percent(measures.tied_share)} of the rows of steps stand at the instant of another one "
        "of the same user: their order is not known"
    )


def say_placebo(halves: pd.DataFrame, *, level: float) -> str:
    """Read the placebo."""
    if halves.empty:
        return "No placebo: times are not finer than a minute, or there are too few users"
    row = halves.iloc[0]
    interval = between(points(row.ci_lower), points(row.ci_upper), level=level)
    size = f"{points(row.difference)} {interval}"
    if row.p <= 1 - level:
        return (
            f"Warning: users who started in the first half of a minute differ from the others: "
            f"{size}; one in {round(1 / (1 - level))} such comparisons does by chance, but look at "
            "the data before you trust the rest"
        )
    return f"As expected, no difference is seen between the halves of a minute: {size}"


def _total(steps: pd.DataFrame) -> pd.DataFrame:
    return steps[steps["segment"] == EVERYONE]


def _few(table: pd.DataFrame, column: str) -> str:
    names = [f"{quote(name)}" for name in table[column]]
    shown = names[:3]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def as_of_text(measures: Measures) -> str:
    """Write the last complete day."""
    last = (measures.span.as_of_end - INSTANT).astimezone(measures.tz)
    return day(last.date())
