"""Buyers drawn from the models of repeat purchases and amounts, with known parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd


def draw_buyers(rng, followed, *, r, alpha, a, b, ahead):
    """Draw what buyers buy while followed, and in the time `ahead` after it.

    Args:
        rng: source of random numbers.
        followed: how long each is followed since the first purchase.
        r: shape of the rates.
        alpha: their rate.
        a: first parameter of the probabilities to stop; NaN: all stop with probability b.
        b: second parameter.
        ahead: how long after.

    Returns:
        A row per buyer: repeats, last, followed, n (1), and `later`, purchases after it.
    """
    n = len(followed)
    rate = rng.gamma(r, 1 / alpha, n)
    stops = np.full(n, b) if np.isnan(a) else rng.beta(a, b, n)
    at, active = np.zeros(n), np.arange(n)
    repeats, later = np.zeros((2, n), dtype=int)
    last = np.zeros(n)
    while len(active):
        at[active] += rng.exponential(1 / rate[active])
        active = active[at[active] < followed[active] + ahead]
        known = at[active] <= followed[active]
        repeats[active[known]] += 1
        last[active[known]] = at[active[known]]
        later[active[~known]] += 1
        active = active[rng.random(len(active)) >= stops[active]]
    return pd.DataFrame(
        {"repeats": repeats, "last": last, "followed": followed, "n": 1, "later": later}
    )


def draw_amounts(rng, purchases, *, p, q, gamma):
    """Draw the mean amount of buyers with so many purchases (at least 1)."""
    rate = rng.gamma(q, 1 / gamma, len(purchases))
    return rng.gamma(p * purchases) / rate / purchases
