"""Say who the buyers are, who moved, and how unevenly they bring what they bring."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import number, paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import SMALL
from siyu.studies.tables import each_row
from siyu.studies.tiers.rfm.estimate import FEWEST, Concentration, Segments
from siyu.studies.tiers.rfm.measure import Measures
from siyu.studies.tiers.rfm.moves import Moves
from siyu.studies.tiers.rfm.rule import NEVER, SEGMENTS

WAKE = ("at_risk", "dormant", "lost")
"""Segments that an offer may win back."""
_ENDS = {"value": "", "lower": "_lower", "upper": "_upper"}
_STAYED = ["stayed", "came_from"]


def segment_name(name: str) -> str:
    """Give the reader's name of a segment, or of a group of them."""
    return phrase(f"tiers.rfm.segment.{'small' if name == SMALL else name}")


def say_rule() -> str:
    """Say how the table of the rule is to be read."""
    return phrase("tiers.rfm.rule.caption")


def refusal(measures: Measures, reason: str) -> str:
    """Say why buyers, or their moves, cannot be told."""
    observed = (measures.as_of - measures.begins).days + 1
    compared = (measures.as_of - measures.earlier).days if measures.earlier else 0
    if reason == "unseen" and observed <= compared:
        reason = "unseen_at_all"
    time = "before" if reason == "few_before" else "now"
    states = measures.buyers.get(f"state_{time}", pd.Series(dtype=int))
    return phrase(
        f"tiers.rfm.refused.{reason}",
        first=measures.first,
        day=measures.as_of,
        n=int((states < len(SEGMENTS)).sum()),
        least=measures.min_users,
        begins=measures.begins,
        unseen=measures.unseen,
        most=observed - compared,
    )


def say_headline(measures: Measures, found: Segments) -> str:
    """Say which segment brings most of the margin; or why none can be told."""
    if found.refused:
        return refusal(measures, found.refused)
    of = "margin" if found.of_margin else "amount"
    told = found.table[found.table["segment"].isin(SEGMENTS)]
    if told.empty:
        return refusal(measures, "few")
    row = max(each_row(told), key=lambda row: float(getattr(row, f"{of}_share")))
    return phrase(
        f"tiers.rfm.headline.{of}",
        name=segment_name(row.segment),
        share=row.n / found.n_buyers,
        **{key: getattr(row, f"{of}_share{end}") for key, end in _ENDS.items()},
        level=found.level,
    )


def say_segments(measures: Measures, found: Segments) -> str:
    """Say who is counted and who is not, and what the names mean."""
    if found.refused:
        return refusal(measures, found.refused)
    n = found.table.set_index("segment")["n"]
    said = [
        phrase(
            "tiers.rfm.counted",
            members=found.n_members,
            day=measures.as_of,
            buyers=found.n_buyers,
            first=measures.first,
            amount=found.amount,
            margin=found.margin,
        ),
    ]
    if NEVER in n:
        share = n[NEVER] / found.n_members
        said.append(phrase("tiers.rfm.never", n=n[NEVER], share=share, begins=measures.begins))
    if measures.n_gone >= measures.min_users:
        said.append(phrase("tiers.rfm.gone", n=measures.n_gone, margin=measures.margin_gone))
    if not measures.has_margin:
        said.append(phrase("tiers.rfm.amounts"))
    if not found.of_margin:
        said.append(phrase("tiers.rfm.no_margin"))
    names = paragraph(phrase("tiers.rfm.relative"), _say_new(measures, n))
    return paragraphs(paragraph(*said), names)


def _say_new(measures: Measures, n: pd.Series) -> str:
    if not measures.new_days:
        return phrase("tiers.rfm.no_new")
    if "new" not in n:
        return ""
    unsure, least = measures.n_unsure, measures.min_users
    told = min(unsure, n["new"] - unsure) >= least or unsure == n["new"]
    return phrase(
        f"tiers.rfm.new_buyers.{'none' if not unsure else 'told' if told else 'some'}",
        days=measures.new_days,
        n=n["new"],
        unsure=measures.n_unsure,
        begins=measures.begins,
    )


def say_stakes(found: Segments) -> str:
    """Say what is at stake in each segment that may be won back, and when an offer pays."""
    rows = each_row(found.table[found.table["segment"].isin(WAKE)])
    return paragraphs(*(_say_stake(found, row) for row in rows))


def _say_stake(found: Segments, row: Any) -> str:
    pays = row.break_even < 1
    return phrase(
        f"tiers.rfm.stake.{'wake' if pays else 'never'}",
        name=segment_name(row.segment),
        n=row.n,
        stake=row.margin_cny,
        cost=found.offer_cost_cny,
        total=found.offer_cost_cny * row.n,
        share=row.break_even,
        mean=row.margin_mean,
        lower=row.margin_mean_lower,
        upper=row.margin_mean_upper,
        level=found.level,
    )


def say_verdict(measures: Measures, found: Moves) -> str:
    """Say in one sentence which segments grew and which shrank; or why it cannot be told."""
    if found.refused:
        return refusal(measures, found.refused)
    flows = found.flows
    up, down = (
        [segment_name(name) for name in flows.loc[flows["verdict"] == side, "segment"]]
        for side in ("up", "down")
    )
    outcome = {(True, True): "both", (True, False): "up", (False, True): "down"}
    key = outcome.get((bool(up), bool(down)), "unclear")
    return phrase(
        f"tiers.rfm.moves.{key}", up=up, down=down, earlier=measures.earlier, day=measures.as_of
    )


def say_moves(measures: Measures, found: Moves) -> str:
    """Say how many champions stayed, how both days are told, and what luck does."""
    if found.refused:
        return refusal(measures, found.refused)
    shared = (measures.as_of - measures.first).days + 1 - _apart(measures)
    return paragraph(
        _say_growth(measures),
        _say_champions(found),
        phrase("tiers.rfm.moves.yardstick"),
        phrase("tiers.rfm.moves.regression"),
        phrase("tiers.rfm.moves.overlap", days=shared) if shared > 0 else "",
    )


def _say_growth(measures: Measures) -> str:
    """Say that a pool that grows has more of everything; "" where it does not grow."""
    before, now = (
        int((measures.buyers[f"state_{time}"] < len(SEGMENTS)).sum()) for time in ("before", "now")
    )
    return phrase("tiers.rfm.moves.growth", before=before, now=now) if now > before else ""


def _say_champions(found: Moves) -> str:
    """Say how many champions stayed, and how many of those of now are new there."""
    flows = found.flows.set_index("segment")
    if "champions" not in flows.index or flows.loc["champions", _STAYED].isna().any():
        return ""
    row: Any = flows.loc["champions"]
    return phrase(
        "tiers.rfm.moves.stayed",
        n_before=row.n_before,
        stayed=row.stayed,
        stayed_lower=row.stayed_lower,
        stayed_upper=row.stayed_upper,
        n_now=row.n_now,
        came=row.came_from,
        came_lower=row.came_from_lower,
        came_upper=row.came_from_upper,
        level=found.level,
    )


def say_flow(measures: Measures, row: Any, *, level: float) -> str:
    """Say how many more or fewer members a segment has than on the earlier day."""
    return phrase(
        "tiers.rfm.moves.flow",
        name=segment_name(row.segment),
        n_before=row.n_before,
        n_now=row.n_now,
        earlier=measures.earlier,
        day=measures.as_of,
        net=signed_count(row.net),
        level=level,
        lower=signed_count(row.ci_lower),
        upper=signed_count(row.ci_upper),
    )


def say_top(measures: Measures, found: Concentration) -> str:
    """Say in one sentence what the best fifth brings; or why it cannot be told."""
    if found.refused == "few":
        states = measures.buyers["state_now"]
        n, least = int((states < len(SEGMENTS)).sum()), max(FEWEST, measures.min_users)
        return phrase("tiers.rfm.concentration.few", n=n, least=least)
    if found.refused:
        return refusal(measures, found.refused)
    row = row_of(found, "buyers", "top_20")
    return phrase(
        f"tiers.rfm.concentration.{'margin' if found.of_margin else 'amount'}",
        **_interval(row),
        level=found.level,
    )


def say_concentration(measures: Measures, found: Concentration) -> str:
    """Say what the best tenth bring, what the best bring of all, and whether that changed."""
    if found.refused:
        return say_top(measures, found)
    index, tenth = row_of(found, "buyers", "gini"), row_of(found, "buyers", "top_10")
    said = [
        phrase(
            "tiers.rfm.concentration.tenth",
            **_interval(tenth),
            gini=index.value,
            gini_lower=index.ci_lower,
            gini_upper=index.ci_upper,
            n=index.n,
        ),
    ]
    if (found.table["of"] == "members").any():
        row = row_of(found, "members", "top_20")
        said.append(phrase("tiers.rfm.concentration.members", n=row.n, **_interval(row)))
    return paragraph(*said, say_change(measures, found))


def say_gini(found: Concentration) -> str:
    """Say Gini's index of buyers."""
    row = row_of(found, "buyers", "gini")
    return phrase("tiers.rfm.concentration.gini", level=found.level, **_interval(row))


def say_change(measures: Measures, found: Concentration) -> str:
    """Say whether the best fifth brings another share than before; "" where nothing is compared."""
    if not (found.table["of"] == "change").any():
        return ""
    row = row_of(found, "change", "top_20")
    side = "up" if row.ci_lower > 0 else "down" if row.ci_upper < 0 else "unclear"
    return phrase(
        f"tiers.rfm.concentration.change.{side}",
        days=_apart(measures),
        level=found.level,
        **_interval(row),
    )


def row_of(found: Concentration, of: str, measure: str) -> Any:
    """Give a row of the table of concentration."""
    return found.table.set_index(["of", "measure"]).loc[(of, measure)]


def signed_count(count: float) -> str:
    """Write a number of people with its sign: +12."""
    return f"{'+' if round(count) > 0 else ''}{number(count)}"


def _interval(row: Any) -> dict[str, float]:
    return {"value": row.value, "lower": row.ci_lower, "upper": row.ci_upper}


def _apart(measures: Measures) -> int:
    return (measures.as_of - measures.earlier).days if measures.earlier else 0


def row_name(name: str, n: float) -> str:
    """Name a row of a figure."""
    label = segment_name(name)
    return phrase("tiers.rfm.figure.segments.row", name=label, n=n) if name != SMALL else label
