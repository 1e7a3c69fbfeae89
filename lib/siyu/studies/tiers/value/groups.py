"""The members of a tier at a review, and what each of them does to a number about all."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from siyu.stats.checks import FloatArray
from siyu.stats.jackknife import Jackknife, Statistic, interval_of, jackknife
from siyu.studies.tiers.value.measure import BROUGHT, Measures

_ORDERS, _REFUNDED, _MARGIN, _FRIENDS = map(
    BROUGHT.index, ("orders", "refunded", "margin_cny", "friends")
)
READ = ("orders", "margin", "referral", "value", "earned", "placed")
_CAUTION = np.array([1.0, 0.5, 1.0, 1.0, 1.0, 1.0])
"""What the degrees of freedom of each number are multiplied by. The kurtosis of few buyers falls
short of the true one, and the margin per order, the ratio of two skewed sums, is hurt most."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Members of one tier at one review.

    rows: kinds of members x what each brought. counts: members of each kind. place: the row of each
    kind in the table of members. smoothed: whether friends can be brought at all.
    """

    rows: FloatArray
    counts: FloatArray
    place: NDArray[np.intp]
    smoothed: bool

    @property
    def mean(self) -> FloatArray:
        """What a member brought, by column."""
        return np.asarray(self.counts @ self.rows / self.counts.sum())

    @property
    def buyers(self) -> float:
        """Members with an order."""
        return float(self.counts[self.rows[:, _ORDERS] > 0].sum())

    @property
    def is_flat(self) -> bool:
        """Whether nobody brought any margin, or all the same, so that there is no error to tell."""
        return bool(np.ptp(self.rows[:, _MARGIN]) == 0)

    def spread(self, statistic: Statistic) -> Jackknife:
        """Tell what each member does to a statistic.

        Where hardly anybody brings a friend, those who came say too little of how many might have:
        one more friend, of one more member who is else as all are, widens the interval.
        """
        if not self.smoothed:
            return jackknife(statistic, self.rows, self.counts)
        one_more = self.mean
        one_more[_FRIENDS] = 1
        return jackknife(statistic, np.vstack([self.rows, one_more]), np.append(self.counts, 1))

    def read(self, *, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give the numbers of READ, each with its interval.

        The intervals are symmetric in the logarithm, as amounts are skewed; where a number is not
        positive, or leaving out one member would make it so, in the number itself.
        """
        value, plain = read(self.mean), self.spread(read)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs, spread = np.log(value), self.spread(lambda means: np.log(read(means)))
        ends = [
            interval_of(
                centre,
                replace(found, degrees=found.degrees * _CAUTION),
                level=level,
                most=self.buyers - 1,
            )
            for centre, found in ((value, plain), (logs, spread))
        ]
        is_positive = np.isfinite(spread.influence).all(axis=0)
        lower, upper = (
            np.where(is_positive, np.exp(log_end), end) for end, log_end in zip(*ends, strict=True)
        )
        at_least = np.array([0.0, -np.inf, 1.0, -np.inf, -np.inf, 0.0])
        return value, np.maximum(lower, at_least), upper


def factors(means: FloatArray) -> FloatArray:
    """Give orders per member, margin per order, and the referral index, from means per member."""
    orders, margin, friends = (means[..., one] for one in (_ORDERS, _MARGIN, _FRIENDS))
    with np.errstate(divide="ignore", invalid="ignore"):
        per_order = margin / orders
    return np.stack([orders, per_order, 1 + friends], axis=-1)


def read(means: FloatArray) -> FloatArray:
    """Give the numbers of READ from means per member."""
    earned, placed = means[..., _MARGIN], means[..., _ORDERS] + means[..., _REFUNDED]
    others = np.stack([earned, placed], axis=-1)
    return np.concatenate([factors(means), worth(means), others], axis=-1)


def worth(means: FloatArray) -> FloatArray:
    """Give the value of a member, the product of the factors, from means per member."""
    value = means[..., _MARGIN] * (1 + means[..., _FRIENDS])
    return np.asarray(value[..., None])


def group(measures: Measures, tier: str, *, before: bool = False) -> Group:
    """Give the members of a tier, at the review or at the one before."""
    ending = "_before" if before else ""
    table = measures.members
    place = np.flatnonzero(table[f"tier{ending}"] == measures.tiers.index(tier))
    own = table.iloc[place]
    return Group(
        rows=own[[f"{name}{ending}" for name in BROUGHT]].to_numpy(dtype=np.float64),
        counts=own["n"].to_numpy(dtype=np.float64),
        place=place,
        smoothed=measures.has_invites,
    )
