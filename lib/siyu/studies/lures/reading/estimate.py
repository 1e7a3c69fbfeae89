"""Read an experiment of lures: who joined and who stayed, by arm, and what that was worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from siyu.studies.lures.definition import LureError
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.net import value_people
from siyu.studies.lures.ratio import find_suspect
from siyu.studies.lures.reading.compare import (
    BEST,
    NET,
    NO_MEANS,
    Means,
    Running,
    adjust_means,
    compare_means,
    compare_shares,
    count_clusters,
    describe,
    plain_means,
)
from siyu.studies.lures.reading.verdict import Verdict, decide

FEWEST = 30
"""People of an arm, at the least: means of fewer are not near a normal one."""
FEWEST_CLUSTERS = 5
"""Clusters of an arm, at the least: ten for a comparison of two."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What came of each arm, and how arms compare.

    arms: one row per `outcome` ("converted", "retained_<k>", "net_cny") and `arm` that is read:
        `n` people followed, `mean` (a share; yuan per person drawn) with the `ci_lower` and
        `ci_upper` of it alone, and its `error`.
    gaps: one row per `outcome`, `against` ("best": the best of the others; "control") and `arm`:
        `gap` with `ci_lower` and `ci_upper`, which hold for all arms at once, `is_candidate` (may
        be the best of all) and, against the control, `p_holm`; the same adjusted for what was known
        before (`adjusted`, `adjusted_lower`, `adjusted_upper`), and `variance_share`, the variance
        of the adjusted means relative to that of the plain ones (missing where not adjusted).
    counts: one row per `outcome`: `n` people read, `immature` ones, and `refused` ("young": nobody
        was followed so long, "few": no two arms, or not the control, have enough people, "flat":
        all of an arm did the same, "running": of net worth, whole clusters were drawn and not all
        people have been followed to the end, "").
    clusters: number in each arm; none where persons were drawn.
    verdict: by the net worth of a person drawn.
    waiting: people whose net worth is still to come, drawn or only planned: until there are none,
        gaps of net worth, and the verdict, hold at any number of looks, all looks together.
    refused: as of the experiment, or "ratio" (arms are not as large as planned), "no_cluster"
        (of some people it is not known), "clusters" (too few in an arm); or, where no outcome can
        be told, as of the conversion; "".
    """

    arms: pd.DataFrame
    gaps: pd.DataFrame
    counts: pd.DataFrame
    clusters: tuple[int, ...]
    verdict: Verdict
    waiting: int
    value_per_retained_cny: float
    smallest_gain_cny: float
    refused: str

    def of(self, outcome: str, *, against: str = BEST) -> pd.DataFrame:
        """Give the comparison of one outcome, with each arm's own mean as `mean` and `n`."""
        own = self.gaps[(self.gaps["outcome"] == outcome) & (self.gaps["against"] == against)]
        means = self.arms.loc[self.arms["outcome"] == outcome, ["arm", "n", "mean"]]
        return own.merge(means, on="arm")


def read(
    experiment: Experiment,
    *,
    level: float,
    value_per_retained_cny: float,
    smallest_gain_cny: float = 1.0,
    planned_users: int = 0,
) -> Reading:
    """Read each outcome of everyone assigned (intention to treat), and decide.

    A report comes every week, and a verdict may be acted on at the first that allows it. So until
    everybody has been followed to the end, net worth is compared by intervals that hold at any
    number of looks, and from then on by those of a single one.

    Args:
        experiment: from `find_experiment`.
        level: coverage of the intervals of a comparison together, between 0.5 and 1.
        value_per_retained_cny: what a person is worth who stays, above 0.
        smallest_gain_cny: the least difference of net worth per person drawn that matters, above 0.
        planned_users: people of all arms whom the experiment was to have; 0: those drawn so far.

    Raises:
        LureError: a number out of range.

    Assumes that who is drawn does not act on others who are.
    """
    if not 0.5 < level < 1:
        raise LureError(f"level = {level} must be above 0.5 and below 1; use 0.95")
    for name, value in (
        ("value_per_retained_cny", value_per_retained_cny),
        ("smallest_gain_cny", smallest_gain_cny),
    ):
        if not value > 0:
            raise LureError(f"{name} = {value} must be above 0; 1 is one yuan")
    refused = _refusal(experiment)
    asked = {} if refused else _outcomes(experiment, value_per_retained_cny)
    planned = max(planned_users, len(experiment.people))
    waiting = planned - len(asked[NET]) if asked else 0
    parts = [
        _read(experiment, name, people, level, planned if waiting and name == NET else 0)
        for name, people in asked.items()
    ]
    verdict, told = Verdict(), {part.outcome: part for part in parts if not part.refused}
    if NET in told:
        net = told[NET]
        verdict = decide(
            experiment,
            net.gaps,
            net.means,
            n=net.arms["n"].to_numpy(),
            running=net.running,
            to_draw=planned - len(experiment.people),
            level=level,
            smallest_gain_cny=smallest_gain_cny,
        )
    return Reading(
        arms=_stacked([part.arms for part in told.values()], _ARMS),
        gaps=_stacked([part.gaps for part in told.values()], _GAPS),
        counts=pd.DataFrame(
            [(part.outcome, part.n, part.immature, part.refused) for part in parts],
            columns=["outcome", "n", "immature", "refused"],
        ),
        clusters=count_clusters(experiment),
        verdict=verdict,
        waiting=waiting,
        value_per_retained_cny=value_per_retained_cny,
        smallest_gain_cny=smallest_gain_cny,
        refused=refused or ("" if told else parts[0].refused),
    )


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One outcome, read or refused."""

    outcome: str
    n: int = 0
    immature: int = 0
    refused: str = ""
    arms: pd.DataFrame = field(default_factory=pd.DataFrame)
    gaps: pd.DataFrame = field(default_factory=pd.DataFrame)
    means: Means = NO_MEANS
    running: Running | None = None


def _refusal(experiment: Experiment) -> str:
    if experiment.refused:
        return experiment.refused
    if find_suspect(experiment):
        return "ratio"
    # Who is of no known cluster may just not have joined: without them, people would be picked.
    if experiment.is_clustered and experiment.people["cluster"].min() < 0:
        return "no_cluster"
    few = min(count_clusters(experiment), default=FEWEST_CLUSTERS) < FEWEST_CLUSTERS
    return "clusters" if few else ""


def _outcomes(experiment: Experiment, value_per_retained_cny: float) -> dict[str, pd.DataFrame]:
    """Give the people who were followed long enough for each outcome."""
    days = {"converted": experiment.definition.conversion_days}
    days |= {f"retained_{day}": day for day in experiment.retention_days}
    valued = value_people(experiment, value_per_retained_cny=value_per_retained_cny)
    return {name: experiment.followed(day) for name, day in days.items()} | {NET: valued}


def _read(
    experiment: Experiment, outcome: str, people: pd.DataFrame, level: float, planned: int
) -> _Part:
    """Read an outcome; while the experiment runs, `planned` is how many people it is to have."""
    immature = len(experiment.people) - len(people)
    sizes = experiment.count(people)
    large = np.flatnonzero(sizes >= max(FEWEST, experiment.min_users))
    if len(large) < 2 or (experiment.has_control and large[0] != 0):
        refused = "few" if len(people) else "young"
        return _Part(outcome=outcome, immature=immature, refused=refused)
    if planned and experiment.is_clustered:  # clusters do not come one by one
        return _Part(outcome=outcome, immature=immature, refused="running")
    people = people[people["arm"].isin(large)]
    means = plain_means(experiment, people, outcome)
    by_variance = experiment.is_clustered or outcome == NET
    if not people[outcome].any() or (by_variance and not means.variance.all()):
        return _Part(outcome=outcome, immature=immature, refused="flat")
    names = [experiment.arms[i] for i in large]
    running = None
    if planned:
        shares = np.array(experiment.shares)[large]
        running = Running(n=sizes[large].astype(np.float64), planned=planned * shares)
    gaps = (
        compare_means(means, level=level, has_control=experiment.has_control, running=running)
        if by_variance
        else compare_shares(experiment, people, outcome, level=level)
    )
    gaps = _adjust(experiment, people, outcome, means, gaps, running, level)
    gaps.insert(0, "arm", [names[i] for i in gaps.pop("position")])
    arms = describe(experiment, people, outcome, means, level=level).assign(arm=names)
    return _Part(
        outcome=outcome,
        n=len(people),
        immature=immature,
        arms=arms.assign(outcome=outcome),
        gaps=gaps.assign(outcome=outcome),
        means=means,
        running=running,
    )


def _adjust(
    experiment: Experiment,
    people: pd.DataFrame,
    outcome: str,
    means: Means,
    gaps: pd.DataFrame,
    running: Running | None,
    level: float,
) -> pd.DataFrame:
    """Set beside the same comparison adjusted for what was known before, where that can be."""
    found = None if experiment.is_clustered else adjust_means(people, outcome)
    if found is None or not found.variance.all():
        return gaps.assign(**dict.fromkeys(_ADJUSTED, np.nan))
    again = compare_means(found, level=level, has_control=experiment.has_control, running=running)
    return gaps.assign(
        adjusted=again["gap"],
        adjusted_lower=again["ci_lower"],
        adjusted_upper=again["ci_upper"],
        variance_share=float(found.variance.sum() / means.variance.sum()),
    )


_ADJUSTED = ("adjusted", "adjusted_lower", "adjusted_upper", "variance_share")
_ARMS = ["outcome", "arm", "n", "mean", "ci_lower", "ci_upper", "error"]
_GAPS = [
    *("outcome", "against", "arm", "gap", "ci_lower", "ci_upper", "is_candidate", "p_holm"),
    *_ADJUSTED,
]


def _stacked(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat([table[columns] for table in tables], ignore_index=True)
