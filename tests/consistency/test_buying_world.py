"""Simulated members buy as was planted, from the files to the models of purchases and amounts.

Of pools in which buying runs evenly, and neither tiers, offers, refunds nor pushes add to it or
take from it; members leave as usual. Their seeds are 1 to 3, none picked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import open_source
from siyu.data.world.buying import Buying, tabulate_orders
from siyu.data.world.columns import Columns
from siyu.data.world.settings import Settings
from siyu.data.world.tiering import Tiering
from siyu.data.world.truths.buying import state_buying
from siyu.stats.bg_nbd_forecast import expected
from siyu.stats.checks import normal_quantile
from siyu.stats.delta import slopes, variances
from siyu.studies.tiers import Definition, find_members, future
from siyu.studies.tiers.future.totals import fit_model

from tests.data.world.shopping import NOBODY, YEAR, draws, recruit

pytestmark = pytest.mark.slow

SEEDS, USERS = (1, 2, 3), 8_000
BUYING = Buying(even=True, refund_share=0.0)
PLAIN = Tiering(gold_jump=0.0, top_up=0.0, offer_day=date(2030, 1, 1))
TRUTHS = {truth.id: truth.value for truth in state_buying(Settings(buying=BUYING))}
NAMES = [
    *(f"buying.bg_nbd.{name}" for name in ("r", "alpha", "a", "b")),
    *(f"buying.gamma_gamma.{name}" for name in ("p", "q", "gamma")),
    *(f"buying.repeat_orders.day_{day}" for day in (30, 90, 180, 365)),
]
ONE_LEVEL = 0.95 ** (1 / (len(NAMES) * len(SEEDS)))
"""At which all intervals of all pools hold at once (Sidak)."""


def open_pool(folder, seed):
    stream = draws(seed)
    members = replace(recruit(USERS, stream=stream), extra=NOBODY)
    sales = members.shop(BUYING, PLAIN, stream=stream)
    columns, added_at = Columns(frame=YEAR), members.stay.added_at
    users = pa.table(
        {
            "user_id": columns.users(np.arange(USERS)),
            "added_at": columns.instants(added_at),
            "left_at": columns.instants(members.stay.left_at),
        }
    )
    pq.write_table(users.filter(pa.array(added_at < YEAR.end)), folder / "users.parquet")
    pq.write_table(tabulate_orders(columns, sales.orders), folder / "orders.parquet")
    days = f"{{from: {YEAR.first_day}, to: {YEAR.last_day}}}"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\nobserved: {days}\n", "utf-8")
    return open_source(folder)


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    return [open_pool(tmp_path_factory.mktemp("pool"), seed) for seed in SEEDS]


def measured(pool, unit):
    return future.measure(find_members(pool, Definition(), period_days=365), unit=unit)


def estimate(rows):
    """Logarithms of what the model says of each truth, and their errors."""
    model = fit_model(rows, level=0.95)
    buying, amounts = model.buying, model.amounts
    logs, covariance = buying.logs()

    def promised(theta):
        return np.log(expected(buying.moved(theta), [30, 90, 180, 365]))

    unsure = variances(slopes(promised, buying.theta), buying.covariance)
    values = np.concatenate([logs, amounts.logs, promised(buying.theta)])
    each = [np.diag(covariance), np.diag(amounts.covariance), unsure]
    return values, np.sqrt(np.concatenate(each))


def missed(rows):
    values, errors = estimate(rows)
    truths = np.log([TRUTHS[name] for name in NAMES])
    far = np.abs(values - truths) > normal_quantile(ONE_LEVEL) * errors
    return {name for name, is_far in zip(NAMES, far, strict=True) if is_far}


@pytest.fixture(scope="module")
def by_hour(pools):
    return [measured(pool, "hour") for pool in pools]


def test_what_was_planted_is_found(by_hour):
    assert [missed(measures.now) for measures in by_hour] == [set()] * len(SEEDS)


def test_to_follow_members_beyond_their_leaving_would_not_find_it(by_hour):
    """Who has left seems to have stopped."""
    for measures in by_hour:
        rows = measures.now
        longer = rows.assign(followed_days=rows["followed_days"] + 60 * rows["gone"])
        assert "buying.repeat_orders.day_365" in missed(longer)


def test_purchase_days_are_a_few_percent_fewer_than_orders(pools, by_hour):
    """An order on the day of another is no purchase of its own: it is the rates that look lower."""
    for pool, hours in zip(pools, by_hour, strict=True):
        days = measured(pool, "day").now
        fewer = np.exp(estimate(days)[0] - estimate(hours.now)[0])[-4:]
        assert ((fewer > 0.9) & (fewer < 0.99)).all()
        assert days["repeats"] @ days["n"] < hours.now["repeats"] @ hours.now["n"]


def test_the_past_forecasts_the_future(by_hour):
    """In the hold-out members leave about as they did before."""
    found = [future.forecast(measures, level=0.99) for measures in by_hour]
    assert [each.outcome for each in found] == ["held"] * len(SEEDS)
    assert all(abs(each.whole.expected / each.whole.later - 1) < 0.1 for each in found)
