"""Pools that never change, whose members find another pace now and then, reviewed every 30 days."""

from __future__ import annotations

import numpy as np

POOLS, MEMBERS = 150, 2_000
BASIS, MONTH, WINDOW = 90, 30, 28
PACE_DAYS = 30
"""How long a pace lasts, on average."""
MOST = 0.05 + 2 * np.sqrt(0.05 * 0.95 / POOLS)
"""So many of the pools may raise an alert: 5 %, and two Monte Carlo errors."""
TIERS, HIGH = ("ordinary", "silver", "gold", "diamond"), ("gold", "diamond")


def live():
    """Give what members do, by pool, member and day, from 90 days before the first review.

    Who is at the top falls back, while the pool as a whole never changes.
    """
    rng, shape = np.random.default_rng(20260801), (POOLS, MEMBERS)
    pace, days = rng.gamma(0.5, 0.06, size=shape), []
    for _ in range(BASIS + 2 * MONTH + WINDOW):
        changes = rng.random(shape) < 1 / PACE_DAYS
        pace[changes] = rng.gamma(0.5, 0.06, size=changes.sum())
        days.append(rng.random(shape) < pace)
    return np.stack(days, axis=2)


def tiers(days, review):
    """The tier at a review so many days after the first: by the 90 days before it."""
    return np.searchsorted([1, 4, 8], days[:, review : review + BASIS].sum(axis=1), side="right")


def window(days, start):
    """The 28 days that begin so many days after the first review."""
    return days[:, BASIS + start : BASIS + start + WINDOW]


def as_long_after(days):
    """Tiers and days of two windows that begin 27 days after a review: on days 27 and 57."""
    return tiers(days, 0), window(days, 27), tiers(days, MONTH), window(days, 57)


def last_review(days):
    """The last 28 days and those before, from days 58 and 30: both by the review of day 30."""
    return tiers(days, MONTH), window(days, 30), tiers(days, MONTH), window(days, 58)


def of_today(days):
    """The tier of today in both windows."""
    today = tiers(days, 2 * MONTH)
    return today, window(days, 30), today, window(days, 58)


def fallen(days):
    """The same, after four in ten of what was done from day 57 on has ceased."""
    kept = days.copy()
    kept[:, BASIS + 57 :] &= np.random.default_rng(1).random(kept[:, BASIS + 57 :].shape) < 0.6
    return as_long_after(kept)
