"""Estimate what media, copies and kinds of content bring per sent push, beside crude rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu.stats.multiplicity import holm
from siyu.stats.shrinkage import design_effect, shrink
from siyu.studies.naming import UNKNOWN
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.message.measures import OTHER, Measures
from siyu.studies.push_timing.message.within import compare

STANDARD = "one_to_one"
"""The medium that the others are compared with, where it is there."""
WHEN = ("hour", "weekday", "month")
_COMPARED = (
    "adjusted_rate",
    "rate_lower",
    "rate_upper",
    "difference",
    "ci_lower",
    "ci_upper",
    "ratio",
    "ratio_lower",
    "ratio_upper",
    "p",
    "refused",
)
_CRUDE = [
    *("answer_rate", "crude_lower", "crude_upper", "unsent_share", "open_rate", "answer_of_opened")
]


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What was sent, and what it brought.

    media: one row per medium, the one compared with first: `medium`, `n_planned`, `n_sent`,
        `unsent_share`, `answer_rate` (crude, with `crude_lower` and `crude_upper`, clustered by
        user), and by comparison within users `adjusted_rate`, `difference` and `ratio` to the
        first with intervals, `p_holm`, `verdict` ("higher", "lower", "unclear"; "" for the first
        and where refused) and `refused`: all rates are NaN for fewer than `min_users` users; with
        `net_cny` per sent push, its interval, and `cost_cny`, where worth and cost are known.
    copies: the same per `copy`, without money; `open_rate` and `answer_of_opened` describe only:
        who opens is chosen by the copy.
    kinds: the same per mark: `kind`, first all other content (""), then that with the mark.
    contents: one row per `segment` and `content`: `n_sent`, `answer_rate` shrunk within the
        segment, with its interval; NaN for fewer than `min_users` users.
    value_per_answer_cny: what a click (an order) is worth, in yuan; None: not valued.
    """

    media: pd.DataFrame
    copies: pd.DataFrame
    kinds: Mapping[str, pd.DataFrame]
    contents: pd.DataFrame
    value_per_answer_cny: float | None

    @property
    def named(self) -> pd.DataFrame:
        """The contents that have a name and a rate."""
        told = self.contents.dropna(subset="answer_rate")
        return told[~told["content"].isin([UNKNOWN, OTHER])]


def effects(
    measures: Measures,
    *,
    level: float,
    value_per_answer_cny: float | None = None,
    medium_cost_cny: Mapping[str, float] | None = None,
) -> Effects:
    """Compare media, copies and kinds of content per sent push, within users.

    What the same user was sent otherwise is compared, adjusted for planned hour, weekday and month
    and for what else was sent; never per opened push, since what changes who opens also changes how
    willing those are to click.

    Args:
        measures: counts and rows.
        level: coverage of each interval, between 0 and 1; verdicts are by Holm over the media, and
            over the copies.
        value_per_answer_cny: what a click (an order) is worth, in yuan; None: not valued.
        medium_cost_cny: what a push by each medium costs, in yuan; None: not known.

    Raises:
        PushError: a worth or a cost is below 0, or a cost is of a medium that is not there.
    """
    costs = dict(medium_cost_cny or {})
    _check(measures, value_per_answer_cny, costs)
    own = ("content", "copy", "medium")
    media = _compared(measures, "medium", own, reference=_standard(measures), level=level)
    media = _valued(media, value_per_answer_cny, costs)
    copies = _compared(measures, "copy", own, reference=_first_copy(measures), level=level)
    return Effects(
        media=media,
        copies=copies,
        kinds={mark: _kind(measures, mark, level=level) for mark in measures.marks},
        contents=_contents(measures, level=level),
        value_per_answer_cny=value_per_answer_cny,
    )


def _check(measures: Measures, value: float | None, costs: Mapping[str, float]) -> None:
    if value is not None and not value >= 0:
        raise PushError(
            f"value_per_answer_cny = {value} must be at least 0; leave it out if unknown"
        )
    there = set(measures.counts["medium"])
    for medium, cost in costs.items():
        if medium not in there:
            known = ", ".join(sorted(there))
            raise PushError(f"medium_cost_cny: there is no medium {medium!r}; use {known}")
        if not cost >= 0:
            raise PushError(f"medium_cost_cny: {medium} = {cost} must be at least 0")


def _standard(measures: Measures) -> str:
    sent = measures.counts.groupby("medium")["n_sent"].sum()
    return STANDARD if sent.get(STANDARD, 0) else str(sent.idxmax() if len(sent) else STANDARD)


def _first_copy(measures: Measures) -> str:
    named = sorted(set(measures.rows["copy"]) - {UNKNOWN, OTHER})
    return named[0] if named else UNKNOWN


def _compared(
    measures: Measures, column: str, own: Sequence[str], *, reference: str, level: float
) -> pd.DataFrame:
    """Lay crude rates and those compared within users beside each other, the reference first."""
    told = _crude(measures.counts, measures.rows, column, level=level)
    controls = [*WHEN, *(name for name in own if name != column)]
    found = compare(
        measures.rows, column, reference=reference, controls=controls, level=level
    ).set_index("level")
    told = told.join(found[list(_COMPARED)], on=column)
    told["refused"] = told["refused"].fillna("few")
    # Of a level of few users nothing is shown, and of the first, with which all are compared, not
    # even differences.
    hidden = told["n_users"] < measures.min_users
    told.loc[hidden, _CRUDE] = np.nan
    unread = hidden | bool(hidden[told[column] == reference].any())
    told.loc[unread, [*_COMPARED]] = np.nan
    told.loc[unread, "refused"] = "few"
    told["p_holm"] = holm(told.pop("p"))
    clear = told["p_holm"] <= 1 - level
    told["verdict"] = np.select(
        [
            (told["refused"] != "") | (told[column] == reference),
            clear & (told["difference"] > 0),
            clear,
        ],
        ["", "higher", "lower"],
        "unclear",
    )
    told["is_other"] = told[column] != reference
    told = told.sort_values(["is_other", "adjusted_rate"], ascending=[True, False])
    return told.drop(columns=["is_other", "n_users"]).reset_index(drop=True)


def _crude(counts: pd.DataFrame, rows: pd.DataFrame, column: str, *, level: float) -> pd.DataFrame:
    """Give rates as they are, clustered by user."""
    numbers = ["n_planned", "n_sent", "answered", "opened", "opened_answered"]
    told = counts.groupby(column, as_index=False)[numbers].sum()
    told = told[told["n_sent"] > 0].reset_index(drop=True)
    told["n_users"] = told[column].map(rows.groupby(column)["user"].nunique()).fillna(0)
    told["unsent_share"] = 1 - told["n_sent"] / told["n_planned"]
    found = [
        shrink([answered], [n], level=level, deff=_alike(rows[rows[column] == one]))
        for one, n, answered in zip(told[column], told["n_sent"], told["answered"], strict=True)
    ]
    for name, field in (
        ("answer_rate", "rate"),
        ("crude_lower", "ci_lower"),
        ("crude_upper", "ci_upper"),
    ):
        told[name] = [float(getattr(one, field)[0]) for one in found]
    told["open_rate"] = told["opened"] / told["n_sent"]
    told["answer_of_opened"] = told["opened_answered"] / told["opened"].where(told["opened"] > 0)
    return told.drop(columns=["answered", "opened", "opened_answered"])


def _alike(rows: pd.DataFrame) -> float:
    own = rows.groupby("user")["answered"].agg(["sum", "size"])
    return design_effect(own["sum"], own["size"], np.zeros(len(own), dtype=int))


def _valued(media: pd.DataFrame, value: float | None, costs: Mapping[str, float]) -> pd.DataFrame:
    """Add what a push by each medium brings, less what it costs, where both are known."""
    media["cost_cny"] = media["medium"].map(costs).astype(float)
    worth = np.nan if value is None else value
    for name, rate in (
        ("net_cny", "adjusted_rate"),
        ("net_lower", "rate_lower"),
        ("net_upper", "rate_upper"),
    ):
        media[name] = worth * media[rate] - media["cost_cny"]
    return media


def _kind(measures: Measures, mark: str, *, level: float) -> pd.DataFrame:
    """Compare content with a mark in its name with all other; the hour may be tied to either."""

    def marked(table: pd.DataFrame) -> pd.DataFrame:
        found = table["content"].str.contains(mark, regex=False)
        return table.assign(kind=np.where(found, mark, ""))

    both = Measures(
        **{name: getattr(measures, name) for name in Measures.__dataclass_fields__}
        | {"counts": marked(measures.counts), "rows": marked(measures.rows)}
    )
    return _compared(both, "kind", ("copy", "medium"), reference="", level=level)


def _contents(measures: Measures, *, level: float) -> pd.DataFrame:
    """Shrink the rate of each content within its segment."""
    keys = ["segment", "content"]
    total = measures.counts.groupby(keys, as_index=False)[["n_sent", "answered"]].sum()
    total = total[total["n_sent"] > 0]
    users = measures.rows.groupby(keys)["user"].nunique().rename("n_users")
    total = total.join(users, on=keys)
    parts = []
    for name in measures.segments:
        own = total[total["segment"] == name]
        if own.empty:
            continue
        rows = measures.rows[measures.rows["segment"] == name]
        alike = rows.groupby(["content", "user"])["answered"].agg(["sum", "size"]).reset_index()
        cell = alike.groupby("content").ngroup()
        deff = design_effect(alike["sum"], alike["size"], cell)
        found = shrink(own["answered"], own["n_sent"], level=level, deff=deff)
        shown = own["n_users"].to_numpy() >= measures.min_users
        parts.append(
            pd.DataFrame(
                {
                    "segment": name,
                    "content": own["content"],
                    "n_sent": own["n_sent"].where(shown),
                    "answer_rate": np.where(shown, found.rate, np.nan),
                    "ci_lower": np.where(shown, found.ci_lower, np.nan),
                    "ci_upper": np.where(shown, found.ci_upper, np.nan),
                }
            ).sort_values("answer_rate", ascending=False)
        )
    columns = ["segment", "content", "n_sent", "answer_rate", "ci_lower", "ci_upper"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
