"""What groups of buyers will buy and pay, with what is not known of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu.stats import bg_nbd, bg_nbd_forecast, gamma_gamma
from siyu.stats.checks import FloatArray
from siyu.stats.delta import slopes

TIED = 0.3
"""A correlation of frequency and amount clearly beyond this is too far from none."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """How often buyers buy, for how much, and how many leave.

    buying: purchases while they have not left. amounts: what a purchase brings, or None and the
    reason in `amounts_refused`. correlation: of frequency and amount, with its interval.
    leaving_rate: who leaves per buyer and day, constant, from `leavers` of the days before.
    """

    buying: bg_nbd.Fit
    amounts: gamma_gamma.Fit | None
    amounts_refused: str
    correlation: tuple[float, float, float]
    leaving_rate: float
    leavers: int

    def there_days(self, days: float, *, log_factor: float = 0.0) -> float:
        """How many of so many days a buyer who is there can be expected not to have left."""
        rate = self.leaving_rate * np.exp(log_factor)
        return float(-np.expm1(-rate * days) / rate) if rate else days

    def leaving_share(self, days: float) -> float:
        """The share of those who are there that leaves within so many days."""
        return float(-np.expm1(-self.leaving_rate * days))


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over the buyers of each group who are there: `n`, purchases, pay (yuan), still buying.

    The variances are those of a prediction: parameters and chance. `each_alive` and `each_paid` are
    those of one buyer of each row (pay: NaN without a model of amounts).
    """

    n: FloatArray
    bought: FloatArray
    bought_variance: FloatArray
    paid: FloatArray
    paid_variance: FloatArray
    alive: FloatArray
    alive_variance: FloatArray
    each_alive: FloatArray
    each_paid: FloatArray


def fit_model(rows: pd.DataFrame, *, level: float) -> Model:
    """Fit what was known of buyers at a moment.

    Args:
        rows: as in `Measures.now`.
        level: coverage of the interval of the correlation, between 0 and 1.

    Raises:
        bg_nbd.FitError: there is no model of how often they buy.
    """
    names = {"last_days": "last", "followed_days": "followed"}
    keys = ["repeats", "last_days", "followed_days"]
    grouped = rows[[*keys, "n"]].groupby(keys, as_index=False).sum().rename(columns=names)
    leavers, days = rows["recent_left"].sum(), rows["recent_days"].sum()
    paid = rows[(rows["repeats"] > 0) & (rows["spent_cny"] > 0)]
    amounts = pd.DataFrame(
        {"purchases": paid["repeats"], "mean": paid["spent_cny"] / paid["repeats"], "n": paid["n"]}
    )
    correlation = gamma_gamma.correlation(amounts, level=level)
    refused, model = "", None
    try:
        model = gamma_gamma.fit(amounts)
    except gamma_gamma.FitError as error:
        refused = error.reason
    if correlation[1] > TIED or correlation[2] < -TIED:
        refused, model = "tied", None
    return Model(
        buying=bg_nbd.fit(grouped),
        amounts=model,
        amounts_refused=refused,
        correlation=correlation,
        leaving_rate=float(leavers / days) if days else 0.0,
        leavers=int(leavers),
    )


def total(model: Model, rows: pd.DataFrame, inside: FloatArray, *, days: float) -> Totals:
    """Sum over groups what those who are there will buy and pay in the days to come.

    A buyer who leaves buys no more. The days that those there stay are counted as the mean over
    when they leave, at one rate for all: slightly too many purchases where many leave.

    Args:
        model: from `fit_model`.
        rows: as in `Measures.now`.
        inside: groups x rows: 1 where a row is in a group.
        days: how far ahead, above 0.
    """
    inside = inside * (rows["n"] * (rows["gone"] == 0)).to_numpy(float)
    past = {
        "repeats": rows["repeats"].to_numpy(float),
        "last": rows["last_days"].to_numpy(float),
        "followed": rows["followed_days"].to_numpy(float),
    }
    paid = {
        "purchases": past["repeats"],
        "mean": (rows["spent_cny"] / rows["repeats"].clip(lower=1)).to_numpy(float),
    }
    buying, amounts = model.buying, model.amounts
    at = np.concatenate([buying.theta, [0.0], [] if amounts is None else amounts.logs])
    covariance = np.zeros((at.size, at.size))
    covariance[:4, :4] = buying.covariance
    covariance[4, 4] = 1 / model.leavers if model.leavers else 0.0
    if amounts is not None:
        covariance[5:, 5:] = amounts.covariance

    def each(theta: FloatArray) -> FloatArray:
        """Expect purchases and pay of a buyer of each row."""
        time = model.there_days(days, log_factor=theta[4])
        bought = bg_nbd_forecast.expected(buying.moved(theta[:4]), time, **past)
        if amounts is None:
            return np.stack([bought, np.full(len(bought), np.nan)])
        moved = amounts.moved(theta[5:])
        return np.stack([bought, bought * gamma_gamma.expected(moved, **paid)])

    def alive(theta: FloatArray) -> FloatArray:
        return inside @ bg_nbd_forecast.alive(buying.moved(theta), **past)

    gradient = slopes(lambda theta: inside @ each(theta).T, at)
    unsure = np.einsum("gki,ij,gkj->gk", gradient, covariance, gradient)
    bought, pay = each(at)
    variance = bg_nbd_forecast.variance(buying, model.there_days(days), **past)
    pay_variance = np.full(len(pay), np.nan)
    if amounts is not None:
        mean, square, around = gamma_gamma.moments(amounts, **paid)
        # The number Y and the amounts Z of mean M are independent:
        # V = E[Y] E[V(Z)] + E[Y^2] E[M^2] - E[Y]^2 E[M]^2.
        pay_variance = bought * around + (variance + bought**2) * square - (bought * mean) ** 2
    slope = slopes(alive, buying.theta)
    here = bg_nbd_forecast.alive(buying, **past)
    return Totals(
        n=inside.sum(axis=1),
        bought=inside @ bought,
        bought_variance=unsure[:, 0] + inside @ variance,
        paid=inside @ pay,
        paid_variance=unsure[:, 1] + inside @ pay_variance,
        alive=inside @ here,
        alive_variance=np.einsum("gi,ij,gj->g", slope, buying.covariance, slope)
        + inside @ (here * (1 - here)),
        each_alive=here,
        each_paid=pay,
    )
