"""What is stated of the funnel is what its settings plant and what drawn data show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world import Settings
from siyu.data.world.draws import DAY, NEVER, open_stream
from siyu.data.world.funnel import STEPS, Funnel, locate_periods
from siyu.data.world.lures import Lures
from siyu.data.world.people import PLACES, Arrivals
from siyu.data.world.pool import draw_pool
from siyu.data.world.staying import Staying
from siyu.data.world.tables import tabulate_pool
from siyu.data.world.truths import funnel as stated
from siyu.data.world.truths.facts import Truth

from tests.data.world.journeys import draw_journeys

Tables = Mapping[str, pd.DataFrame]
LARGE = Settings(users=60_000, seed=1)
# All who are added are greeted within the hour, stay, and do the next step within minutes: rates
# multiply.
SIMPLE = Settings(
    arrivals=Arrivals(activity_sigma=0.0),
    funnel=Funnel(
        repeat_starts=0.0,
        tie_share=0.0,
        delay_hours={channel: dict.fromkeys(STEPS, 0.01) for channel in CHANNELS},
        faults={},
    ),
    lures=Lures(
        adding=dict.fromkeys(LURES, 1.0), slowness=dict.fromkeys(LURES, 1.0), refused=1.0, tests={}
    ),
    staying=Staying(
        leave_per_day=dict.fromkeys(LURES, 0.0),
        leave_at_once=dict.fromkeys(LURES, 0.0),
        greet_share=1.0,
        slow_effort=1.0,
        night_effort=1.0,
        adherence=0.0,
    ),
)


@pytest.fixture(autouse=True, scope="module")
def _fewer_batches() -> Iterator[None]:
    """A part of the people is enough here; the stated Monte Carlo error says how enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stated, "BATCHES", 6)
        yield


@pytest.fixture(scope="module")
def truths() -> dict[str, Truth]:
    return state(Settings())


def state(settings: Settings) -> dict[str, Truth]:
    found = stated.state_funnel(settings)
    named = {truth.id.removeprefix("funnel."): truth for truth in found}
    assert len(named) == len(found)
    assert all(truth.id.startswith("funnel.") for truth in found)
    return named


@cache
def draw_large() -> Tables:
    return {name: table.to_pandas() for name, table in draw_journeys(LARGE).items()}


def read_funnel(tables: Tables, settings: Settings) -> pd.DataFrame:
    """Depth of each user's best chain, read from the tables alone; one row per user and period."""
    midnight = pd.Timestamp(settings.frame.first_day, tz="Asia/Shanghai")
    events = tables["events"]
    seconds = ((events["occurred_at"] - midnight) // pd.Timedelta(seconds=1)).astype("int64")
    log = events.assign(at=seconds)
    scans = log.loc[log["event"] == "scan", ["user_id", "at"]].rename(columns={"at": "start"})
    for name in ("add", "reply", "order"):
        first = log[log["event"] == name].groupby("user_id")["at"].min().rename(name)
        scans = scans.join(first, on="user_id")
    latest = scans["start"] + settings.funnel.window_days * DAY
    added = (scans["add"] >= scans["start"]) & (scans["add"] <= latest)
    replied = added & (scans["reply"] >= scans["add"]) & (scans["reply"] <= latest)
    ordered = replied & (scans["order"] >= scans["reply"]) & (scans["order"] <= latest)
    scans["depth"] = 1 + added.astype(int) + replied.astype(int) + ordered.astype(int)
    parts = []
    for period, (opens, closes) in locate_periods(settings.funnel, settings.frame).items():
        inside = scans[(scans["start"] >= opens) & (scans["start"] <= closes)]
        parts.append(inside.groupby("user_id")["depth"].max().reset_index().assign(period=period))
    users = tables["users"][["user_id", "channel", "touchpoint", "gender"]]
    return pd.concat(parts).merge(users, on="user_id")


def assert_share(count: float, n: float, expected: Truth, *, errors: float = 4.0) -> None:
    """A binomial share lies within so many standard errors of a truth, its own error included."""
    assert n > 30
    error = math.sqrt(expected.value * (1 - expected.value) / n)
    assert abs(count / n - expected.value) <= errors * math.hypot(error, expected.standard_error)


# --- what is planted


def test_the_total_truly_falls_while_every_channel_improves(truths: dict[str, Truth]) -> None:
    for entry in ("best", "first"):
        before, after = (f"conversion.{entry}.{period}" for period in ("before", "after"))
        assert truths[f"{after}.all"].value < truths[f"{before}.all"].value - 0.02
        for channel in CHANNELS:
            assert truths[f"{after}.{channel}"].value > truths[f"{before}.{channel}"].value + 0.01


def test_the_mix_and_rate_parts_sum_to_the_change(truths: dict[str, Truth]) -> None:
    value = {name: truth.value for name, truth in truths.items()}
    for entry in ("best", "first"):
        total = value[f"change.{entry}.total"]
        parts = value[f"change.{entry}.mix"] + value[f"change.{entry}.rate"]
        change = value[f"conversion.{entry}.after.all"] - value[f"conversion.{entry}.before.all"]
        assert abs(total - parts) < 2e-6, "stated to six digits"
        assert abs(total - change) < 2e-6
        assert value[f"change.{entry}.mix"] < 0 < value[f"change.{entry}.rate"]


def test_a_conversion_is_the_product_of_its_step_rates(truths: dict[str, Truth]) -> None:
    for period in ("before", "after"):
        for segment in (*CHANNELS, "all"):
            steps = [f"step_rate.best.{period}.{segment}.{step}" for step in stated.FUNNEL[1:]]
            product = math.prod(truths[name].value for name in steps)
            assert abs(truths[f"conversion.best.{period}.{segment}"].value - product) < 2e-6


def test_the_best_start_converts_at_least_as_often_as_the_first(truths: dict[str, Truth]) -> None:
    for name, truth in truths.items():
        if name.startswith("conversion.best"):
            assert truth.value >= truths[name.replace("best", "first")].value


def test_where_nothing_intervenes_the_conversion_is_the_product_of_the_rates() -> None:
    found = state(SIMPLE)
    for period, rates in (
        ("before", SIMPLE.funnel.rates_before),
        ("after", SIMPLE.funnel.rates_after),
    ):
        for channel in CHANNELS:
            best = found[f"conversion.best.{period}.{channel}"]
            expected = math.prod(rates[channel][step] for step in STEPS[1:])
            assert abs(best.value - expected) < 4 * best.standard_error
            first = found[f"conversion.first.{period}.{channel}"]
            alike = (first.value, first.standard_error)
            assert (best.value, best.standard_error) == alike, "with one start each"


def test_replying_is_worse_at_the_store_poster_and_nothing_else_is(
    truths: dict[str, Truth],
) -> None:
    for period in ("before", "after"):
        for step, factor in (("add", 1.0), ("reply", 0.5), ("order", 1.0)):
            poster, code = (
                truths[f"step_rate.best.{period}.{touchpoint}.{step}"]
                for touchpoint in ("store_poster", "live_qr")
            )
            error = math.hypot(poster.standard_error, factor * code.standard_error)
            assert abs(poster.value - factor * code.value) < 4 * error
        fault = truths[f"fault.best.{period}.store_poster"]
        # Half the replies, half the orders: the poster loses as much as it keeps.
        kept = math.prod(
            truths[f"step_rate.best.{period}.store_poster.{step}"].value
            for step in stated.FUNNEL[1:]
        )
        assert abs(fault.value + kept) < 5 * fault.standard_error


def test_a_fault_at_its_full_strength_leaves_out_the_steps_nobody_can_take() -> None:
    found = state(Settings(funnel=Funnel(faults={"kol": {"add": 0.0}})))
    assert found["step_rate.best.after.kol.add"].value == 0
    assert "step_rate.best.after.kol.reply" not in found
    assert found["fault.best.after.kol"].value < 0


def test_without_a_fault_no_cost_of_one_is_stated() -> None:
    assert not [name for name in state(SIMPLE) if name.startswith("fault")]


def test_truths_depend_on_neither_seed_nor_users(truths: dict[str, Truth]) -> None:
    assert state(Settings(seed=7, users=10)) == truths


def test_every_truth_says_with_which_study_it_is_found(truths: dict[str, Truth]) -> None:
    assert truths["difference.gender"].value == 0
    for name, truth in truths.items():
        simulated = truth.computed.startswith("simulated")
        assert (truth.standard_error > 0) == simulated, name
        assert simulated or truth.computed.startswith("closed form")
        assert truth.settings == {
            "steps": ["scan", "add", "reply", "order"],
            "window_days": 14,
            "entry": "first" if ".first." in name else "best",
            "order": "ordered",
            "ties": "either",
            "period_days": 182,
            "as_of": date(2026, 3, 31).isoformat(),
        }


# --- what data show


def test_a_large_pool_holds_the_true_rates(truths: dict[str, Truth]) -> None:
    funnel = read_funnel(draw_large(), LARGE)
    for period in ("before", "after"):
        now = funnel[funnel["period"] == period]
        segments = {channel: now[now["channel"] == channel] for channel in CHANNELS} | {"all": now}
        for segment, here in segments.items():
            expected = truths[f"conversion.best.{period}.{segment}"]
            assert_share((here["depth"] == 4).sum(), len(here), expected)
        segments |= {place: now[now["touchpoint"] == place] for _, place in PLACES}
        for segment, here in segments.items():
            for depth, step in ((2, "add"), (3, "reply"), (4, "order")):
                asked, done = (here["depth"] >= depth - 1).sum(), (here["depth"] >= depth).sum()
                assert_share(done, asked, truths[f"step_rate.best.{period}.{segment}.{step}"])


def test_friends_pushes_and_later_orders_leave_the_funnel_as_it_is() -> None:
    settings = Settings(users=3_000)
    stream = partial(open_stream, settings.seed, 0)
    whole = tabulate_pool(
        settings, draw_pool(settings, users=settings.users, stream=stream), stream=stream
    )
    alone = {name: table.to_pandas() for name, table in draw_journeys(settings).items()}
    found, expected = (
        read_funnel(tables, settings).drop(columns="gender")
        for tables in ({name: whole[name].to_pandas() for name in ("users", "events")}, alone)
    )
    assert (expected["depth"] == 4).sum() > 100
    pd.testing.assert_frame_equal(found, expected)


def test_the_reversal_shows_in_the_data() -> None:
    funnel = read_funnel(draw_large(), LARGE)
    converted = funnel["depth"] == 4
    rate = converted.groupby([funnel["period"], funnel["channel"]]).mean()
    assert (rate["after"] > rate["before"]).all()
    total = converted.groupby(funnel["period"]).mean()
    assert total["after"] < total["before"]


def test_gender_makes_no_difference() -> None:
    funnel = read_funnel(draw_large(), LARGE)
    converted = (funnel["depth"] == 4).groupby(funnel["gender"]).agg(["sum", "size"])
    rate = converted["sum"] / converted["size"]
    error = math.sqrt((rate * (1 - rate) / converted["size"]).sum())
    assert abs(rate["female"] - rate["male"]) < 3 * error


def test_counting_the_immature_as_lost_would_read_the_last_days_far_too_low(
    truths: dict[str, Truth],
) -> None:
    events = draw_large()["events"]
    recent = pd.Timestamp("2026-03-25", tz="Asia/Shanghai")
    log = events[events["occurred_at"] >= recent]
    entered = set(log.loc[log["event"] == "scan", "user_id"])
    assert len(entered) > 500
    ordered = entered & set(log.loc[log["event"] == "order", "user_id"])
    assert len(ordered) / len(entered) < 0.7 * truths["conversion.best.after.all"].value


# --- reading chains


@pytest.mark.parametrize(
    ("scans", "later", "best", "first"),
    [
        # From the scan on day 1 the order on day 16 comes too late, from day 2 just in time.
        ([1 * DAY, 2 * DAY], (3 * DAY, 4 * DAY, 16 * DAY), 4, 3),
        ([1 * DAY, 2 * DAY], (3 * DAY, 4 * DAY, 16 * DAY + 1), 3, 3),
        # A scan after the addition cannot begin a chain that adds.
        ([5 * DAY, NEVER], (3 * DAY, 4 * DAY, 6 * DAY), 1, 1),
        # Equal times count in either order.
        ([3 * DAY, NEVER], (3 * DAY, 4 * DAY, 4 * DAY), 4, 4),
        # Scans need not come in order; the first eligible one is on day 2.
        ([30 * DAY, 2 * DAY], (31 * DAY, 32 * DAY, 33 * DAY), 4, 1),
        # Nothing eligible.
        ([NEVER, 41 * DAY], (42 * DAY, NEVER, NEVER), 0, 0),
    ],
)
def test_the_depth_of_a_chain(
    scans: list[int], later: tuple[int, int, int], best: int, first: int
) -> None:
    found = stated.measure_depths(
        np.array([scans]),
        tuple(np.array([at]) for at in later),
        opens=0,
        closes=40 * DAY,
        window_days=14,
    )
    assert [int(depth[0]) for depth in found] == [best, first]
