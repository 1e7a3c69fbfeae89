"""Say which strategy each tier should get, how sure that is, and whether one would do for all."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import clauses, paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.offer.choose import POWER
from siyu.studies.tiers.offer.compare import FEWEST
from siyu.studies.tiers.offer.estimate import Effects
from siyu.studies.tiers.offer.measure import Measures
from siyu.studies.tiers.offer.targeting import FEWEST_SCORED, Targeting

ALPHA = 0.05
"""Below it a difference between tiers is called one."""


def headline(measures: Measures, found: Effects) -> str:
    """Say for the strategy that is told most where it pays and where not, and if tiers differ."""
    if found.refused:
        return refusal(measures, found)
    pays, stopped = (_tiers_by_strategy(found, verdict) for verdict in ("roll_out", "stop"))
    for kind, names in (
        ("both", [one for one in pays if one in stopped]),
        ("helps", list(pays)),
        ("hurts", list(stopped)),
    ):
        if names:
            told = phrase(
                f"tiers.offer.headline.{kind}",
                strategy=names[0],
                helps=pays.get(names[0], []),
                hurts=stopped.get(names[0], []),
            )
            return clauses([told, *_between(found, names[0])])
    return phrase("tiers.offer.headline.none")


def say_effects(measures: Measures, found: Effects) -> str:
    """Say whom the experiment speaks of, and for each strategy whether tiers differ."""
    if found.refused:
        return refusal(measures, found)
    ratio = found.ratios["p_ratio"]
    said = [
        clauses([told for one in found.differ["strategy"] for told in _differ(found, one)]),
        phrase("tiers.offer.counted", day=measures.drawn_on, n=found.n, days=measures.offer_days),
        phrase("tiers.offer.ratio", p=ratio.iloc[0], least=ratio.iloc[1:].min()),
        *_missing(found),
    ]
    if measures.immature:
        said.append(phrase("tiers.offer.immature", n=measures.immature))
    if not measures.has_margin:
        said.append(phrase("tiers.offer.amounts"))
    return paragraph(*(one[:1].upper() + one[1:] for one in said))


def say_choices(measures: Measures, found: Effects, *, level: float) -> str:
    """Say for each tier what to do, what that is worth, and how many members are lacking."""
    if found.refused:
        return ""
    said, meaning = [], ""
    for choice in each_row(found.choices):
        told = [say_choice(measures, found, choice, level=level)]
        own = found.table[found.table["tier"] == choice.tier]
        if choice.verdict != "stop":
            told += [say_stop(measures, row) for row in each_row(own[own["verdict"] == "stop"])]
        lacking = own[own["more"].notna()].sort_values("net_gain_cny", kind="stable")
        if choice.verdict == "keep_testing" and len(lacking):
            told.append(_lacking(next(each_row(lacking.iloc[[-1]]))))
            share = found.smallest_share
            meaning = phrase("tiers.offer.meaning", share=share, level=level, power=POWER)
        said.append(paragraph(*told))
    return paragraphs(*said, meaning)


def say_choice(measures: Measures, found: Effects, choice: Any, *, level: float) -> str:
    """Say what to do for one tier."""
    kind = choice.verdict
    if kind == "keep_testing":
        kind = "nothing" if choice.choice == measures.arms[0] else "leads"
    own = found.table[found.table["tier"] == choice.tier].set_index("strategy")
    row = own.loc[choice.choice] if choice.choice in own.index else own.iloc[0]
    return phrase(
        f"tiers.offer.choice.{kind}",
        tier=choice.tier,
        strategy=choice.choice,
        net=row["net_gain_cny"],
        lower=row["net_gain_lower"],
        upper=row["net_gain_upper"],
        level=level,
        days=measures.offer_days,
        members=choice.members,
        worth=choice.worth_cny,
        worth_lower=choice.worth_lower,
        worth_upper=choice.worth_upper,
        wrong=choice.chance_wrong,
    )


def say_stop(measures: Measures, row: Any) -> str:
    """Say why a strategy is stopped in a tier: it costs money, or hurts the tier's own aim."""
    return phrase(
        f"tiers.offer.stop.{'money' if row.net_gain_upper < 0 else 'aim'}",
        strategy=row.strategy,
        size=-row.net_gain_cny,
        lower=-row.net_gain_upper,
        upper=-row.net_gain_lower,
        days=measures.offer_days,
    )


def say_gain(measures: Measures, row: Any, *, level: float) -> str:
    """Say what a strategy brings in money in a tier."""
    return phrase(
        "tiers.offer.gain",
        strategy=row.strategy,
        tier=row.tier,
        net=row.net_gain_cny,
        lower=row.net_gain_lower,
        upper=row.net_gain_upper,
        level=level,
        days=measures.offer_days,
        n=row.n,
        n_control=row.n_control,
    )


def say_aim(measures: Measures, row: Any, *, level: float) -> str:
    """Say what a strategy does to what the tier is to do more of; or that all did the same."""
    return phrase(
        f"tiers.offer.aim.{row.objective if np.isfinite(row.effect_lower) else 'flat'}",
        strategy=row.strategy,
        tier=row.tier,
        effect=row.effect,
        lower=row.effect_lower,
        upper=row.effect_upper,
        level=level,
        days=measures.offer_days,
    )


def say_targeting(found: Targeting, *, level: float) -> str:
    """Say for each strategy whether a score tells who should get it."""
    if not len(found.table):
        return phrase("tiers.offer.targeting.nothing")
    said, meaning = [], ""
    for row in each_row(found.table):
        told = [say_score(row)]
        if not row.refused:
            told.append(say_qini(row, level=level))
            told.append(
                phrase(
                    "tiers.offer.targeting.whole",
                    gain=row.gain_all_cny,
                    lower=row.gain_all_lower,
                    upper=row.gain_all_upper,
                )
            )
            meaning = phrase("tiers.offer.targeting.meaning")
        said.append(paragraph(*told))
    return paragraphs(*said, meaning)


def say_score(row: Any) -> str:
    """Say whether a score tells who should get a strategy; or why nobody knows."""
    if row.refused:
        return phrase("tiers.offer.targeting.few", strategy=row.strategy, fewest=FEWEST_SCORED)
    return phrase(
        f"tiers.offer.targeting.headline.{row.verdict}",
        strategy=row.strategy,
        share=row.chosen_share,
        gain=row.gain_chosen_cny,
        lower=row.gain_chosen_lower,
        upper=row.gain_chosen_upper,
    )


def say_qini(row: Any, *, level: float) -> str:
    """Say how far a score is from lots, over all tiers and within them."""
    return phrase(
        "tiers.offer.targeting.qini",
        qini=row.qini,
        lower=row.ci_lower,
        upper=row.ci_upper,
        within=row.within_tier,
        within_lower=row.within_tier_lower,
        within_upper=row.within_tier_upper,
        level=level,
        n=row.n,
    )


def refusal(measures: Measures, found: Effects) -> str:
    """Say why the experiment is not read."""
    return phrase(
        f"tiers.offer.refused.{found.refused}",
        experiment=measures.experiment,
        days=measures.offer_days,
        fewest=max(FEWEST, measures.min_users),
    )


def say_difference(row: Any) -> str:
    """Say whether a strategy does the same in all tiers."""
    kind = "alike"
    if row.p < ALPHA:
        kind = "opposite" if row.p_opposite < ALPHA else "size"
    return phrase(
        f"tiers.offer.differ.{kind}",
        strategy=row.strategy,
        p=_written(row.p),
        sign=_written(row.p_opposite),
    )


def _tiers_by_strategy(found: Effects, verdict: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for row in each_row(found.table[found.table["verdict"] == verdict]):
        told.setdefault(row.strategy, []).append(row.tier)
    return told


def _between(found: Effects, strategy: str) -> list[str]:
    own = found.differ[found.differ["strategy"] == strategy]
    return [
        phrase(f"tiers.offer.between.{'differ' if row.p < ALPHA else 'alike'}", p=_written(row.p))
        for row in each_row(own)
    ]


def _differ(found: Effects, strategy: str) -> list[str]:
    own = found.differ[found.differ["strategy"] == strategy]
    return [say_difference(row) for row in each_row(own)]


def _written(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _missing(found: Effects) -> list[str]:
    """Say which tiers, and which strategies in others, are not read and why."""
    said = []
    for why in ("ratio", "few", "lopsided", "flat"):
        rows = found.table[found.table["refused"] == why]
        if len(rows):
            pairs = [
                phrase("tiers.offer.pair", strategy=row.strategy, tier=row.tier)
                for row in each_row(rows)
            ]
            tiers = list(dict.fromkeys(rows["tier"]))
            said.append(
                phrase(f"tiers.offer.missing.{why}", pairs=pairs, tiers=tiers, fewest=FEWEST)
            )
    return said


def _lacking(row: Any) -> str:
    return phrase(
        f"tiers.offer.{'more' if row.more > 0 else 'enough'}",
        strategy=row.strategy,
        more=row.more,
        members=row.members if np.isfinite(row.members) else np.nan,
    )
