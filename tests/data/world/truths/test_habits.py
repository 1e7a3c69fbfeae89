"""The truths about coming back are those of drawn pools, counted from the written tables."""

from __future__ import annotations

import math
from functools import cache, partial

import pandas as pd
import pytest
from siyu.data.contract import CHANNELS
from siyu.data.world.draws import open_stream
from siyu.data.world.pool import draw_pool
from siyu.data.world.settings import Settings
from siyu.data.world.tables import tabulate_pool
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.habits import state_habits

pytestmark = pytest.mark.slow


@cache
def truths() -> dict[str, Truth]:
    return {truth.id.rpartition(".")[2]: truth for truth in state_habits(Settings())}


@cache
def come_back() -> pd.DataFrame:
    """Members added by a scan and observed long enough: channel, and whether they came back."""
    settings, stream = Settings(), partial(open_stream, 5, 0)
    pool = draw_pool(settings, users=15_000, stream=stream)
    tables = tabulate_pool(settings, pool, stream=stream)
    users, events = (tables[name].to_pandas() for name in ("users", "events"))
    users = users[users["added_at"].notna() & users["referrer_id"].isna()]

    def day(column: pd.Series) -> pd.Series:
        return column.dt.tz_convert("Asia/Shanghai").dt.tz_localize(None).dt.floor("D")

    users = users.assign(added=day(users["added_at"]))
    users = users[users["added"] + pd.Timedelta(days=13) <= pd.Timestamp("2026-03-31")]
    log = events[events["event"].isin(truths()["all"].settings["return_events"])]
    log = log.merge(users[["user_id", "added"]], on="user_id")
    since = (day(log["occurred_at"]) - log["added"]).dt.days
    back = set(log.loc[since.between(7, 13), "user_id"])
    return users.assign(back=users["user_id"].isin(back))[["channel", "back"]]


@pytest.mark.parametrize("channel", [*CHANNELS, "all"])
def test_as_many_members_of_a_drawn_pool_come_back(channel: str) -> None:
    users = come_back()
    own = users if channel == "all" else users[users["channel"] == channel]
    truth = truths()[channel]
    error = math.hypot(math.sqrt(truth.value * (1 - truth.value) / len(own)), truth.standard_error)
    assert len(own) > 500
    assert abs(own["back"].mean() - truth.value) < 4 * error


def test_one_channel_is_near_the_threshold_of_30_percent_and_one_clearly_below() -> None:
    assert abs(truths()["offline"].value - 0.30) < 0.02
    assert truths()["commercial"].value < 0.20


def test_the_truths_depend_on_neither_seed_nor_users() -> None:
    again = {
        truth.id.rpartition(".")[2]: truth for truth in state_habits(Settings(seed=1, users=9))
    }
    assert again == truths()
