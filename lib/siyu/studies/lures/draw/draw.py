"""Draw fresh customers by lot into equally large arms, and tell how alike the arms are.

Who was drawn leaves this module only as a file in `handover/`, and only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, elapsed_us
from siyu.studies.lures.definition import LureError
from siyu.studies.lures.draw.balance import compare_arms
from siyu.studies.lures.draw.handover import find_folder, write_list
from siyu.studies.lures.fresh import REASONS, end_of, find_fresh
from siyu.studies.naming import UNKNOWN, large, lumped, name_of

COVARIATES = ("channel", "touchpoint", "gender", "age_band", "occupation", "city_tier")
REST = "(rest)"
"""All strata together that have fewer people than there are arms."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """How a draw came out, in numbers; the list itself is only in `file`.

    excluded: a row per `reason`: `n` users who are not fresh, each counted once.
    sizes: a row per `stratum` and `arm`: `n` people; small strata share a name.
    covariates: as from `compare_arms`.
    fresh: people who could be drawn, of whom `n` were. file: the name of the file that was written,
    "" for none. refused: "events" (nobody is known to be exposed), "few" (fewer fresh people than
    arms), "".
    """

    source: str
    as_of: date
    fresh_days: int
    arms: tuple[str, ...]
    seed: int
    excluded: pd.DataFrame
    sizes: pd.DataFrame
    covariates: pd.DataFrame
    fresh: int
    n: int
    file: str
    refused: str


def draw(
    pool: Source,
    *,
    arms: Sequence[str],
    seed: int,
    by: Sequence[str] | None = None,
    per_arm: int = 0,
    fresh_days: int = 14,
    min_users: int = 30,
    handover_dir: str = "",
) -> Draw:
    """Draw fresh customers by lot into arms, equally many within each stratum.

    Fresh is who was exposed in the last days, never was a contact, and was never drawn for, or
    given, a lure or anything else. Sizes of arms differ by at most one in each stratum and in all;
    the same people and seed give the same draw, in whatever order their rows stand.

    Args:
        pool: the source, masked at its `as_of`.
        arms: their names, two or more, all different.
        seed: of the lots, at least 0.
        by: columns of `users` whose combinations are the strata; empty: one stratum; None: the
            channel, where the source has it.
        per_arm: people wanted in each arm, chosen by lot; 0: all who are fresh.
        fresh_days: an exposure longer ago is forgotten, at least 1.
        min_users: smallest group that is shown, at least 1.
        handover_dir: the folder `handover` (which git ignores), or one in it, into which the list
            of persons is written (`user_id`, `arm`, `stratum`); "" writes nothing.

    Raises:
        LureError: a value out of its range, an unknown column, a folder where no list of persons
            may lie, or one that holds another draw of the same day.
    """
    if by is None:
        by = [name for name in ("channel",) if name in pool.table("users").columns]
    _check(pool, arms, seed, by, per_arm, min_users)
    folder = find_folder(handover_dir)
    if not pool.has("events"):
        return _nothing(pool, arms, seed, fresh_days, refused="events")
    users = pool.table("users")
    columns = [name for name in dict.fromkeys([*by, *COVARIATES]) if name in users.columns]
    told = find_fresh(pool, end_of(pool), fresh_days=fresh_days)
    counts = told.group_by("reason").agg(n=told.count()).to_pandas().set_index("reason")["n"]
    excluded = pd.DataFrame(
        [(reason, int(counts[reason])) for reason in REASONS if reason in counts.index],
        columns=["reason", "n"],
    )
    if counts.get("", 0) < len(arms):
        return _nothing(pool, arms, seed, fresh_days, refused="few", excluded=excluded)
    own = told.filter(told.reason == "").join(users.select("user_id", *columns), "user_id")
    ago = elapsed_us(own.exposed_at, end_of(pool)) // DAY_US
    people = own.select("user_id", "exposures", *columns, exposed_days_ago=ago).to_pandas()
    # Lots follow the ids, whatever the order of the file.
    people = people.sort_values("user_id", ignore_index=True)
    people[columns] = people[columns].astype("object").fillna(UNKNOWN)
    rng = np.random.default_rng(seed)
    drawn = deal(_choose(people, per_arm * len(arms), rng), arms, by, rng)
    listed = drawn[["user_id", "arm", "stratum"]]
    listed = listed.assign(user_id=pool.name_persons(listed["user_id"])) if folder else listed
    name = write_list(listed, folder, pool.as_of)
    return Draw(
        source=pool.name,
        as_of=pool.as_of,
        fresh_days=fresh_days,
        arms=tuple(arms),
        seed=seed,
        excluded=excluded,
        sizes=_sizes(drawn, arms, min_users),
        covariates=compare_arms(
            drawn, arms, names=[name for name in columns if name not in by], min_users=min_users
        ),
        fresh=int(counts[""]),
        n=len(drawn),
        file=name,
        refused="",
    )


def _check(
    pool: Source, arms: Sequence[str], seed: int, by: Sequence[str], per_arm: int, min_users: int
) -> None:
    if len(arms) < 2 or len(set(arms)) < len(arms) or not all(arms) or isinstance(arms, str):
        raise LureError(f"arms = {arms!r} must be two or more different names")
    for name, value, least in (
        ("seed", seed, 0),
        ("per_arm", per_arm, 0),
        ("min_users", min_users, 1),
    ):
        if value < least:
            raise LureError(f"{name} = {value} must be at least {least}")
    there = pool.table("users").columns
    for name in by:
        if name not in there or name in ("user_id", "referrer_id"):
            raise LureError(f"by: {name!r} is no column of users that makes strata")


def _choose(people: pd.DataFrame, wanted: int, rng: np.random.Generator) -> pd.DataFrame:
    """Choose by lot as many as are wanted, or take all."""
    if not wanted or wanted >= len(people):
        return people
    chosen = np.sort(rng.permutation(len(people))[:wanted])
    return people.iloc[chosen].reset_index(drop=True)


def deal(
    people: pd.DataFrame, arms: Sequence[str], by: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Deal the people of each stratum, shuffled, to the arms in turn.

    The next stratum begins where the last one ended, and the order of the arms is drawn too: so
    neither a stratum nor all of them together gives an arm two people more than another.

    Args:
        people: one row per person: `user_id`, and the columns of the strata.
        arms: their names.
        by: the columns whose combinations are the strata.
        rng: draws the lots.

    Returns:
        The people with `stratum` and `arm`.
    """
    values = people[list(by)].itertuples(index=False, name=None)
    people = people.assign(stratum=[name_of(by, one) for one in values])
    size = people.groupby("stratum")["user_id"].transform("size")
    people["stratum"] = people["stratum"].where(size >= len(arms), REST)
    dealt, turn = np.empty(len(people), dtype=np.int64), 0
    order = rng.permutation(len(arms))
    for _, rows in sorted(people.groupby("stratum").indices.items()):
        dealt[rng.permutation(rows)] = (turn + np.arange(len(rows))) % len(arms)
        turn += len(rows)
    return people.assign(arm=np.array(arms, dtype=object)[order][dealt])


def _sizes(drawn: pd.DataFrame, arms: Sequence[str], min_users: int) -> pd.DataFrame:
    counts = pd.crosstab(drawn["stratum"], drawn["arm"])[list(arms)]
    names = counts.index.to_series()
    shown = counts.groupby(lumped(names, large(counts, min_users=min_users))).sum()
    table = (
        shown.rename_axis("stratum").reset_index().melt("stratum", var_name="arm", value_name="n")
    )
    table["place"] = table["arm"].map(list(arms).index)
    table = table.sort_values(["stratum", "place"], ignore_index=True)
    return table[["stratum", "arm", "n"]]


def _nothing(
    pool: Source,
    arms: Sequence[str],
    seed: int,
    fresh_days: int,
    *,
    refused: str,
    excluded: pd.DataFrame | None = None,
) -> Draw:
    none = pd.DataFrame(columns=["reason", "n"]) if excluded is None else excluded
    return Draw(
        source=pool.name,
        as_of=pool.as_of,
        fresh_days=fresh_days,
        arms=tuple(arms),
        seed=seed,
        excluded=none,
        sizes=pd.DataFrame(columns=["stratum", "arm", "n"]),
        covariates=pd.DataFrame(columns=["covariate", "difference", "limit"]),
        fresh=0,
        n=0,
        file="",
        refused=refused,
    )
