"""Slopes, numbers and alerts: by hand where small, and refused where nothing can be said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.frequency import (
    Measures,
    alerts,
    curves,
    draw_curves,
    frontier,
    say_naive,
    say_slopes,
    slopes,
)
from siyu.studies.push_timing.frequency.measures import SPANS, WEEKLY
from siyu.studies.push_timing.frequency.sentences import headline

LEVEL = 0.95


def products(rows: pd.DataFrame, names: tuple[str, ...], by: str) -> pd.DataFrame:
    """What the engine sums up: users, columns and products of two."""
    rows = rows.assign(
        n=1,
        **{
            f"{first} {second}": rows[first].astype(float) * rows[second]
            for i, first in enumerate(names)
            for second in names[i:]
        },
    )
    return rows.groupby(by, as_index=False).sum()


def exposed(rows: list[tuple], *, population="drawn") -> pd.DataFrame:
    """Rows: users, received, pushes each, clicks, blocks, leaves of all of them."""
    parts, first = [], 0
    for users, received, n, *answers in rows:
        part = pd.DataFrame({"number": np.arange(first, first + users), "received": received})
        part = part.assign(population=population, gap=0, band=0, n=n, followed=n)
        for name, total in zip(("click", "block", "leave"), answers, strict=True):
            part[name] = (np.arange(users) < total).astype(int)
        parts.append(part)
        first += users
    return pd.concat(parts, ignore_index=True)


def weekly(rows: list[tuple]) -> pd.DataFrame:
    """Rows: number, users, weeks, sent, clicks each, and blocks of all of them."""
    parts = []
    for cap, users, weeks, sent, clicks, blocks in rows:
        part = pd.DataFrame({"cap": [cap] * users, "weeks": weeks, "sent": sent})
        part["clicks"] = clicks + np.arange(users) % 2
        part["blocks"] = (np.arange(users) < blocks).astype(int)
        parts.append(part)
    return products(pd.concat(parts), WEEKLY, "cap")


def spans(rows: list[tuple]) -> pd.DataFrame:
    """Rows: users, pushes of each before and now, and blocks of all of them before and now."""
    parts = []
    for code, (users, before, now, *blocked) in enumerate(rows):
        part = pd.DataFrame({"segment": [code] * users, "sent_before": before, "sent_now": now})
        for name, total in zip(("blocks_before", "blocks_now"), blocked, strict=True):
            part[name] = (np.arange(users) < total).astype(int)
        parts.append(part)
    pushed = pd.concat(parts)
    for end in ("before", "now"):
        pushed[f"n_{end}"] = (pushed[f"sent_{end}"] > 0).astype(int)
    return products(pushed, SPANS, "segment")


def measures(**other) -> Measures:
    day = dt.date(2026, 3, 31)
    given = {
        "outcome": "click",
        "horizon_hours": 24,
        "source": "shop",
        "first": dt.date(2026, 1, 1),
        "as_of": day,
        "min_users": 30,
        "leave_days": 7,
        "frequency_weeks": 8,
        "experiment": "",
        "exposures": exposed([(100, 1, 10, 50, 12, 20), (100, 2, 10, 40, 24, 30)]),
        "kept_one_in": 1,
        "weekly": pd.DataFrame({"cap": []}),
        "assigned": pd.DataFrame({"cap": []}),
        "spans": spans([(200, 10, 10, 10, 40), (100, 10, 10, 5, 6)]),
        "segments": ("north", "south"),
        "crossings": {"north": {"place": "north"}, "south": {"place": "south"}},
        "now": (day, day),
        "before": (day, day),
        "today": None,
        "n_sent": 2_000,
        "n_blocks": 36,
        "has_leaving": True,
    }
    return Measures(**given | other)


def test_two_numbers_received_give_the_ratio_of_two_shares():
    """50 of 1,000 clicked and 40 of 1,000: log(0.8); 12 and 24 blocked: hazards ln(1 - x)."""
    table = slopes(measures(), level=LEVEL).set_index("outcome")
    assert table.loc["click", "slope"] == pytest.approx(np.log(0.8))
    assert table.loc["block", "slope"] == pytest.approx(np.log(np.log1p(-0.024) / np.log1p(-0.012)))
    assert table.loc["click", "verdict"] == "unclear"
    assert table.loc["click", "n_pushes"] == 2_000
    rates = curves(measures(), level=LEVEL)
    rates = rates[(rates["by"] == "received") & (rates["outcome"] == "block")]
    assert rates["answer_rate"].tolist() == pytest.approx([0.012, 0.024])
    assert (rates["ci_lower"] < rates["answer_rate"]).all()


@pytest.mark.parametrize(
    ("rows", "other", "refused"),
    [
        ([(100, 1, 10, 50, 0, 20), (100, 2, 10, 40, 0, 30)], {}, "none"),
        ([(100, 1, 10, 50, 4, 20), (100, 2, 10, 40, 5, 30)], {}, "few"),
        ([(14, 1, 10, 10, 10, 9), (15, 2, 10, 9, 9, 9)], {}, "few"),
        ([(200, 1, 10, 50, 20, 20)], {}, "alike"),
    ],
)
def test_a_slope_that_cannot_be_told_is_refused(rows, other, refused):
    table = slopes(measures(exposures=exposed(rows), **other), level=LEVEL).set_index("outcome")
    assert table.loc["block", "refused"] == refused
    assert np.isnan(table.loc["block", "slope"])
    assert table.loc["block", "verdict"] == ""


def test_nobody_knows_of_leaving_where_it_is_not_recorded():
    table = slopes(measures(has_leaving=False), level=LEVEL).set_index("outcome")
    assert table.loc["leave", "refused"] == "unknown"


def test_a_chance_without_an_event_is_never_zero_and_few_users_are_not_shown():
    rows = [(100, 1, 10, 50, 0, 20), (100, 2, 10, 40, 24, 30), (20, 5, 10, 3, 3, 3)]
    found = curves(measures(exposures=exposed(rows)), level=LEVEL)
    found = found[(found["by"] == "received") & (found["outcome"] == "block")].set_index("at")
    # The 20 with five are shown with those who had two.
    assert found.index.tolist() == [1, 2]
    assert found["n_pushes"].tolist() == [1_000, 1_200]
    assert np.isnan(found.loc[1, "answer_rate"])
    assert found.loc[2, "answer_rate"] == pytest.approx(27 / 1_200)


def test_a_place_between_others_with_few_users_is_left_blank():
    rows = [(100, 1, 10, 50, 5, 20), (20, 2, 10, 4, 2, 3), (100, 3, 10, 40, 9, 30)]
    found = curves(measures(exposures=exposed(rows)), level=LEVEL)
    found = found[(found["by"] == "received") & (found["outcome"] == "click")].set_index("at")
    assert found.loc[2, ["n_pushes", "n_users", "events", "rate_crude", "answer_rate"]].isna().all()


def test_hardly_anybody_gives_no_curve():
    found = curves(measures(exposures=exposed([(9, 1, 10, 5, 2, 2)]), min_users=1), level=LEVEL)
    assert found["answer_rate"].isna().all()


def test_bands_without_enough_answers_join_their_neighbours():
    base = exposed([(200, 1, 10, 50, 12, 20), (200, 2, 10, 40, 24, 30)])
    later = base.assign(band=3, number=base["number"] + 1_000, click=0, block=0, leave=0)
    table = slopes(measures(exposures=pd.concat([base, later])), level=LEVEL)
    assert table["slope"].notna().all()


NUMBERS = [(1, 100, 10, 10, 1, 5), (3, 100, 10, 30, 3, 12), (7, 100, 5, 35, 3, 60)]


def test_the_value_of_a_number_is_clicks_less_blocks_per_week():
    """At 3: 350 clicks x 8 less 12 x 50, in 1,000 weeks: 2.2 yuan."""
    table = weekly(NUMBERS)
    found = frontier(measures(weekly=table, assigned=table), level=LEVEL)
    row = found.table.set_index(["kind", "cap"]).loc[("weeks", 3)]
    assert row["weekly_value_cny"] == pytest.approx((350 * 8 - 12 * 50) / 1_000)
    assert found.best == {"assigned": 3, "weeks": 3}
    assert found.candidates["weeks"] == (3,)
    assert found.n_users == {"assigned": 300, "weeks": 300}
    # By users: each is one cluster of ten weeks.
    values = 8 * (3 + np.arange(100) % 2) - 50 * (np.arange(100) < 12)
    error = values.std(ddof=1) / 10 / 10
    assert (row["weekly_value_upper"] - row["weekly_value_lower"]) / 2 == pytest.approx(
        1.984 * error, rel=1e-3
    )


def test_few_blocks_have_the_exact_interval_of_a_count():
    """5 blocks in 1,000 weeks; and of none the upper end is ln 40 = 3.69 in so many."""
    table = weekly([*NUMBERS, (2, 100, 10, 20, 2, 0)])
    found = frontier(measures(weekly=table, assigned=table), level=LEVEL).table
    rows = found[found["kind"] == "weeks"].set_index("cap")
    assert rows.loc[1, "blocks_per_week_upper"] == pytest.approx(chi2.ppf(0.975, 12) / 2 / 1_000)
    assert rows.loc[1, "blocks_per_week_lower"] == pytest.approx(chi2.ppf(0.025, 10) / 2 / 1_000)
    assert rows.loc[2, "blocks_per_week_upper"] == pytest.approx(np.log(40) / 1_000)


def test_a_best_number_that_cannot_be_told_is_refused():
    small = weekly([(1, 20, 10, 10, 1, 2), (3, 100, 10, 30, 3, 12)])
    assert frontier(measures(weekly=small, assigned=small), level=LEVEL).refused == "few"
    assert frontier(measures(n_blocks=0), level=LEVEL).refused == "none"
    nothing = measures(exposures=exposed([(100, 0, 10, 50, 12, 20)]))
    assert frontier(nothing, level=LEVEL).refused == "few"
    for name in ("value_per_click_cny", "value_lost_cny"):
        with pytest.raises(PushError, match=f"{name} = -1 must be at least 0"):
            frontier(measures(), level=LEVEL, **{name: -1})


def test_the_model_takes_as_many_pushes_a_week_as_had_been_received():
    """Of 1,000 pushes to who had received 2, 40 were clicked and 24 blocked: twice that a week."""
    found = frontier(
        measures(
            exposures=exposed(
                [(100, 1, 10, 50, 12, 20), (100, 2, 10, 40, 24, 30)], population="others"
            )
        ),
        level=LEVEL,
    )
    row = found.table.set_index("cap").loc[2]
    assert (row["sent_per_week"], row["clicks_per_week"], row["blocks_per_week"]) == pytest.approx(
        (2, 0.08, 0.048)
    )
    assert found.n_users == {"model": 200}


def test_a_clear_rise_of_blocks_is_told_and_an_unclear_one_is_not():
    """10 of 2,000 and then 40 of 2,000; 5 of 1,000 and then 6."""
    table = alerts(measures(), level=LEVEL, block_threshold=0.01).set_index("segment")
    assert table["verdict"].tolist() == ["rose", "unclear"]
    assert table.loc["north", "change"] == pytest.approx(0.015)
    assert table.loc["north", "limit"] == "alert"
    assert table.loc["south", "limit"] == "watch"
    turned = measures(spans=spans([(200, 10, 10, 40, 10), (100, 10, 10, 5, 6)]))
    assert alerts(turned, level=LEVEL)["verdict"].tolist() == ["fell", "unclear"]
    assert alerts(turned, level=LEVEL)["limit"].tolist() == ["info", "info"]


def test_segments_that_cannot_be_compared_are_refused():
    table = alerts(
        measures(spans=spans([(20, 10, 10, 5, 5), (100, 10, 10, 0, 0)])), level=LEVEL
    ).set_index("segment")
    assert table["refused"].tolist() == ["few", "none"]
    assert table.loc["north", ["n", "sent_now", "block_rate_now"]].isna().all()
    assert np.isnan(table.loc["south", "block_rate_upper"])
    assert alerts(replace(measures(), spans=pd.DataFrame({"segment": []})), level=LEVEL).empty


def test_a_threshold_that_is_no_share_is_an_error():
    with pytest.raises(PushError, match="block_threshold = 5 must lie strictly between 0 and 1"):
        alerts(measures(), level=LEVEL, block_threshold=5)


def test_each_span_must_have_enough_users_of_its_own():
    """100 users before and 20 now: 20 are few, though 100 are in the two spans together."""
    few = spans([(100, 10, 10, 5, 5)]).assign(n_now=20)
    found = alerts(measures(spans=few), level=LEVEL)
    assert found["refused"].tolist() == ["few"]
    assert found["block_rate_before"].isna().all()


def test_numbers_with_unequally_many_members_are_not_read():
    """100 and 200 of 300 drawn alike: chi-square 33.3 on 1 degree of freedom, p = 8e-9."""
    table = weekly([(1, 100, 10, 10, 1, 5), (3, 200, 10, 30, 3, 12)])
    assert frontier(measures(weekly=table, assigned=table), level=LEVEL).refused == "ratio"


@pytest.mark.parametrize(("first", "read"), [(100, False), (190, True)])
def test_slopes_of_numbers_with_unequally_many_members_are_not_read_either(first, read):
    """100 (p = 8e-9) or 190 (p = .61) beside 200; pushes that were not by lot are read."""
    table = weekly([(1, first, 10, 10, 1, 5), (3, 200, 10, 30, 3, 12)])
    rows = [(100, 1, 10, 50, 12, 20), (100, 2, 10, 40, 24, 30)]
    both = pd.concat([exposed(rows), exposed(rows, population="others")], ignore_index=True)
    one = measures(exposures=both, weekly=table, assigned=table)
    found, drawn = slopes(one, level=LEVEL), curves(one, level=LEVEL)
    told = found.set_index(["population", "outcome"])["refused"]
    assert set(told["drawn"]) == ({""} if read else {"ratio"})
    assert set(told["others"]) == {""}
    assert ("drawn" in set(drawn["population"])) == read
    reason = "were not drawn as often as each other"
    said = [
        say_slopes(one, found, level=LEVEL),
        headline(one, found, level=LEVEL),
        draw_curves(one, drawn, found, by="received", level=LEVEL).alt,
    ]
    assert [reason in text for text in said] == [not read] * 3
    assert said[0].count(reason) == (not read)
    assert say_naive(one, found) == ""
