"""Say which step is most worth repairing: what a better rate there would add in conversions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.stats.intervals import difference_pvalue, multinomial_delta, newcombe_difference
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.rates import (
    FloatArray,
    at_least,
    exactly,
    ratio,
    reached_by_segment,
    step_rates,
)
from siyu.studies.funnel.spans import Span
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.orders import shape_orders


def order_value(pool: Source, definition: Definition, span: Span) -> float | None:
    """Give what an order of the period earned: its margin, or else its amount less the refund.

    Args:
        pool: the source.
        definition: the funnel.
        span: of `Measures`; orders paid from its entry_from on count.

    Returns:
        Mean in yuan per order; None where the last step is no order, or no order was paid.
    """
    if "order" not in definition.names[-1] or not pool.has("orders"):
        return None
    orders = shape_orders(pool)
    paid = orders.filter(orders.paid_at >= span.entry_from)
    found = paid.agg(n=paid.count(), earned_cny=paid.earned_cny.sum()).to_pandas().iloc[0]
    # An engine adds in any order, and what is beyond the fen tells only that.
    return round(float(found.earned_cny), 2) / int(found.n) if found.n else None


def repair(measures: Measures, *, level: float, value_cny: float | None = None) -> pd.DataFrame:
    """Say what bringing a segment's step up to the other segments' rate would add in conversions.

    Extra conversions = users at the step before x (the others' step rate - its own) x its own rates
    of the steps that follow. It describes; whether the gap can be closed is for an experiment to
    say.

    Args:
        measures: the reduced tables.
        level: joint coverage of all intervals together, between 0 and 1.
        value_cny: what one conversion is worth, in yuan, taken as known; None: not valued.

    Returns:
        One row per segment and step (from the second), most extra conversions first: `segment`,
        `step`, `at_step` (users at the step before), `step_rate`, `others_rate`, `gap` (others less
        own) and `extra` conversions per span, both with simultaneous intervals, `p_holm` of the
        gap, `clear` (behind by Holm, and extra clearly above zero), and `worth_cny` of extra with
        its interval. Empty with fewer than two segments.
    """
    reached = reached_by_segment(measures)
    everyone = reached.pop(EVERYONE)
    reached.pop(SMALL, None)
    if len(reached) < 2:
        return pd.DataFrame()
    joint = bonferroni_level(level, len(reached) * (len(everyone) - 1))
    rows = []
    for own in reached.values():
        others = everyone - own
        pair = (others[1:], others[:-1], own[1:], own[:-1])
        gap, lower, upper = newcombe_difference(*pair, level=joint)
        cells = np.concatenate([exactly(own), exactly(others)])
        extra, extra_lower, extra_upper = multinomial_delta(_extra, cells, level=joint)
        rows.append(
            {
                "step": measures.definition.labels[1:],
                "at_step": own[:-1],
                "step_rate": ratio(own[1:], own[:-1]),
                "others_rate": ratio(others[1:], others[:-1]),
                "gap": gap,
                "gap_lower": lower,
                "gap_upper": upper,
                "p": difference_pvalue(*pair),
                "extra": extra,
                "extra_lower": extra_lower,
                "extra_upper": extra_upper,
            }
        )
    columns = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    table = pd.DataFrame({"segment": np.repeat(list(reached), len(everyone) - 1), **columns})
    table["p_holm"] = holm(table.pop("p"))
    behind = (table["gap"] > 0) & (table["p_holm"] <= 1 - level)
    table["clear"] = behind & (table["extra_lower"] > 0)
    for end in ("", "_lower", "_upper"):
        table[f"worth_cny{end}"] = table[f"extra{end}"] * (
            np.nan if value_cny is None else value_cny
        )
    return table.sort_values("extra", ascending=False, ignore_index=True)


def per_point(measures: Measures, *, level: float) -> pd.DataFrame:
    """Say what one percentage point more at each step would add in conversions, all else as it is.

    Where less than a point is lost, what is lost counts.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per step (from the second): `step`, `at_step` (users at the step before),
        `step_rate`, `extra` conversions per span with an interval (counts taken as Poisson).
    """
    reached = reached_by_segment(measures)[EVERYONE]

    def gain(cells: FloatArray) -> FloatArray:
        upto = at_least(cells)
        point = np.minimum(0.01, 1 - step_rates(upto))
        return np.asarray(point * upto[..., :-1] * _downstream(upto))

    value, lower, upper = multinomial_delta(gain, exactly(reached), level=level)
    return pd.DataFrame(
        {
            "step": measures.definition.labels[1:],
            "at_step": reached[:-1],
            "step_rate": ratio(reached[1:], reached[:-1]),
            "extra": value,
            "extra_lower": lower,
            "extra_upper": upper,
        }
    )


def _extra(cells: FloatArray) -> FloatArray:
    own, others = (at_least(part) for part in np.split(cells, 2, axis=-1))
    gap = step_rates(others) - step_rates(own)
    # Where none of its own reached the step, those who would now are taken to go on as the others.
    downstream = np.where(own[..., 1:] > 0, _downstream(own), _downstream(others))
    return np.asarray(own[..., :-1] * gap * downstream)


def _downstream(reached: FloatArray) -> FloatArray:
    """Give the chance to convert from each step (from the second) on."""
    onward = ratio(reached[..., -1:], reached[..., 1:])
    onward[..., -1] = 1  # who reached the last step has converted
    return onward
