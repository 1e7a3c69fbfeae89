"""Compare people who had an offer before the draw with fresh ones of the same arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.best import compare_shares_with_best
from siyu.stats.intervals import wilson
from siyu.stats.mantel_haenszel import pooled_ratio
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio import find_suspect

KINDS = ("seen", "another")
FEWEST_CONVERTED = 5
WEEK_DAYS = 7
_DIGITS = 3
"""Of shares, where more would tell how few the people are who are not among them."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """What an offer before the draw does to conversion, and how arms do among the fresh.

    ratios: one row per `kind` of those who are not fresh: "seen" (exposed, or drawn for another
        lure, before this draw), and of these "another" (drawn for another lure): `n`, the share
        `converted` of them and the share `expected` (of fresh people of the same arm, channel and
        week), the `ratio` of the two (Mantel and Haenszel) with its interval, and `refused` ("few"
        people, "none" at all, "rare": fewer than five conversions in a group, "").
    arms: one row per arm among the fresh: `arm`, `n` (missing where the others of the arm are few),
        `conversion` with an interval, and `is_candidate`: not clearly worse than the best, of the
        fresh, and `is_candidate_all`, of all. Intervals hold for all arms at once.
    n: people followed for `days`. fresh: of them. immature: not followed so long.
    refused: as of the experiment, or "ratio" (arms not as large as planned), "immature" (nobody
        followed so long), "few" (fresh people in an arm), "".
    """

    ratios: pd.DataFrame
    arms: pd.DataFrame
    days: int
    n: int
    fresh: int
    immature: int
    refused: str


def compare_before(experiment: Experiment, *, level: float) -> Before:
    """Compare who had an offer before the draw with who had none, within arm, channel and week.

    Arms were drawn by lot, so a fresh and an earlier person of one arm were offered the same; but
    who had an offer before was not drawn: whoever could be won at once was won, and is not in it.

    Args:
        experiment: from `find_experiment`.
        level: coverage of the intervals of a table together, between 0 and 1.
    """
    days = experiment.definition.conversion_days
    refused = experiment.refused or ("ratio" if find_suspect(experiment) else "")
    people = experiment.people.iloc[:0] if refused else experiment.followed(days)
    if not refused:
        refused = "" if len(people) else "immature"
    table = people.assign(another=False, seen=False, week=0)
    if not refused:
        another = people["offered_before"].to_numpy()
        seen = another | (people["exposures_before"] > 0).to_numpy()
        table = people.assign(another=another, seen=seen, week=people["day"] // WEEK_DAYS)
        sizes = experiment.count(table[~table["seen"]])
        refused = "few" if sizes.min() < experiment.min_users else ""
    ratios, arms = pd.DataFrame(), pd.DataFrame()
    if not refused:
        ratios, arms = _ratios(experiment, table, level), _arms(experiment, table, level)
    return Before(
        ratios=ratios,
        arms=arms,
        days=days,
        n=len(people),
        fresh=int((~table["seen"]).sum()),
        immature=0 if experiment.refused else len(experiment.people) - len(people),
        refused=refused,
    )


def _ratios(experiment: Experiment, table: pd.DataFrame, level: float) -> pd.DataFrame:
    fresh = table[~table["seen"]]
    joint = bonferroni_level(level, len(KINDS))
    left = len(table[table["seen"] & ~table["another"]])
    rows = []
    for kind in KINDS:
        own = table[table[kind]]
        hidden = kind == "another" and 0 < left < experiment.min_users
        if not len(own):
            rows.append({"kind": kind, "n": 0, "refused": "none"})
        elif len(own) < experiment.min_users or hidden:
            rows.append({"kind": kind, "n": np.nan, "refused": "few"})
        else:
            rows.append({"kind": kind, **_ratio(own, fresh, joint)})
    columns = ["kind", "n", "converted", "expected", "ratio", "ci_lower", "ci_upper", "refused"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _ratio(own: pd.DataFrame, fresh: pd.DataFrame, level: float) -> dict[str, Any]:
    strata = ["arm", "channel", "week"]
    sides = [
        side.groupby(strata)["converted"].agg(["sum", "size"]).add_suffix(f"_{name}")
        for name, side in (("own", own), ("fresh", fresh))
    ]
    both = sides[0].join(sides[1], how="inner")  # a stratum of one kind compares nobody
    n = int(both["size_own"].sum())
    if min(both["sum_own"].sum(), both["sum_fresh"].sum()) < FEWEST_CONVERTED:
        return {"n": len(own), "refused": "rare"}
    counts = (both[name] for name in ("sum_own", "size_own", "sum_fresh", "size_fresh"))
    ratio, lower, upper = pooled_ratio(*counts, level=level)
    expected = (both["size_own"] * both["sum_fresh"] / both["size_fresh"]).sum() / n
    return {
        "n": n,
        "converted": both["sum_own"].sum() / n,
        "expected": expected,
        "ratio": ratio,
        "ci_lower": lower,
        "ci_upper": upper,
        "refused": "",
    }


def _arms(experiment: Experiment, table: pd.DataFrame, level: float) -> pd.DataFrame:
    sides = [table[~table["seen"]], table]
    sizes = [experiment.count(side) for side in sides]
    counts = [experiment.count(side[side["converted"]]) for side in sides]
    best = [
        compare_shares_with_best(*one, level=level)["is_candidate"]
        for one in zip(counts, sizes, strict=True)
    ]
    lower, upper = wilson(counts[0], sizes[0], level=level ** (1 / len(experiment.arms)))
    others = sizes[1] - sizes[0]
    told = (others == 0) | (others >= experiment.min_users)
    rounded = [
        np.where(told, values, np.round(values, _DIGITS))
        for values in (counts[0] / sizes[0], lower, upper)
    ]
    return pd.DataFrame(
        {
            "arm": experiment.arms,
            "n": np.where(told, sizes[0], np.nan),
            **dict(zip(("conversion", "ci_lower", "ci_upper"), rounded, strict=True)),
            "is_candidate": best[0],
            "is_candidate_all": best[1],
        }
    )
