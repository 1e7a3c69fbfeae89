"""Draw orders around an upgrade, what was to be expected, and where no effect can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.phrases import phrase, term
from siyu.studies.marks import name_rows
from siyu.studies.tables import each_row
from siyu.studies.tiers.upgrade import sentences
from siyu.studies.tiers.upgrade.estimate import Effects
from siyu.studies.tiers.upgrade.measure import Measures

CHECKS = ("past", "below", "date")
_MOST_PANELS = 4


def draw_paths(measures: Measures, found: Effects, *, level: float) -> Picture:
    """Draw orders per block around an upgrade with what was to be expected, a panel per tier, and
    the difference with a band below.
    """
    targets = list(found.paths.dropna()["target"].unique())[-_MOST_PANELS:]
    if not targets:
        reason = sentences.say_headline(measures, found, level=level)
        return nothing(reason, name="upgrade", title=phrase("tiers.upgrade.figure.none"))
    title = _say_title(measures, found)
    figure, panels = canvas(
        title,
        phrase(
            "tiers.upgrade.figure.path.subtitle",
            days=measures.block_days,
            band=measures.band,
            first=measures.first,
            last=measures.as_of,
        ),
        phrase(
            "tiers.upgrade.figure.path.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
        ),
        height=6.2,
        columns=len(targets),
        heights=(3, 2),
    )
    above, below = panels[: len(targets)], panels[len(targets) :]
    widest = _find_widest(found.paths, targets)
    for axes, under, target in zip(above, below, targets, strict=True):
        path = found.paths[found.paths["target"] == target]
        told = found.verdicts[target] in sentences.TOLD
        _draw_path(axes, path, is_named=target == widest)
        _draw_difference(under, path, colour=ACCENT if told else GREY)
        axes.set_title(_name_panel(measures, found, target), size=9.5, color=BLACK, loc="left")
        for each in (axes, under):
            each.set_xticks(
                path["block"], [f"{block:+d}".replace("-", "−") for block in path["block"]]
            )
            each.set_xlim(path["block"].min() - 0.5, path["block"].max() + 0.5)
            each.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    for row in (above, below):
        low, high = (f(axes.get_ylim()[i] for axes in row) for i, f in ((0, min), (1, max)))
        for axes in row:
            axes.set_ylim(low if row is below else 0, high)
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.grid(axis="y")
    below[0].set_ylabel(phrase("tiers.upgrade.figure.path.difference"))
    below[len(below) // 2].set_xlabel(
        phrase("tiers.upgrade.figure.path.x", days=measures.block_days)
    )
    shown = found.paths[found.paths["target"].isin(targets)]
    return finish(
        figure,
        name="upgrade",
        alt=phrase("tiers.upgrade.figure.path.alt", title=title),
        table=_named(measures, shown),
    )


def _draw_path(axes: Axes, path: pd.DataFrame, *, is_named: bool) -> None:
    axes.plot(path["block"], path["actual"], "-o", color=ACCENT, markersize=5)
    # The expectation begins where it is known: at what was done in the last block before.
    last = path[path["block"] == -1].assign(expected=path["actual"])
    expected = pd.concat([last, path[path["expected"].notna()]])
    axes.plot(expected["block"], expected["expected"], "--o", color=GREY, markersize=4)
    if is_named:
        row = path[path["block"] == 1].iloc[0]
        higher = "actual" if row["actual"] >= row["expected"] else "expected"
        for column, colour in (("actual", ACCENT), ("expected", GREY)):
            # Above the upper line to its right, below the lower one to its left no line runs.
            is_above = column == higher
            axes.annotate(
                phrase(f"tiers.upgrade.figure.path.{column}"),
                (1, row[column]),
                (4, 13) if is_above else (-2, -13),
                textcoords="offset points",
                color=colour,
                size=9.5,
                va="center",
                ha="left" if is_above else "right",
            )


def _find_widest(paths: pd.DataFrame, targets: list[int]) -> int:
    """Find the tier whose lines lie farthest apart after the upgrade: there they can be named."""
    first = paths[paths["block"] == 1].set_index("target").loc[targets]
    apart = (first["actual"] - first["expected"]).abs()
    return targets[int(apart.to_numpy().argmax())]


def _draw_difference(axes: Axes, path: pd.DataFrame, *, colour: str) -> None:
    after = path[path["effect"].notna()]
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.vlines(after["block"], after["ci_lower"], after["ci_upper"], color=colour, linewidth=2.2)
    axes.plot(after["block"], after["effect"], "o", color=colour, markersize=5)


def _say_title(measures: Measures, found: Effects) -> str:
    clear = [target for target, verdict in found.verdicts.items() if verdict in ("pays", "costs")]
    naive = found.naive.set_index("target")["change"]
    if not clear:
        return phrase("tiers.upgrade.figure.path.title.unclear")
    target = max(clear, key=lambda each: abs(sentences.row_of(found, each, "orders").effect))
    row = sentences.row_of(found, target, "orders")
    return phrase(
        f"tiers.upgrade.figure.path.title.{'more' if row.ci_lower > 0 else 'less'}",
        tier=measures.tiers[target],
        effect=row.effect,
        lower=row.ci_lower,
        upper=row.ci_upper,
        change=naive.get(target, np.nan),
    )


def _name_panel(measures: Measures, found: Effects, target: int) -> str:
    naive = found.naive.set_index("target")["change"]
    orders = sentences.row_of(found, target, "orders")
    told = orders is not None and found.verdicts[target] in sentences.TOLD
    return phrase(
        f"tiers.upgrade.figure.path.{'panel' if told else 'panel_unread'}",
        tier=measures.tiers[target],
        change=naive.get(target, np.nan),
        effect=orders.effect if told else np.nan,
    )


def draw_checks(measures: Measures, found: Effects, *, level: float) -> Picture:
    """Draw the estimate beside estimates where there can be no effect, a panel per tier."""
    table = lay_checks(found)
    targets = sorted(table["target"].unique())[-_MOST_PANELS:]
    if not targets:
        reason = sentences.say_headline(measures, found, level=level)
        return nothing(reason, name="upgrade_checks", title=phrase("tiers.upgrade.figure.none"))
    failed = bool((found.checks["p_holm"] < 1 - level).any())
    kind = "failed" if failed else "passed" if len(found.checks) else "none"
    title = phrase(f"tiers.upgrade.figure.checks.title.{kind}")
    figure, panels = canvas(
        title,
        phrase(
            "tiers.upgrade.figure.checks.subtitle",
            level=level,
            days=measures.block_days,
            half=measures.half_days,
        ),
        phrase(
            "tiers.upgrade.figure.checks.footer",
            source=measures.source,
            day=measures.as_of,
            days=measures.block_days,
        ),
        height=3.7,
        columns=len(targets),
    )
    rows = ("naive", "up", *CHECKS)
    reach = 1.08 * np.abs(table[["ci_lower", "ci_upper"]].to_numpy(dtype=np.float64)).max()
    for axes, target in zip(panels, targets, strict=True):
        axes.set_xlim(-reach, reach)
        for row in each_row(table[table["target"] == target]):
            told = found.verdicts[target] in sentences.TOLD
            colour = {"up": ACCENT if told else GREY, "naive": SECOND}.get(row.check, GREY)
            place = -rows.index(row.check)
            axes.plot([row.ci_lower, row.ci_upper], [place] * 2, color=colour, linewidth=2.2)
            axes.plot(row.effect, place, "x" if row.check == "naive" else "o", color=colour)
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_ylim(-len(rows) + 0.5, 0.5)
        axes.set_title(
            shorten(term(measures.tiers[target]), width=22), size=9.5, color=BLACK, loc="left"
        )
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        labels = [_name_row(check) for check in rows] if axes is panels[0] else [""] * len(rows)
        name_rows(axes, -np.arange(len(rows)), labels)
    return finish(
        figure,
        name="upgrade_checks",
        alt=phrase("tiers.upgrade.figure.checks.alt", title=title),
        table=_named(measures, table),
    )


def lay_checks(found: Effects) -> pd.DataFrame:
    """Lay out orders per member: after less before ("naive"), adjusted ("up"), and the checks."""
    shown = ["target", "check", "effect", "ci_lower", "ci_upper"]
    up = found.effects[(found.effects["kind"] == "up") & (found.effects["measure"] == "orders")]
    naive = found.naive.assign(check="naive", effect=found.naive["after"] - found.naive["before"])
    reach = naive["reach"]
    naive = naive.assign(ci_lower=naive["effect"] - reach, ci_upper=naive["effect"] + reach)
    checks = found.checks[found.checks["measure"] == "orders"]
    parts = [up.assign(check="up"), naive, checks]
    return pd.concat([part[shown] for part in parts if len(part)] or [checks[shown]])


def _name_row(check: str) -> str:
    if check in CHECKS:
        return phrase(f"tiers.upgrade.check.{check}")
    return phrase(f"tiers.upgrade.figure.checks.{check}")


def _named(measures: Measures, table: pd.DataFrame) -> pd.DataFrame:
    names = [measures.tiers[target] for target in table["target"]]
    return table.drop(columns="target").assign(tier=names).reset_index(drop=True)
