"""The simulated pool holds what its settings say, and its truths are those of its definition."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world import Settings, SettingsError, compute_truths, write_sample
from siyu.data.world.paths import (
    DAY,
    NEVER,
    PLACES,
    Paths,
    draw_paths,
    draw_people,
    open_stream,
    pick,
)
from siyu.data.world.settings import STEPS, TOUCHPOINTS
from siyu.data.world.tables import ITEMS, draw_tables
from siyu.data.world.truth import locate_periods, measure_depths

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
NO_FAULT = Settings(faults={})
# Everyone does the next step within seconds or minutes, once, and stays: rates multiply.
SIMPLE = Settings(
    users=40_000,
    repeat_starts=0.0,
    tie_share=0.0,
    leave_per_day=dict.fromkeys(LURES, 0.0),
    delay_hours={channel: dict.fromkeys(STEPS, 0.01) for channel in CHANNELS},
    faults={},
)
OPENING = pd.Timestamp("2025-12-01", tz="Asia/Shanghai")


@cache
def draw(settings_key: str = "sample") -> dict[str, pd.DataFrame]:
    settings = {
        "sample": Settings(),
        "simple": SIMPLE,
        "large": Settings(users=60_000, seed=1),
        "leaving": Settings(users=3000, leave_per_day=dict.fromkeys(LURES, 0.3)),
    }[settings_key]
    return frames(settings)


def frames(settings: Settings) -> dict[str, pd.DataFrame]:
    tables = draw_tables(settings, stream=partial(open_stream, settings.seed))
    return {name: table.to_pandas() for name, table in tables.items()}


@cache
def truths() -> dict[str, float]:
    return {truth.id: truth.value for truth in compute_truths(Settings())}


def read_funnel(tables: dict[str, pd.DataFrame], settings: Settings) -> pd.DataFrame:
    """Depth of each user's best chain, read from the tables alone; one row per user and period."""
    events = tables["events"]
    seconds = ((events["occurred_at"] - OPENING) // pd.Timedelta(seconds=1)).astype("int64")
    log = events.assign(at=seconds)
    scans = log.loc[log["event"] == "scan", ["user_id", "at"]].rename(columns={"at": "start"})
    for name in ("add", "reply", "order"):
        first = log[log["event"] == name].groupby("user_id")["at"].min().rename(name)
        scans = scans.join(first, on="user_id")
    latest = scans["start"] + settings.window_days * DAY
    added = (scans["add"] >= scans["start"]) & (scans["add"] <= latest)
    replied = added & (scans["reply"] >= scans["add"]) & (scans["reply"] <= latest)
    ordered = replied & (scans["order"] >= scans["reply"]) & (scans["order"] <= latest)
    scans["depth"] = 1 + added.astype(int) + replied.astype(int) + ordered.astype(int)
    parts = []
    for period, (opens, closes) in locate_periods(settings).items():
        inside = scans[(scans["start"] >= opens) & (scans["start"] <= closes)]
        parts.append(inside.groupby("user_id")["depth"].max().reset_index().assign(period=period))
    users = tables["users"][["user_id", "channel", "touchpoint", "gender"]]
    return pd.concat(parts).merge(users, on="user_id")


def assert_share(count: float, n: float, expected: float, *, errors: float = 4.0) -> None:
    """A binomial share lies within so many standard errors of what is expected."""
    assert n > 0
    assert abs(count / n - expected) <= errors * math.sqrt(expected * (1 - expected) / n)


# --- the committed sample


def test_the_committed_sample_is_what_the_default_settings_give(tmp_path: Path) -> None:
    write_sample(tmp_path, Settings())
    for name in ("users", "events", "orders"):
        fresh, kept = (pq.read_table(folder / f"{name}.parquet") for folder in (tmp_path, SAMPLE))
        assert fresh.equals(kept), name
    for name in ("truth.json", "source.yaml"):
        assert (tmp_path / name).read_text() == (SAMPLE / name).read_text()


def test_the_committed_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 2_000_000


def test_the_sample_declares_its_zone_and_its_observed_days() -> None:
    source = yaml.safe_load((SAMPLE / "source.yaml").read_text())
    assert source["timezone"] == "Asia/Shanghai"
    assert source["observed"] == {"from": date(2025, 12, 1), "to": date(2026, 3, 31)}


def test_every_stored_truth_says_what_it_is_and_how_it_was_computed() -> None:
    stored = json.loads((SAMPLE / "truth.json").read_text())
    assert stored["settings"]["users"] == 6000
    names = [truth["id"] for truth in stored["truths"]]
    assert len(names) == len(set(names))
    for truth in stored["truths"]:
        assert truth["estimand"]
        assert truth["settings"]["steps"] == ["scan", "add", "reply", "order"]
        assert truth["computed"].startswith(("simulated", "closed form"))
        assert (truth["standard_error"] > 0) == truth["computed"].startswith("simulated")


# --- determinism and streams


def test_another_seed_gives_another_pool_with_the_same_truths() -> None:
    small = replace(Settings(), users=300)
    other = replace(small, seed=1)
    assert frames(small)["users"].equals(frames(small)["users"])
    assert not frames(small)["users"].equals(frames(other)["users"])


def test_the_truths_depend_on_neither_seed_nor_users() -> None:
    again = {truth.id: truth.value for truth in compute_truths(Settings(seed=7, users=10))}
    assert again == truths()


def test_changing_what_orders_are_worth_leaves_users_and_events_alone() -> None:
    changed = frames(Settings(coupon_share=0.9, refund_share=0.5))
    for name in ("users", "events"):
        pd.testing.assert_frame_equal(changed[name], draw()[name])
    same = ["order_id", "user_id", "paid_at", "category", "item"]
    pd.testing.assert_frame_equal(changed["orders"][same], draw()["orders"][same])
    assert (changed["orders"]["coupon_cny"] > 0).mean() > 0.8
    assert (changed["orders"]["refunded_cny"] > 0).mean() > 0.4


def test_changing_how_often_people_buy_again_leaves_every_other_event_alone() -> None:
    changed = frames(Settings(repeat_orders=3.0))
    pd.testing.assert_frame_equal(changed["users"], draw()["users"])
    before, after = (
        tables["events"].query("event != 'order'").reset_index(drop=True)
        for tables in (draw(), changed)
    )
    pd.testing.assert_frame_equal(before, after)
    assert len(changed["orders"]) > 1.3 * len(draw()["orders"])


def test_changing_who_leaves_changes_neither_arrivals_nor_traits() -> None:
    changed = frames(Settings(leave_per_day=dict.fromkeys(LURES, 0.2)))["users"]
    still = draw()["users"].columns.drop(["left_at", "added_at", "lure", "staff_id"])
    pd.testing.assert_frame_equal(changed[still], draw()["users"][still])
    assert changed["left_at"].count() > 1.5 * draw()["users"]["left_at"].count()


def test_a_fault_touches_only_its_own_touchpoint_and_the_steps_from_there_on() -> None:
    settings = Settings(users=5000)
    stream = partial(open_stream, settings.seed)
    people = draw_people(settings, users=settings.users, stream=stream)
    broken, whole = (
        draw_paths(which, people, stream=stream)
        for which in (settings, replace(settings, faults={}))
    )
    poster = people.place == PLACES.index(("offline", "store_poster"))
    for name in ("exposed_at", "scanned_at", "added_at", "greeted_at", "left_at"):
        np.testing.assert_array_equal(getattr(broken, name), getattr(whole, name))
    np.testing.assert_array_equal(broken.ordered_at[~poster], whole.ordered_at[~poster])
    replied = broken.replied_at[poster] < NEVER
    np.testing.assert_array_equal(
        broken.replied_at[poster][replied], whole.replied_at[poster][replied]
    )
    assert_share(replied.sum(), (whole.replied_at[poster] < NEVER).sum(), 0.5)


# --- the shape of the tables


def test_ids_are_text_and_keep_their_leading_zeros() -> None:
    users, orders = draw()["users"], draw()["orders"]
    assert list(users["user_id"][:2]) == ["000001", "000002"]
    assert users["user_id"].is_unique
    assert set(users["staff_id"].dropna()) == {f"{number:03d}" for number in range(1, 13)}
    assert orders["order_id"].is_unique
    assert orders["order_id"].str.fullmatch(r"A\d{7}").all()


def test_instants_are_whole_seconds_in_utc_within_the_observed_days() -> None:
    schema = pq.read_schema(SAMPLE / "events.parquet")
    assert schema.field("occurred_at").type == pa.timestamp("us", tz="UTC")
    at = draw()["events"]["occurred_at"]
    assert (at.dt.microsecond == 0).all()
    assert at.is_monotonic_increasing
    assert at.min() >= OPENING
    for moment in (at, draw()["users"]["left_at"], draw()["users"]["added_at"]):
        assert moment.max() < pd.Timestamp("2026-04-01", tz="Asia/Shanghai")


def test_lure_and_staff_are_known_exactly_for_people_who_added() -> None:
    users = draw()["users"]
    for column in ("lure", "staff_id"):
        assert (users[column].notna() == users["added_at"].notna()).all()
    assert users["added_at"].isna().any()
    adds = draw()["events"].query("event == 'add'").set_index("user_id")["occurred_at"]
    added = users.set_index("user_id")["added_at"].dropna()
    pd.testing.assert_series_equal(added, adds.sort_index(), check_names=False)


def test_nobody_does_or_receives_anything_after_leaving() -> None:
    tables = draw("leaving")
    events = tables["events"].merge(tables["users"][["user_id", "left_at"]], on="user_id")
    gone = events["left_at"].notna()
    assert gone.sum() > 1000
    assert (events.loc[gone, "occurred_at"] <= events.loc[gone, "left_at"]).all()
    kept = tables["users"].dropna(subset=["left_at"])
    assert (kept["left_at"] > kept["added_at"]).all()


def test_every_order_event_has_its_order_at_the_same_instant() -> None:
    events = draw()["events"].query("event == 'order'")
    orders = draw()["orders"].rename(columns={"paid_at": "occurred_at"})
    columns = ["user_id", "occurred_at", "item"]
    pd.testing.assert_frame_equal(
        events[columns].reset_index(drop=True), orders[columns].reset_index(drop=True)
    )
    assert events["user_id"].duplicated().any(), "some people buy again"


def test_amounts_are_exact_to_the_fen_and_add_up() -> None:
    money = pa.decimal128(18, 2)
    schema = pq.read_schema(SAMPLE / "orders.parquet")
    names = ["amount_cny", "margin_cny", "coupon_cny", "refunded_cny"]
    assert [schema.field(name).type for name in names] == [money] * 4
    price = {item: fen for _, item, fen, *_ in ITEMS}
    for order in draw()["orders"].itertuples():
        listed = int((order.amount_cny + order.coupon_cny) * 100)
        assert listed % price[order.item] == 0
        assert order.refunded_cny in (0, order.amount_cny)


def test_some_of_a_persons_events_share_a_second_and_sort_by_name_not_by_path() -> None:
    events = draw()["events"]
    tied = events[events.duplicated(["user_id", "occurred_at"], keep=False)]
    names = tied.groupby(["user_id", "occurred_at"], sort=False)["event"].apply(list)
    assert ["add", "scan"] in names.to_list()
    assert all(group == sorted(group) for group in names)


def test_a_person_signs_in_at_most_once_a_day() -> None:
    habit = draw()["events"].query("event == 'sign_in'")
    day = habit["occurred_at"].dt.tz_convert("Asia/Shanghai").dt.date
    assert len(habit) > 5000
    assert not pd.DataFrame({"user": habit["user_id"], "day": day}).duplicated().any()


def test_activity_is_heavy_tailed() -> None:
    habits = draw()["events"].query("event in ['browse', 'sign_in', 'moments_like']")
    per_user = habits.groupby("user_id").size().sort_values(ascending=False)
    assert per_user.head(len(per_user) // 10).sum() > 0.35 * per_user.sum()


# --- marginals against the settings


def test_the_mix_of_channels_and_touchpoints_is_that_of_the_settings() -> None:
    settings = Settings(users=60_000, seed=1)
    people = draw_people(settings, users=60_000, stream=partial(open_stream, 1))
    for after, shares in ((False, settings.shares_before), (True, settings.shares_after)):
        here = people.after == after
        for index, (channel, touchpoint) in enumerate(PLACES):
            expected = shares[channel] * TOUCHPOINTS[channel][touchpoint]
            assert_share((people.place[here] == index).sum(), here.sum(), expected)
    for channel in CHANNELS:
        here = np.isin(people.place, [i for i, place in enumerate(PLACES) if place[0] == channel])
        for index, lure in enumerate(LURES):
            expected = settings.lure_shares[channel][lure]
            assert_share((people.lure[here] == index).sum(), here.sum(), expected)
    assert abs(people.activity.mean() - 1) < 4 * people.activity.std() / math.sqrt(60_000)


def test_people_arrive_less_at_the_festival_and_more_at_weekends_and_after_the_change() -> None:
    settings = Settings(users=60_000, seed=1)
    people = draw_people(settings, users=60_000, stream=partial(open_stream, 1))
    days = np.bincount(people.arrived_at // DAY, minlength=121)
    # Tuesday 2026-02-17, first day of the festival, against Tuesday 2026-03-03: 0.5 of it.
    assert_share(days[78], days[78] + days[92], 0.5 / 1.5)
    # Saturday 2025-12-13 against Tuesday 2025-12-09: 1.3 to 0.9.
    assert_share(days[12], days[12] + days[8], 1.3 / 2.2)
    # Tuesday 2026-02-10 against Tuesday 2026-01-27, before the change: 1.4 of it.
    assert_share(days[71], days[71] + days[57], 1.4 / 2.4)


def test_where_nothing_intervenes_each_step_happens_at_its_rate() -> None:
    events, users = draw("simple")["events"], draw("simple")["users"]
    first = events.pivot_table(
        index="user_id", columns="event", values="occurred_at", aggfunc="min"
    ).reindex(users["user_id"])
    channel = users.set_index("user_id")["channel"]
    change = pd.Timestamp("2026-02-04", tz="Asia/Shanghai")
    # The last day is left out: some of its people act after the end of the observation.
    known = first["expose"] < pd.Timestamp("2026-03-31", tz="Asia/Shanghai")
    for rates, period in (
        (SIMPLE.rates_before, first["expose"] < change),
        (SIMPLE.rates_after, (first["expose"] >= change) & known),
    ):
        for name in CHANNELS:
            here = first[period & (channel == name)]
            for previous, step in zip(("expose", *STEPS), STEPS, strict=False):
                asked = here[here[previous].notna()]
                assert_share(asked[step].notna().sum(), len(asked), rates[name][step])


def test_where_nothing_intervenes_the_true_conversion_is_the_product_of_the_rates() -> None:
    found = {truth.id: truth for truth in compute_truths(SIMPLE)}
    for period, rates in (("before", SIMPLE.rates_before), ("after", SIMPLE.rates_after)):
        for channel in CHANNELS:
            expected = math.prod(rates[channel][step] for step in STEPS[1:])
            truth = found[f"conversion.best.{period}.{channel}"]
            assert abs(truth.value - expected) < 4 * truth.standard_error
            assert truth == replace(
                found[f"conversion.first.{period}.{channel}"],
                id=truth.id,
                estimand=truth.estimand,
                settings=truth.settings,
            ), "with one start each, first and best are the same"


def test_delays_have_the_medians_of_the_settings() -> None:
    settings = replace(Settings(users=60_000, seed=1), tie_share=0.0, repeat_starts=0.0)
    stream = partial(open_stream, settings.seed)
    people = draw_people(settings, users=settings.users, stream=stream)
    still = replace(settings, leave_per_day=dict.fromkeys(LURES, 0.0))
    paths = draw_paths(still, people, stream=stream)
    place = np.array([channel for channel, _ in PLACES])[people.place]
    chain = [paths.scanned_at[:, 0], paths.added_at, paths.greeted_at, paths.replied_at]
    chain = [paths.exposed_at[:, 0], *chain, paths.consulted_at, paths.ordered_at]
    for channel in CHANNELS:
        for step, before, after in zip(STEPS, chain, chain[1:], strict=False):
            happened = (place == channel) & (after < NEVER)
            wait = (after - before)[happened] / 3600
            below = (wait <= settings.delay_hours[channel][step]).sum()
            # Waits are whole seconds: the shortest medians (3 minutes) allow no more than this.
            assert_share(below, happened.sum(), 0.5, errors=4.5)


def test_people_leave_at_the_hazard_of_their_lure() -> None:
    users = draw("large")["users"].dropna(subset=["added_at"])
    end = pd.Timestamp("2026-04-01", tz="Asia/Shanghai")
    for lure, hazard in Settings().leave_per_day.items():
        here = users[users["lure"] == lure]
        followed = (here["left_at"].fillna(end) - here["added_at"]).sum() / pd.Timedelta(days=1)
        # Occurrences over exposure: the maximum likelihood estimate of a constant hazard.
        left = here["left_at"].count()
        assert abs(left / followed - hazard) < 4 * hazard / math.sqrt(left)


def test_active_people_start_again_and_some_additions_tie_with_their_scan() -> None:
    settings = Settings(users=60_000, seed=1, activity_sigma=0.0, repeat_starts=0.2)
    stream = partial(open_stream, settings.seed)
    people = draw_people(settings, users=settings.users, stream=stream)
    paths = draw_paths(
        replace(settings, leave_per_day=dict.fromkeys(LURES, 0.0)), people, stream=stream
    )
    exposures = (paths.exposed_at < NEVER).sum(axis=1)
    # Poisson with mean 0.2: nobody starts again with probability exp(-0.2).
    assert_share((exposures == 1).sum(), 60_000, math.exp(-0.2))
    once = exposures == 1
    added = once & (paths.added_at < NEVER)
    tied = (paths.added_at == paths.scanned_at[:, 0])[added]
    assert_share(tied.sum(), added.sum(), settings.tie_share)


def test_index_draws_occur_with_their_shares_at_the_edges_too() -> None:
    uniform = np.array([0.0, 0.19999, 0.2, 0.49999, 0.5, 1 - 2**-53])
    assert pick(uniform, [0.2, 0.3, 0.5]).tolist() == [0, 0, 1, 1, 2, 2]
    assert pick(uniform, [0.0, 1.0]).tolist() == [1] * 6


# --- the planted truths


def test_the_total_truly_falls_while_every_channel_improves() -> None:
    known = truths()
    for entry in ("best", "first"):
        before, after = (f"conversion.{entry}.{period}" for period in ("before", "after"))
        assert known[f"{after}.all"] < known[f"{before}.all"] - 0.02
        for channel in CHANNELS:
            assert known[f"{after}.{channel}"] > known[f"{before}.{channel}"] + 0.01


def test_the_mix_and_rate_parts_sum_to_the_change() -> None:
    known = truths()
    for entry in ("best", "first"):
        total = known[f"change.{entry}.total"]
        parts = known[f"change.{entry}.mix"] + known[f"change.{entry}.rate"]
        change = known[f"conversion.{entry}.after.all"] - known[f"conversion.{entry}.before.all"]
        assert abs(total - parts) < 2e-6
        assert abs(total - change) < 2e-6
        assert known[f"change.{entry}.mix"] < 0 < known[f"change.{entry}.rate"]


def test_the_reversal_shows_in_the_data() -> None:
    funnel = read_funnel(draw("large"), Settings(users=60_000, seed=1))
    converted = funnel["depth"] == 4
    rate = converted.groupby([funnel["period"], funnel["channel"]]).mean()
    assert (rate["after"] > rate["before"]).all()
    total = converted.groupby(funnel["period"]).mean()
    assert total["after"] < total["before"]


@pytest.mark.parametrize("world", ["sample", "large"])
def test_the_data_hold_the_true_rates(world: str) -> None:
    settings = Settings() if world == "sample" else Settings(users=60_000, seed=1)
    funnel, known = read_funnel(draw(world), settings), truths()
    for period in ("before", "after"):
        now = funnel[funnel["period"] == period]
        for channel in (*CHANNELS, "all"):
            here = now if channel == "all" else now[now["channel"] == channel]
            expected = known[f"conversion.best.{period}.{channel}"]
            assert_share((here["depth"] == 4).sum(), len(here), expected)
            for depth, step in ((2, "add"), (3, "reply"), (4, "order")):
                asked, done = (here["depth"] >= depth - 1).sum(), (here["depth"] >= depth).sum()
                assert_share(done, asked, known[f"step_rate.best.{period}.{channel}.{step}"])


def test_replying_is_worse_at_the_store_poster_and_nothing_else_is() -> None:
    found = {truth.id: truth for truth in compute_truths(Settings())}
    for period in ("before", "after"):
        for step, factor in (("add", 1.0), ("reply", 0.5), ("order", 1.0)):
            poster, code = (
                found[f"step_rate.best.{period}.{touchpoint}.{step}"]
                for touchpoint in ("store_poster", "live_qr")
            )
            error = math.hypot(poster.standard_error, factor * code.standard_error)
            assert abs(poster.value - factor * code.value) < 4 * error
        fault = found[f"fault.best.{period}.store_poster"]
        # Half the replies, half the orders: the poster loses as much as it keeps.
        kept = found[f"step_rate.best.{period}.store_poster.add"].value
        for step in ("reply", "order"):
            kept *= found[f"step_rate.best.{period}.store_poster.{step}"].value
        assert abs(fault.value + kept) < 5 * fault.standard_error


def test_gender_makes_no_difference() -> None:
    funnel = read_funnel(draw("large"), Settings(users=60_000, seed=1))
    converted = (funnel["depth"] == 4).groupby(funnel["gender"]).agg(["sum", "size"])
    rate = converted["sum"] / converted["size"]
    error = math.sqrt((rate * (1 - rate) / converted["size"]).sum())
    assert abs(rate["female"] - rate["male"]) < 3 * error
    assert truths()["difference.gender"] == 0


def test_counting_the_immature_as_lost_would_read_the_last_weeks_far_too_low() -> None:
    settings = Settings(users=60_000, seed=1)
    events = draw("large")["events"]
    log = events[events["occurred_at"] >= pd.Timestamp("2026-03-18", tz="Asia/Shanghai")]
    entered = set(log.loc[log["event"] == "scan", "user_id"])
    assert len(entered) > 0.08 * settings.users
    adds = events[(events["event"] == "add") & events["user_id"].isin(entered)]
    recent = adds[adds["occurred_at"] >= pd.Timestamp("2026-03-18", tz="Asia/Shanghai")]
    bought = recent["user_id"].isin(log.loc[log["event"] == "order", "user_id"])
    assert bought.sum() / len(entered) < 0.7 * truths()["conversion.best.after.all"]


def test_a_fault_at_its_full_strength_leaves_out_the_steps_nobody_can_take() -> None:
    found = {truth.id for truth in compute_truths(Settings(faults={"kol": {"add": 0.0}}))}
    assert "step_rate.best.after.kol.add" in found
    assert "step_rate.best.after.kol.reply" not in found
    assert "fault.best.after.kol" in found


def test_without_a_fault_no_cost_of_one_is_stated() -> None:
    assert not [truth.id for truth in compute_truths(NO_FAULT) if truth.id.startswith("fault")]


# --- reading chains


def one(scans: list[int], added: int, replied: int, ordered: int) -> Paths:
    nothing = np.array([NEVER])
    return Paths(
        exposed_at=np.array([scans]),
        scanned_at=np.array([scans]),
        added_at=np.array([added]),
        greeted_at=nothing,
        replied_at=np.array([replied]),
        consulted_at=nothing,
        ordered_at=np.array([ordered]),
        left_at=nothing,
    )


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
    paths = one(scans, *later)
    found = measure_depths(paths, opens=0, closes=40 * DAY, window_days=14)
    assert [int(depth[0]) for depth in found] == [best, first]


def test_the_periods_are_equally_long_and_end_where_windows_still_close() -> None:
    periods = locate_periods(Settings())
    # Day 65 is 2026-02-04; starts until midnight of 2026-03-18 (day 107) are followed for 14 days.
    assert periods == {"before": (23 * DAY, 65 * DAY - 1), "after": (65 * DAY, 107 * DAY)}


# --- settings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"users": 0}, "users = 0 must be at least 1; the committed sample has 6000"),
        ({"seed": -1}, "seed = -1 must lie in [0, 2**63); use a small whole number"),
        (
            {"window_days": 56},
            "window_days = 56 must be at least 1 and less than period_days = 56; "
            "use a shorter window or longer periods",
        ),
        (
            {"last_day": date(2025, 12, 31)},
            "last_day = 2025-12-31 must be at least 97 days after first_day = 2025-12-01, "
            "so that two periods fit; use a later last_day or a shorter period_days",
        ),
        (
            {"arrivals_after": 0.0},
            "arrivals_after = 0.0 must be above 0; give a positive number",
        ),
        (
            {"repeat_starts": math.nan},
            "repeat_starts = nan must be at least 0; give a positive number",
        ),
        (
            {"repeat_orders": math.inf},
            "repeat_orders = inf must be at least 0; give a positive number",
        ),
        (
            {"coupon_share": 30},
            "coupon_share = 30 must be at least 0 and at most 1; give a fraction, 0.3 for 30%",
        ),
        (
            {"shares_after": {"social": 0.5, "online": 0.5, "offline": 0.5, "commercial": 0.5}},
            "shares_after sums to 2 and must sum to 1; divide each share by 2",
        ),
        (
            {"shares_before": {"social": 1.0}},
            "shares_before has social; give exactly social, online, offline, commercial",
        ),
        (
            {"leave_per_day": {}},
            "leave_per_day has nothing; give exactly physical, virtual, coupon, service",
        ),
        (
            {"faults": {"store_postr": {"reply": 0.5}}},
            "faults[store_postr] names no touchpoint; use one of moments, referral,",
        ),
        (
            {"faults": {"kol": {"replies": 0.5}}},
            "faults[kol][replies] names no step; use one of scan, add, greet, reply, consult, ",
        ),
        (
            {"faults": {"kol": {"reply": 1.5}}},
            "faults[kol][reply] = 1.5 must be at least 0 and at most 1; give a fraction",
        ),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_rule_and_remedy(
    wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings(**wrong)
    assert str(raised.value).startswith(message)


def test_a_wrong_rate_or_delay_is_named_down_to_channel_and_step() -> None:
    table = Settings().rates_after
    with pytest.raises(SettingsError, match=r"rates_after\[social\]\[add\] = 1.4 must be at least"):
        Settings(rates_after=table | {"social": table["social"] | {"add": 1.4}})
    delays = Settings().delay_hours
    with pytest.raises(SettingsError, match=r"delay_hours\[online\]\[scan\] = 0 must be above 0"):
        Settings(delay_hours=delays | {"online": delays["online"] | {"scan": 0}})
