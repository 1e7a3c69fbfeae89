"""Estimate who moved between segments from an earlier day to now, by one and the same yardstick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

from siyu.stats.checks import normal_quantile
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.naming import SMALL, large
from siyu.studies.tiers.rfm.estimate import IDLE, buyers_of, refuse
from siyu.studies.tiers.rfm.measure import BEFORE, NOW, Measures
from siyu.studies.tiers.rfm.rule import ABSENT, GROUPS, INACTIVE, NEVER, SEGMENTS, STATES

_MOST_HIDDEN = 0.05
"""Of those on one of the two days; beyond, the matrix is told by groups of segments."""


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Who was in which segment then, and is in which now, by the cut points of then.

    cells: one row per `before` and `now` (segments, or `rule.GROUPS` of them; "idle": a member
        without a purchase in the period; "absent": no member): `n` and, of those `before`, the
        `share` with its interval, all missing where so few moved that they could be known.
    in_groups: whether cells are told by groups, since most who moved by segments could not be told.
    flows: one row per segment: `n_before`, `n_now`, `moved_in`, `moved_out`, `net` (people) with
        its interval, `p`, `p_holm` and `verdict` ("up", "down", "unclear"); `stayed`: the share of
        those of then who are in it now, `came_from`: the share of those of now who were in it then,
        both with intervals.
    n: people who were members on one of the two days. level: with which the intervals of flows hold
        together; joint_level: of each of them.
    refused: as of `Segments`, "none" (nothing compared), "unseen" (the earlier period begins before
        the log), "few_before" (buyers), or "".
    """

    cells: pd.DataFrame
    in_groups: bool
    flows: pd.DataFrame
    n: int
    level: float
    joint_level: float
    refused: str


def move(measures: Measures, *, level: float) -> Moves:
    """Tell who moved between segments, and what is left over of it.

    Both days are told by the cut points of the earlier one: by its own ranks each day has its fifth
    of latest buyers, so that nothing would ever seem to change. Net flows count people who move
    each for themselves (Poisson); they are judged by the exact test of as many in as out, by Holm.

    Args:
        measures: the members.
        level: coverage: of the cells of a row together, and of the net flows together.
    """
    refused = refuse(measures)
    if not refused and measures.earlier is None:
        refused = "none"
    elif not refused and measures.unseen:
        refused = "unseen"
    elif not refused and len(buyers_of(measures, BEFORE)) < measures.min_users:
        refused = "few_before"
    if refused:
        return Moves(
            cells=pd.DataFrame(),
            in_groups=False,
            flows=pd.DataFrame(),
            n=0,
            level=level,
            joint_level=level,
            refused=refused,
        )
    counts = _count(measures, SEGMENTS)
    hidden = hide_few(counts.to_numpy(), min_users=measures.min_users)
    shown = [name for name in counts.index if name in SEGMENTS]
    joint = bonferroni_level(level, max(len(shown), 1))
    flows = pd.DataFrame(
        [_flow(counts, hidden, at, joint) for at in range(len(shown))], columns=_FLOWS
    )
    flows["p_holm"] = holm(flows["p"])
    side = np.where(flows["net"] > 0, "up", "down")
    flows["verdict"] = np.where(flows["p_holm"] <= 1 - level, side, "unclear")
    n = counts.to_numpy()
    in_groups = n[hidden].sum() > _MOST_HIDDEN * n.sum()
    if in_groups:
        counts = _count(measures, tuple(GROUPS))
        hidden = hide_few(counts.to_numpy(), min_users=measures.min_users)
    return Moves(
        cells=_cells(counts, hidden, level),
        in_groups=bool(in_groups),
        flows=flows,
        n=int(n.sum()),
        level=level,
        joint_level=joint,
        refused="",
    )


_FLOWS = [
    "segment",
    "n_before",
    "n_now",
    "moved_in",
    "moved_out",
    "net",
    "ci_lower",
    "ci_upper",
    "p",
    *(f"{name}{end}" for name in ("stayed", "came_from") for end in ("", "_lower", "_upper")),
]


def hide_few(counts: NDArray[np.int64], *, min_users: int) -> NDArray[np.bool_]:
    """Choose the cells of a table not to be shown, so that no few people can be known from it.

    Cells of fewer than `min_users`, and the next smallest of a row or column from which those could
    be had by subtraction. Nobody is no group.

    Args:
        counts: people per cell.
        min_users: smallest group that may be told.
    """
    hidden = (counts > 0) & (counts < min_users)
    while True:
        before = hidden.sum()
        for lines, marks in ((counts, hidden), (counts.T, hidden.T)):
            for line, mark in zip(lines, marks, strict=True):
                rest = np.where(~mark & (line > 0), line, np.iinfo(np.int64).max)
                if 0 < line[mark].sum() < min_users and (~mark & (line > 0)).any():
                    mark[rest.argmin()] = True
        if hidden.sum() == before:
            return hidden


def _count(measures: Measures, names: tuple[str, ...]) -> pd.DataFrame:
    """Count people by where they were (rows) and are (columns); small segments share a name."""
    buyers, others = measures.buyers, measures.others
    people = pd.concat(
        [
            pd.DataFrame(
                {"before": buyers[f"state_{BEFORE}"], "now": buyers["state_fixed"], "n": 1}
            ),
            others.rename(columns={f"state_{time}": time for time in (BEFORE, NOW)}),
        ]
    )
    merged = np.array([_merge(name, names) for name in STATES], object)
    for time in (BEFORE, NOW):
        people[time] = merged[people[time]]
    people = people[(people[BEFORE] != ABSENT) | (people[NOW] != ABSENT)]
    sizes = pd.DataFrame({time: people.groupby(time)["n"].sum() for time in (BEFORE, NOW)})
    sizes = sizes.reindex(names).fillna(0)
    sizes = sizes[sizes.sum(axis=1) > 0]
    # Within each group, whose sizes may be told as well.
    group = [_merge(name, tuple(GROUPS)) for name in sizes.index]
    kept = {
        name
        for _, own in sizes.groupby(np.array(group, object))
        for name in large(own, min_users=measures.min_users)
    }
    for time in (BEFORE, NOW):
        is_small = people[time].isin(names) & ~people[time].isin(kept)
        people[time] = people[time].mask(is_small, SMALL)
    shown = [name for name in names if name in kept]
    shown += [SMALL] * bool((people[[BEFORE, NOW]] == SMALL).to_numpy().any()) + [IDLE, ABSENT]
    counts = people.pivot_table("n", BEFORE, NOW, aggfunc="sum", fill_value=0)
    return counts.reindex(index=shown, columns=shown, fill_value=0).astype("int64")


def _merge(state: str, names: tuple[str, ...]) -> str:
    """Give the name under which a state is told."""
    if state in (INACTIVE, NEVER):
        return IDLE
    if state == ABSENT or state in (*names, *GROUPS):
        return state
    return next(group for group, of in GROUPS.items() if state in of)


def _cells(counts: pd.DataFrame, hidden: NDArray[np.bool_], level: float) -> pd.DataFrame:
    """Give each cell as a share of its row; the intervals of a row hold together."""
    n, of = counts.to_numpy(), counts.sum(axis=1).to_numpy()[:, None]
    lower, upper = wilson(n, of + 0 * n, level=bonferroni_level(level, len(counts)))
    with np.errstate(invalid="ignore"):
        share = n / of
    cells = pd.DataFrame(
        {
            "before": np.repeat(counts.index, len(counts)),
            "now": np.tile(counts.columns, len(counts)),
            "n": n.ravel().astype(float),
            "share": share.ravel(),
            "ci_lower": lower.ravel(),
            "ci_upper": upper.ravel(),
        }
    )
    cells.loc[hidden.ravel(), ["n", "share", "ci_lower", "ci_upper"]] = np.nan
    return cells[(cells["before"] != ABSENT) | (cells["now"] != ABSENT)].reset_index(drop=True)


def _flow(counts: pd.DataFrame, hidden: NDArray[np.bool_], at: int, level: float) -> dict[str, Any]:
    n_before, n_now = int(counts.iloc[at].sum()), int(counts.iloc[:, at].sum())
    # Where those who stayed are too few to be told, nobody counts as staying: a wider interval.
    told = not hidden[at, at]
    stayed = int(counts.to_numpy()[at, at]) if told else 0
    moved_in, moved_out = n_now - stayed, n_before - stayed
    half = normal_quantile(level) * np.sqrt(moved_in + moved_out)
    net = n_now - n_before
    row: dict[str, Any] = {
        "segment": counts.index[at],
        "n_before": n_before,
        "n_now": n_now,
        "net": net,
    }
    row |= {"ci_lower": net - half, "ci_upper": net + half}
    moved = moved_in + moved_out
    row["p"] = float(binomtest(moved_in, moved).pvalue) if moved else 1.0
    if told:
        row |= {"moved_in": moved_in, "moved_out": moved_out}
        for kind, of in (("stayed", n_before), ("came_from", n_now)):
            lower, upper = wilson(stayed, of, level=level)
            row |= {kind: stayed / of if of else np.nan}
            row |= {f"{kind}_lower": float(lower), f"{kind}_upper": float(upper)}
    return row
