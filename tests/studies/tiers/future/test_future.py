"""Forecasts of purchases: buyers counted by hand, invariants, refusals, and what is told."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import LANGUAGES, speaking
from siyu.stats.bg_nbd import FEWEST_REPEAT_BUYERS
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.tiers import Definition, TierError, find_members, future
from siyu.studies.tiers.future import sentences
from siyu.studies.tiers.future.totals import fit_model, total

from tests.simulation.buyers import draw_buyers

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
UTC8 = dt.timezone(dt.timedelta(hours=8))
DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 1, 1, 10, tzinfo=UTC8)
INSTANTS = ("added_at", "left_at", "paid_at", "since")


def open_pool(folder, *, last=dt.date(2026, 3, 31), **tables):
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for column in set(INSTANTS) & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = f"observed: {{from: 2026-01-01, to: {last}}}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    return find_members(open_source(folder), Definition(), period_days=90)


def tables(shift=0, names="abcdef"):
    """Six members; the forecast that is tested is made as of 17 March, day 75."""
    left = {"b": 24, "e": 6}
    users = [
        {"user_id": name, "added_at": START + (shift - 3 * (name != "f")) * DAY,
         "left_at": START + (shift + left[old]) * DAY if old in left else None}
        for name, old in zip(names, "abcdef", strict=True)
    ]  # fmt: skip
    bought = [
        # who, day, hours, amount, margin, refund
        ("a", 0, 0, 50.0, 20.0, 0.0),
        ("a", 0, 8, 25.0, 10.0, 0.0),  # the same day: one purchase
        ("a", 10, 0, 40.0, 16.0, 0.0),
        ("a", 70, 0, 60.0, 24.0, 10.0),  # 50 remain
        ("a", 78, 0, 30.0, 12.0, 0.0),  # after 17 March
        ("b", 4, 0, 20.0, 8.0, 0.0),  # left on day 24
        ("c", 78, 0, 30.0, 12.0, 0.0),  # no buyer by then
        ("d", 5, 0, 30.0, 12.0, 30.0),  # refunded: no purchase
        ("e", 4, 0, 20.0, 8.0, 0.0),  # left on day 6
        ("e", 8, 0, 20.0, 8.0, 0.0),  # and is back
        ("f", 75, 0, 90.0, 36.0, 0.0),
    ]
    ids = dict(zip("abcdef", names, strict=True))
    orders = [
        {"order_id": f"o{i}", "user_id": ids[who], "amount_cny": amount, "margin_cny": margin,
         "refunded_cny": back, "paid_at": START + (shift + day) * DAY + dt.timedelta(hours=hours)}
        for i, (who, day, hours, amount, margin, back) in enumerate(bought)
    ]  # fmt: skip
    reviews = [("a", "gold", 31, 300.0), ("a", "plain", 78, 10.0), ("e", "plain", 31, 10.0)]
    held = [
        {
            "user_id": ids[who],
            "tier": tier,
            "since": START + (shift + day) * DAY,
            "basis_cny": basis,
        }
        for who, tier, day, basis in reviews
    ]
    return {"users": users, "orders": orders, "tiers": held}


def measured(folder, **given):
    return future.measure(open_pool(folder, **given), horizon_days=14, holdout_days=14)


COLUMNS = ["tier", "repeats", "last_days", "followed_days", "gone", "spent_cny", "n"]


def test_buyers_are_counted_as_known_at_two_moments(tmp_path):
    found = measured(tmp_path, **tables())
    assert found.tiers == ("plain", "gold")
    # As of 31 March, day 89: in order of tier (-1: none), repeats and days.
    assert found.now[COLUMNS].to_numpy().tolist() == [
        [-1, 0, 0, 11, 0, 0, 1],  # c
        [-1, 0, 0, 14, 0, 0, 1],  # f
        [-1, 0, 0, 20, 1, 0, 1],  # b, until leaving
        [0, 1, 4, 85, 0, 20, 1],  # e, who came back
        [0, 3, 78, 89, 0, 120, 1],  # a
    ]
    assert found.before[COLUMNS].to_numpy().tolist() == [
        [-1, 0, 0, 0, 0, 0, 1],  # f, who bought on that day
        [-1, 0, 0, 20, 1, 0, 1],
        [0, 1, 4, 71, 0, 20, 1],
        [1, 2, 70, 75, 0, 90, 1],  # a was gold then
    ]
    assert found.before["later"].tolist() == [0, 0, 0, 1]
    assert found.before["later_cny"].tolist() == [0, 0, 0, 30]
    assert found.weeks["later"].tolist() == [1, 0]
    # Repeats in the last 14 days (76 to 89), and how many of these each was there as a buyer.
    assert found.now["recent"].tolist() == [0, 0, 0, 0, 1]
    assert found.now["recent_days"].tolist() == [11, 14, 0, 14, 14]
    assert (found.orders, found.merged, found.n_earlier) == (10, 1, 4)


def test_what_buyers_paid_and_brought_is_summed_per_tier(tmp_path):
    """Of plain: a paid 195 and brought 82, e paid 40 and brought 16."""
    (_, plain) = measured(tmp_path, **tables()).margins.to_numpy().tolist()
    assert plain == [0, 235, 98, 195**2 + 40**2, 195 * 82 + 40 * 16, 82**2 + 16**2]


def test_an_hour_apart_is_two_purchases_where_hours_count(tmp_path):
    members = open_pool(tmp_path, **tables())
    found = future.measure(members, horizon_days=14, holdout_days=14, unit="hour")
    assert found.merged == 0
    one = found.now[found.now["repeats"] == 4].iloc[0]
    assert (one["last_days"], one["spent_cny"]) == (78, 145)
    assert one["followed_days"] == 89 + 14 / 24


def test_other_ids_other_dates_and_another_order_of_rows_give_the_same(tmp_path):
    once = measured(tmp_path / "a", **tables())
    other = tables(shift=7, names="fedcba")
    mixed = {name: rows[::-1] for name, rows in other.items()}
    again = measured(tmp_path / "b", last=dt.date(2026, 4, 7), **mixed)
    for name in ("now", "before", "weeks", "margins"):
        pd.testing.assert_frame_equal(getattr(once, name), getattr(again, name))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"horizon_days": 0}, "horizon_days = 0 must be at least 1"),
        ({"holdout_days": 0}, "holdout_days = 0 must be whole weeks of 7; use 7"),
        ({"holdout_days": 60}, "holdout_days = 60 must be whole weeks of 7; use 63"),
        ({"unit": "week"}, "unit = 'week' must be 'day' or 'hour'"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, asked, said):
    members = open_pool(tmp_path, **tables())
    with pytest.raises(TierError, match=said):
        future.measure(members, **asked)


def test_few_buyers_are_no_forecast_and_none_is_an_error(tmp_path):
    found = measured(tmp_path / "a", **tables())
    told = future.forecast(found, level=LEVEL)
    assert told.outcome == "nobody"
    (one,) = future.conclude(found, told, level=LEVEL)
    assert (one.id, one.status, one.n) == ("tiers.future.purchases", "insufficient", 5)
    given = tables()
    refunded = [row | {"refunded_cny": row["amount_cny"]} for row in given["orders"]]
    nobody = measured(tmp_path / "b", users=given["users"], orders=refunded)
    assert (len(nobody.now), nobody.orders, nobody.merged) == (0, 0, 0)
    assert future.forecast(nobody, level=LEVEL).outcome == "nobody"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Measures of the sample, with buyers from the model in the place of its own."""
    members = find_members(open_source(SAMPLE), Definition(), period_days=365)
    return future.measure(members)


@pytest.fixture(scope="module")
def told(drawn):
    return future.forecast(drawn, level=LEVEL)


def modelled(measures, seed=1, *, n=900, more=1.0, tiers=2):
    """The measures with buyers who buy as the model has it; later, `more` of it."""
    rng = np.random.default_rng(seed)
    truth = {"r": 1.1, "alpha": 16.0, "a": 1.2, "b": 6.0}
    drawn = draw_buyers(rng, rng.integers(60, 200, n), **truth, ahead=56)
    repeats = drawn["repeats"]
    rows = pd.DataFrame(
        {
            "tier": rng.integers(0, tiers, n),
            "repeats": repeats,
            "last_days": drawn["last"],
            "followed_days": drawn["followed"].astype(float),
            "gone": 0,
            "spent_cny": repeats * rng.gamma(5 * repeats.clip(lower=1)) / rng.gamma(4.5, 1 / 84, n)
            / repeats.clip(lower=1),
            "n": 1,
            "recent": 2,
            "recent_left": 0,
            "recent_days": 56.0,
            "later": np.round(more * drawn["later"]),
        }
    )  # fmt: skip
    rows["later_cny"] = rows["later"] * 120
    weeks = pd.DataFrame({"week": range(1, 9), "later": int(rows["later"].sum() / 8)})
    margins = measures.margins[measures.margins["tier"] >= 0]
    return replace(measures, now=rows, before=rows, weeks=weeks, margins=margins)


@pytest.fixture(scope="module")
def held(drawn):
    measures = modelled(drawn)
    return measures, future.forecast(measures, level=LEVEL)


def test_the_parts_of_a_forecast_sum_to_the_whole(held):
    table = held[1].table.set_index("group")
    for name in ("n", "gone", "recent", "expected"):
        assert table[name].iloc[1:].sum() == pytest.approx(table.loc[EVERYONE, name])
    rows = held[1].holdout.set_index("group")
    assert rows["later"].iloc[1:].sum() == rows.loc[EVERYONE, "later"]
    weekly = held[1].weeks["expected"].iloc[-1]
    assert weekly == pytest.approx(rows.loc[EVERYONE, "expected"])
    classes = held[1].classes
    assert classes["expected"] @ classes["n"] == pytest.approx(rows.loc[EVERYONE, "expected"])


def test_intervals_of_tiers_hold_at_once_and_are_wider_for_it(held, drawn):
    alone = future.forecast(modelled(drawn, tiers=1), level=LEVEL).table
    assert alone["group"].tolist() == [EVERYONE]
    table = held[1].table.iloc[1:]
    width = np.log(table["ci_upper"] / table["ci_lower"])
    narrow = future.forecast(held[0], level=0.90).table.iloc[1:]
    narrower = np.log(narrow["ci_upper"] / narrow["ci_lower"])
    # Two tiers at once: 97.5% and 95% each.
    assert (width / narrower).to_numpy() == pytest.approx([2.2414 / 1.95996] * 2, rel=1e-3)


def test_members_who_leave_buy_for_the_days_that_they_stay(held):
    """At one leaver per 100 days, of 56 days 42.9 are stayed: (1 - exp(-.56)) / .01."""
    rows = held[0].now.assign(recent_days=100.0 / len(held[0].now), recent_left=0)
    rows.loc[0, "recent_left"] = 1
    model = fit_model(rows, level=LEVEL)
    assert model.there_days(56) == pytest.approx(42.879, abs=1e-3)
    everybody = np.ones((1, len(rows)))
    fewer, more = (total(each, rows, everybody, days=56) for each in (model, _staying(model)))
    shorter = total(_staying(model), rows, everybody, days=model.there_days(56))
    assert fewer.bought == pytest.approx(shorter.bought)
    assert fewer.bought < more.bought
    gone = rows.assign(gone=1)
    assert total(model, gone, everybody, days=56).bought == 0


def _staying(model):
    return replace(model, leaving_rate=0.0, leavers=0)


def test_a_forecast_whose_test_missed_is_refused(drawn):
    measures = modelled(drawn, more=2.0)
    found = future.forecast(measures, level=LEVEL)
    assert (found.outcome, set(found.table["outcome"])) == ("missed", {"missed"})
    findings = {each.id: each for each in future.conclude(measures, found, level=LEVEL)}
    assert findings["tiers.future.holdout"].value < 1
    refused = {name for name, each in findings.items() if each.status == "insufficient"}
    assert refused == {name for name in findings if "holdout" not in name}
    assert "as many as" in future.say_forecast(measures, found, level=LEVEL)
    fewer = future.forecast(modelled(drawn, more=0.5), level=LEVEL)
    assert "and only" in future.say_holdout(measures, fewer, level=LEVEL)


def test_a_forecast_that_cannot_be_tested_is_refused(held):
    measures = replace(held[0], before=held[0].before.head(20))
    found = future.forecast(measures, level=LEVEL)
    assert found.outcome == "untested"
    assert "Not long enough observed" in future.say_forecast(measures, found, level=LEVEL)
    statuses = {each.status for each in future.conclude(measures, found, level=LEVEL)}
    assert statuses == {"insufficient"}


def test_where_few_bought_again_there_is_no_model(held):
    rows = held[0].now
    rows = pd.concat([rows[rows["repeats"] == 0], rows[rows["repeats"] > 0].head(20)])
    measures = replace(held[0], now=rows)
    found = future.forecast(measures, level=LEVEL)
    assert (found.outcome, found.repeat_buyers) == ("few_repeat", 20)
    assert str(FEWEST_REPEAT_BUYERS) in future.say_forecast(measures, found, level=LEVEL)


def test_no_value_is_told_where_frequency_and_amount_are_tied(held):
    rows = held[0].now.assign(spent_cny=lambda t: t["repeats"] ** 2 * 50.0 + t.index % 7)
    found = future.forecast(replace(held[0], now=rows), level=LEVEL)
    assert (found.outcome, found.amounts) == ("held", "tied")
    said = {each.id: each for each in future.conclude(held[0], found, level=LEVEL)}
    assert said["tiers.future.value"].status == "insufficient"
    assert "go together" in said["tiers.future.value"].message
    assert said["tiers.future.purchases"].status == "info"


def test_no_margin_is_no_value(held):
    margins = held[0].margins.assign(earned_cny=0.0, both=0.0, earned2=0.0)
    measures = replace(held[0], margins=margins)
    found = future.forecast(measures, level=LEVEL)
    assert "bring no margin" in future.say_forecast(measures, found, level=LEVEL)
    said = {each.id: each for each in future.conclude(measures, found, level=LEVEL)}
    assert said["tiers.future.value"].value is None


def test_few_of_a_tier_are_never_told_apart(drawn, held):
    rows = held[0].now.assign(tier=lambda t: np.where(t.index < 12, 2, t["tier"]))
    found = future.forecast(replace(held[0], now=rows, before=rows), level=LEVEL)
    assert SMALL in found.table["group"].tolist()
    for table in (found.table, found.holdout, found.classes):
        assert table["n"].min() >= drawn.min_users
    assert found.table["asleep"].dropna().ge(drawn.min_users).all()


@pytest.mark.parametrize("change", ["falls", "rises", "unclear"])
def test_each_outcome_of_a_tier_is_told(held, change):
    found = held[1]
    table = found.table.assign(change=[change, change, "unclear"])
    said = future.say_tiers(replace(found, table=table))
    words = {"falls": "expected to fall", "rises": "expected to rise", "unclear": "No tier"}
    assert words[change] in said
    assert ("part of that was luck" in said) == (change == "falls")
    both = replace(found, table=found.table.assign(change=["unclear", "falls", "rises"]))
    assert "are expected to fall, those of" in sentences.title_tiers(both)
    assert "to rise from" in future.say_tiers(both)


def test_the_sample_is_forecast_for_all_but_not_for_every_tier(drawn, told):
    assert told.outcome == "held"
    outcomes = told.table.set_index("group")["outcome"].to_dict()
    assert outcomes == {
        EVERYONE: "held", "ordinary": "missed", "silver": "held", "gold": "held", "diamond": "held"
    }  # fmt: skip
    assert drawn.n_earlier == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_is_told_and_drawn_in_both_languages(drawn, told, language):
    with speaking(language):
        said = [
            future.say_holdout(drawn, told, level=LEVEL),
            future.say_forecast(drawn, told, level=LEVEL),
            future.say_tiers(told),
            future.say_asleep(drawn, told),
            future.say_counted(drawn, told),
        ]
        findings = future.conclude(drawn, told, level=LEVEL)
        pictures = [
            future.draw_holdout(drawn, told, level=LEVEL),
            future.draw_forecast(drawn, told, level=LEVEL),
        ]
    assert all(len(sentence) > 10 and "nan" not in sentence for sentence in said)
    assert len({each.id for each in findings}) == len(findings) == 20
    assert [len(picture.table) > 0 for picture in pictures] == [True, True]
    assert all(not picture.undrawn for picture in pictures)


def test_a_refusal_is_drawn_too(held):
    measures = replace(held[0], now=held[0].now.head(5), before=held[0].before.head(5))
    found = future.forecast(measures, level=LEVEL)
    for picture in (
        future.draw_holdout(measures, found, level=LEVEL),
        future.draw_forecast(measures, found, level=LEVEL),
    ):
        assert "nothing to forecast" in picture.alt
