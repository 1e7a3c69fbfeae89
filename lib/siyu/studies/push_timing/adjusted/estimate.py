"""Estimate what the hour of sending does, beside what naive comparisons say of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.calendar import HOLIDAY, KINDS, MONDAY, SUNDAY
from siyu.studies.naming import EVERYONE, large
from siyu.studies.push_timing.adjusted.measures import Measures
from siyu.studies.push_timing.adjusted.model import Comparable, Model, compare_levels, plain
from siyu.studies.push_timing.bands import Band, each_hour, read_bands

FEWEST_OF_EACH = 10
"""Answered pushes of an hour, and unanswered ones: with fewer the interval is far too short."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """What each hour of sending does, among pushes whose hour was not drawn by lot.

    table: one row per segment ("all" first) and hour or band: `segment`, `hour` (its name),
        `n_pushes`, `n_users`; `crude_rate` with its interval; `adjusted_rate` with its interval:
        what the pushes of the segment would bring at that hour, users, content and days as they
        are; both have the same mean over the hours, as pushed. `crude`, `within` and `difference`:
        the hour less all other hours, as pushed: as it is, of a user's own pushes, and with content
        and day alike too, the latter with its interval (simultaneous over the hours of all
        segments, or of all users), `p_holm` and `verdict` ("better", "worse", "unclear", "" where
        refused). `refused`: why there is nothing ("few" users, "few_of_each" answered or not,
        "apart": not to be told from users, content and day; "alone": nothing to compare with).
    users: per segment, users whose pushes differ in hour, content or kind of day: they carry the
        adjusted numbers.
    """

    table: pd.DataFrame
    users: dict[str, int]


def curves(measures: Measures, *, level: float, hour_bands: Sequence[str] = ()) -> Curves:
    """Estimate the effect of each hour on the answer to a push, in each segment and for all.

    A linear probability model with an effect for each user, content and kind of day. The effect of
    an hour is what a user's pushes bring then, less what the same user's pushes bring at the other
    hours. What else goes with the hour within a user, content and kind of day is in it.

    Args:
        measures: the reduced table.
        level: coverage of the intervals, between 0 and 1; verdicts are by Holm over the hours of
            all segments, and apart from them over those of all users.
        hour_bands: bands of hours studied as one, such as "20:00-22:00"; without any, each hour.

    Raises:
        PushError: a band is none, or two overlap.
    """
    bands = read_bands(hour_bands) or each_hour()
    rows = _banded(measures.rows[~measures.rows["is_drawn"]], bands)
    shown = _shown(rows, measures)
    parts, users = [], {}
    for name, own in _segments(measures, rows):
        part, n_users = _curve(own, bands, shown[name], level=level)
        parts.append(part.assign(segment=name))
        users[name] = n_users
    table = pd.concat(parts, ignore_index=True)
    everyone = table["segment"] == EVERYONE
    table["p_holm"] = np.nan
    for family in (everyone, ~everyone):
        own = table[family]
        table.loc[family, "p_holm"] = holm(own["p"])
        joint = bonferroni_level(level, max(int(own["p"].notna().sum()), 1))
        reach = student.ppf((1 + joint) / 2, own["degrees"]) * own["error"]
        table.loc[family, "ci_lower"] = own["difference"] - reach
        table.loc[family, "ci_upper"] = own["difference"] + reach
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["difference"] > 0), clear],
        ["", "better", "worse"],
        "unclear",
    )
    return Curves(table=table[_COLUMNS], users=users)


_COLUMNS = [
    *("segment", "hour", "n_pushes", "n_users", "crude_rate", "crude_lower", "crude_upper"),
    *("adjusted_rate", "adjusted_lower", "adjusted_upper", "crude", "within", "difference"),
    *("ci_lower", "ci_upper", "p_holm", "verdict", "refused"),
]


def compare(measures: Measures, *, hours: str, against: str, level: float) -> pd.DataFrame:
    """Compare two bands of hours, in each segment and for all, crude and ever better adjusted.

    Args:
        measures: the reduced table.
        hours: a band, such as "20:00-22:00".
        against: another.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment ("all" first): `segment`, `n_pushes` and `n_users` in the two bands, and
        the ratio of the rates, less 1, with intervals: `crude_lift`, `within_lift` (users compared
        with themselves) and `lift` (content and day alike too); `difference`: of the
        rates, as the last; `refused`: as in `Curves`.

    Raises:
        PushError: a band is none, or they overlap.
    """
    asked = read_bands([hours, against])
    first = asked[0] if asked[0].name == read_bands([hours])[0].name else asked[1]
    taken = {hour for band in asked for hour in band.hours}
    bands = asked + [band for band in each_hour() if not taken & set(band.hours)]
    rows = _banded(measures.rows[~measures.rows["is_drawn"]], bands)
    shown = _shown(rows, measures)
    pair = [bands.index(first), 1 - bands.index(first)]
    found = [
        {"segment": name} | _lifts(own, shown[name], pair, level=level)
        for name, own in _segments(measures, rows)
    ]
    return pd.DataFrame(found)


def compare_days(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare kinds of days with Monday, over all sent pushes, users, content and hour alike.

    Args:
        measures: the reduced table.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per kind of day that can be compared and "off" (Sundays that are not worked and
        holidays): `day_kind`, `n_pushes`, `n_users`, `ratio` of its rate to Monday's with its
        interval, and `p_holm` over the kinds. Empty where nothing can be compared.
    """
    rows = measures.rows
    enough = _enough(rows, "kind", measures.min_users)
    columns = ["day_kind", "n_pushes", "n_users", "ratio", "ci_lower", "ci_upper", "p_holm"]
    kept = [kind for kind in range(len(KINDS)) if enough.get(kind, "few") == ""]
    found = compare_levels(rows, "kind", kept, alike=("content", "hour"))
    if found.model is None or MONDAY not in found.kept:
        return pd.DataFrame(columns=columns)
    days: dict[str, tuple[int, ...]] = {
        KINDS[kind]: (kind,) for kind in found.kept if kind != MONDAY
    }
    if off := tuple(kind for kind in (SUNDAY, HOLIDAY) if kind in found.kept):
        days["off"] = off
    monday = _weigh(found, (MONDAY,))
    table = []
    for day, kinds in days.items():
        own = rows[rows["kind"].isin(kinds)]
        log = found.model.ratio(_weigh(found, kinds), monday, level=level)
        table.append([day, own["n"].sum(), own["number"].nunique(), *_ratio(log), log.p[0]])
    told = pd.DataFrame(table, columns=columns)
    told["p_holm"] = holm(told["p_holm"])
    return told


def _segments(measures: Measures, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield EVERYONE, rows
    if measures.segments != (EVERYONE,):
        for code, name in enumerate(measures.segments):
            yield name, rows[rows["segment"] == code]


def _banded(rows: pd.DataFrame, bands: Sequence[Band]) -> pd.DataFrame:
    """Number the band of each row; hours in none are left out."""
    code = {hour: place for place, band in enumerate(bands) for hour in band.hours}
    band = rows["hour"].map(code)
    return rows.assign(band=band)[band.notna()].astype({"band": int})


def _shown(rows: pd.DataFrame, measures: Measures) -> dict[str, set[int]]:
    """Choose the bands with enough users, so that none of a few can be had by subtraction."""
    users = rows.groupby(["segment", "band"])["number"].nunique()
    shown: dict[str, set[int]] = {name: set() for name in (EVERYONE, *measures.segments)}
    for band in sorted(set(rows["band"])):
        own = users.xs(band, level="band").to_frame()
        for code in large(own, min_users=measures.min_users):
            shown[measures.segments[int(code)]].add(band)
        if int(own["number"].sum()) >= measures.min_users:
            shown[EVERYONE].add(band)
    return shown


def _enough(rows: pd.DataFrame, studied: str, min_users: int) -> dict[int, str]:
    """Say of each level why it cannot be studied, or ""."""
    sums = rows.groupby(studied).agg(n=("n", "sum"), k=("k", "sum"), users=("number", "nunique"))
    fewest = np.minimum(sums["k"], sums["n"] - sums["k"])
    why = np.select(
        [sums["users"] < min_users, fewest < FEWEST_OF_EACH], ["few", "few_of_each"], ""
    )
    return dict(zip(sums.index.tolist(), why.tolist(), strict=True))


def _curve(
    rows: pd.DataFrame, bands: Sequence[Band], shown: set[int], *, level: float
) -> tuple[pd.DataFrame, int]:
    present = sorted(rows["band"].unique())
    enough = _enough(rows, "band", 0)
    why = {band: enough[band] if band in shown else "few" for band in present}
    found = compare_levels(rows, "band", [band for band in present if not why[band]])
    why |= dict.fromkeys(found.apart, "apart")
    if found.model is None:
        why |= dict.fromkeys(found.kept, "alone")
    table = pd.DataFrame(
        [_described(rows, bands, band, why[band]) for band in present],
        columns=[*_COLUMNS[1:4], "refused"],
    ).assign(**dict.fromkeys([*_COLUMNS[4:15], "p", "error", "degrees"], np.nan))
    if found.model is None:
        return table, 0
    estimates = _estimates(found, level=level)
    table.loc[table["refused"] == "", list(estimates)] = np.column_stack(list(estimates.values()))
    return table, found.model.fit.n_groups


def _described(rows: pd.DataFrame, bands: Sequence[Band], band: int, why: str) -> dict[str, Any]:
    own = rows[rows["band"] == band]
    hidden = why == "few"
    return {
        "hour": bands[band].name,
        "n_pushes": 0 if hidden else int(own["n"].sum()),
        "n_users": 0 if hidden else own["number"].nunique(),
        "refused": why,
    }


def _estimates(found: Comparable, *, level: float) -> dict[str, np.ndarray]:
    model, (crude, within) = _models(found)
    difference = model.fit.contrast(model.against_others(), level=level)
    rate, raw = (one.fit.contrast(one.levels(), level=level) for one in (model, crude))
    naive = {
        name: one.against_others() @ one.fit.coefficients
        for name, one in (("crude", crude), ("within", within))
    }
    return {
        "crude_rate": raw.estimate,
        "crude_lower": raw.ci_lower,
        "crude_upper": raw.ci_upper,
        "adjusted_rate": rate.estimate,
        "adjusted_lower": rate.ci_lower,
        "adjusted_upper": rate.ci_upper,
        **naive,
        "difference": difference.estimate,
        "p": difference.p,
        "error": difference.error,
        "degrees": np.full(model.n_levels, model.fit.n_clusters - 1.0),
    }


def _models(found: Comparable) -> tuple[Model, tuple[Model, Model]]:
    assert found.model is not None
    crude, within = (
        plain(found.rows, "band", found.kept, within=within) for within in (False, True)
    )
    return found.model, (crude, within)


def _lifts(
    rows: pd.DataFrame, shown: set[int], pair: Sequence[int], *, level: float
) -> dict[str, Any]:
    enough = _enough(rows, "band", 0)
    why = {band: enough.get(band, "few") if band in shown else "few" for band in pair}
    names = [f"{kind}{end}" for kind in _LIFTS for end in ("", "_lower", "_upper")]
    nothing = dict.fromkeys([*names, "difference"], np.nan)
    refused = next((reason for reason in why.values() if reason), "")
    own = rows[rows["band"].isin(pair)]
    told = {"n_pushes": int(own["n"].sum()), "n_users": own["number"].nunique()}
    if refused:
        return (
            (dict.fromkeys(told, 0) if refused == "few" else told) | nothing | {"refused": refused}
        )
    others = [band for band in sorted(shown) if not enough[band]]
    found = compare_levels(rows, "band", others)
    if found.model is None or not set(pair) <= set(found.kept):
        return told | nothing | {"refused": "alone" if found.model is None else "apart"}
    model, naive = _models(found)
    values: dict[str, Any] = {}
    for kind, one in zip(_LIFTS, (*naive, model), strict=True):
        levels = one.levels()[[found.kept.index(band) for band in pair]]
        ratio = _ratio(one.ratio(levels[0], levels[1], level=level))
        values |= dict(
            zip([f"{kind}{end}" for end in ("", "_lower", "_upper")], ratio, strict=True)
        )
    difference = (levels[0] - levels[1]) @ model.fit.coefficients
    values = {name: value - 1 for name, value in values.items()}
    return told | values | {"difference": difference, "refused": ""}


_LIFTS = ("crude_lift", "within_lift", "lift")


def _weigh(found: Comparable, levels: Sequence[int]) -> np.ndarray:
    """Weigh the coefficients to the mean rate of some levels, as pushed."""
    assert found.model is not None
    places = [found.kept.index(level) for level in levels]
    shares = found.model.shares[places]
    return np.asarray(shares @ found.model.levels()[places] / shares.sum())


def _ratio(log: Any) -> list[float]:
    return [float(np.exp(one[0])) for one in (log.estimate, log.ci_lower, log.ci_upper)]
