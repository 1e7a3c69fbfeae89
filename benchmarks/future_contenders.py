"""The same model of repeat purchases in two ways; each answers the question of `benchmarks.future`.

Each function gets ready and returns the question as a call without arguments; only that call is
measured. It returns the number of buyers and the greatest log-likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import Question
from benchmarks.logs import DATA

FIRST_DAY = np.datetime64("2025-04-01", "us")
DAYS = 365
_DAY_US = 86_400_000_000
_R, _ALPHA, _A, _B = 1.1, 16.0, 1.2, 6.0


def find_orders(n_buyers: int) -> Path:
    """Return the Parquet file of orders, generating it when it is not there yet, with the users.

    Args:
        n_buyers: number of buyers; each first bought on some day of the year.
    """
    folder = DATA / f"{n_buyers}-buyers"
    path = folder / "orders.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    rate, stops = rng.gamma(_R, 1 / _ALPHA, n_buyers), rng.beta(_A, _B, n_buyers)
    at, active = rng.uniform(0, DAYS, n_buyers), np.arange(n_buyers)
    who, when = [active], [at.copy()]
    while len(active):
        at[active] += rng.exponential(1 / rate[active])
        active = active[at[active] < DAYS]
        who.append(active)
        when.append(at[active])
        active = active[rng.random(len(active)) >= stops[active]]
    buyer, day = np.concatenate(who), np.concatenate(when)
    order = np.argsort(day)
    names = np.char.mod("%07d", np.arange(n_buyers))
    # Days of Shanghai begin at 16:00 of the day before, UTC.
    paid_at = FIRST_DAY + (day[order] * _DAY_US).astype("m8[us]") - np.timedelta64(8, "h")
    orders = {
        "order_id": np.char.mod("%08d", np.arange(len(order))),
        "user_id": names[buyer[order]],
        "paid_at": pa.array(paid_at, type=pa.timestamp("us", tz="UTC")),
        "amount_cny": np.round(rng.gamma(5, 20, len(order)) + 0.01, 2),
    }
    pq.write_table(pa.table({"user_id": names}), folder / "users.parquet")
    last = FIRST_DAY.astype("M8[D]") + np.timedelta64(DAYS - 1, "D")
    observed = f"observed: {{from: {FIRST_DAY.astype('M8[D]')}, to: {last}}}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", encoding="utf-8")
    pq.write_table(pa.table(orders), path)
    return path


def siyu(log: Path) -> Question:
    """Ask as the notebook does, up to the fit."""
    from siyu.data import open_source
    from siyu.stats import bg_nbd
    from siyu.studies.tiers import Definition, find_members, future

    pool = open_source(log.parent)

    def ask() -> Iterable[tuple[str, int]]:
        rows = future.measure(find_members(pool, Definition(), period_days=DAYS)).now
        keys = {"repeats": "repeats", "last_days": "last", "followed_days": "followed", "n": "n"}
        return _tell(bg_nbd.fit(rows.rename(columns=keys)).log_likelihood, int(rows["n"].sum()))

    return ask


def scipy(log: Path) -> Question:
    """Write the likelihood down, a row per buyer, and let SciPy find its maximum."""
    import pandas as pd
    from scipy.optimize import minimize
    from scipy.special import gammaln

    def ask() -> Iterable[tuple[str, int]]:
        orders = pd.read_parquet(log, columns=["user_id", "paid_at"])
        day = orders["paid_at"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None)
        orders["day"] = (day - FIRST_DAY).dt.days
        days = orders.drop_duplicates(["user_id", "day"]).groupby("user_id")["day"]
        found = days.agg(["min", "max", "count"])
        x = found["count"].to_numpy() - 1
        last = (found["max"] - found["min"]).to_numpy().astype(float)
        followed = (DAYS - 1 - found["min"]).to_numpy().astype(float)

        def lost(logs: np.ndarray) -> float:
            r, alpha, a, b = np.exp(logs)
            one = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            two = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
            three = -(r + x) * np.log(alpha + followed)
            four = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last)
            both = np.where(x > 0, np.logaddexp(three, four), three)
            return float(-(one + two + both).mean())

        best = minimize(lost, [0.0, 3.0, 0.0, 1.0], method="L-BFGS-B", options={"ftol": 1e-14})
        return _tell(-best.fun * len(x), len(x))

    return ask


def _tell(log_likelihood: float, buyers: int) -> list[tuple[str, int]]:
    return [
        ("buyers", buyers),
        ("log-likelihood per 1,000", round(1_000 * log_likelihood / buyers)),
    ]


CONTENDERS: dict[str, Callable[[Path], Question]] = {"siyu": siyu, "scipy": scipy}
