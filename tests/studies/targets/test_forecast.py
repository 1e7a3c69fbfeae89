"""The forecast: what days do, by whichever method, for which histories; and what it refuses."""

import datetime as dt

import numpy as np
import pytest
from siyu.language import speaking
from siyu.studies.calendar import CalendarError
from siyu.studies.naming import EVERYONE
from siyu.studies.targets import TargetError, forecast
from siyu.studies.targets.forecast import estimate, model
from siyu.studies.targets.forecast.days import MARKS, fit_effects, mark_days, tabulate_effects

from tests.studies.targets.builders import adds_of, user, weeks_of

CHINA = {"country": "CN", "promotions": forecast.PROMOTIONS}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """200 days of additions at two touchpoints, and the forecast of 28 more."""
    adds = adds_of(tmp_path_factory.mktemp("shop"), {"users": weeks_of(days=200)}, days=200)
    return adds, forecast.forecast(adds, level=0.95)


def marks(first, last, **other):
    asked = CHINA | other
    found = mark_days(dt.date.fromisoformat(first), dt.date.fromisoformat(last), **asked)
    return [{MARKS[place] for place in np.flatnonzero(row)} for row in found]


def test_a_day_is_a_weekday_or_a_holiday_and_may_be_promoted():
    assert marks("2025-11-09", "2025-11-12") == [
        {"sunday"},
        {"promotion"},  # a Monday
        {"tuesday", "promotion"},
        {"wednesday"},
    ]
    assert marks("2026-02-14", "2026-02-16") == [
        {"made_up"},
        {"spring_festival"},
        {"spring_festival"},
    ]
    assert marks("2025-10-01", "2025-10-01") == [{"holiday"}]
    assert marks("2025-10-01", "2025-10-01", country="") == [{"wednesday"}]


def test_what_moves_from_year_to_year_is_given_by_date():
    promotions = {"年货节": ["2026-01-20", "2026-01-21"]}
    assert marks("2026-01-19", "2026-01-22", promotions=promotions) == [
        set(),
        {"tuesday", "promotion"},
        {"wednesday", "promotion"},
        {"thursday"},
    ]
    assert marks("2027-01-20", "2027-01-20", promotions=promotions) == [{"wednesday"}]


@pytest.mark.parametrize(
    "span", [["11-11"], ["11-11", "2026-11-12"], ["11/11", "11/12"], ["13-01", "13-02"]]
)
def test_a_promotion_is_a_first_and_a_last_day(span):
    with pytest.raises(TargetError, match="promotions: '双11'"):
        marks("2026-01-01", "2026-01-02", promotions={"双11": span})


def test_an_unknown_country_is_refused():
    with pytest.raises(CalendarError, match="holidays_country = 'XX'"):
        marks("2026-01-01", "2026-01-02", country="XX")


def test_effects_of_days_are_found_though_the_level_moves():
    rng, days = np.random.default_rng(1), 364
    found = mark_days(dt.date(2025, 4, 1), dt.date(2026, 3, 30), **CHINA)
    true = np.zeros(len(MARKS))
    true[[MARKS.index(one) for one in ("saturday", "spring_festival", "promotion")]] = np.log(
        [1.3, 0.5, 2.0]
    )
    level = 30 * np.exp(np.cumsum(rng.normal(0, 0.03, days)))
    effects = fit_effects(rng.poisson(level * np.exp(found @ true)).astype(float), found)
    error = np.sqrt(np.diag(effects.covariance))
    assert (np.abs(effects.values - true) < 3.5 * error).all()
    row = tabulate_effects(effects, z=1.96).set_index("day_kind")
    assert row.loc["promotion", "ci_lower"] > 1
    assert row.loc["spring_festival", "ci_upper"] < 1
    assert row.loc["promotion", "n_days"] == 6


def test_a_kind_of_day_never_seen_may_halve_or_double_what_comes():
    found = mark_days(dt.date(2026, 3, 1), dt.date(2026, 4, 25), **CHINA)
    effects = fit_effects(np.full(56, 40.0), found * (np.array(MARKS) != "holiday"))
    place = MARKS.index("holiday")
    assert effects.values[place] == pytest.approx(0, abs=1e-6)
    assert np.sqrt(effects.covariance[place, place]) == pytest.approx(0.5)
    assert effects.dispersion == 1


def test_factors_of_a_plain_week_have_the_mean_one():
    found = mark_days(dt.date(2026, 3, 2), dt.date(2026, 3, 8), country="", promotions={})
    counts = np.tile([10.0, 10, 10, 10, 12, 20, 18], 8)
    effects = fit_effects(counts, np.tile(found, (8, 1)))
    assert effects.factors(found).mean() == pytest.approx(1)
    assert effects.factors(found)[5] / effects.factors(found)[0] == pytest.approx(2, rel=0.1)


def test_the_naive_forecast_is_the_mean_of_the_same_weekdays_of_four_weeks():
    counts = np.arange(35.0)[:, None]
    last = counts[-28:, 0].reshape(4, 7).mean(axis=0)
    assert model.naive_bases(counts, 10)[:, 0] == pytest.approx([last.sum(), last[:3].sum()])
    errors = model.naive_errors(counts, 7)
    assert errors.shape == (1, 1, 1)
    came, told = counts[28:, 0].sum(), counts[:28, 0].reshape(4, 7).mean(axis=0).sum()
    assert errors[0, 0, 0] == pytest.approx(np.log((came + 0.5) / (told + 0.5)))


def test_a_launch_is_no_history():
    counts = np.repeat([1.0, 2, 4, 20, 30, 30, 30, 30, 30, 30], 7)[:, None]
    assert model.begin_of(counts) == 21
    assert model.begin_of(np.ones((5, 1))) == 0


def test_weeks_touchpoints_and_totals_of_the_forecast_add_up(shop):
    adds, found = shop
    assert found.adds.shape == (4000, 4, 2)
    weeks = found.weeks.pivot_table(index="first", columns="touchpoint", values="expected")
    parts = weeks[list(adds.touchpoints)].sum(axis=1).to_numpy()
    assert parts == pytest.approx(weeks[EVERYONE].to_numpy())
    totals = found.totals.set_index("touchpoint")
    for what in ("adds", "kept", "before"):
        assert totals.loc[list(adds.touchpoints), what].sum() == pytest.approx(
            totals.loc[EVERYONE, what]
        )
    assert (found.kept <= found.adds).all()
    assert abs(totals.loc[EVERYONE, "adds"] - 28 * 12) < 60
    assert totals.loc[EVERYONE, "kept"] / totals.loc[EVERYONE, "adds"] == pytest.approx(
        np.exp(-30 / 75), abs=0.06
    )
    assert found.history["added"].sum() <= adds.days["added"].sum()


def test_a_forecast_that_was_too_sure_is_drawn_wider_about_the_same_median(shop, monkeypatch):
    adds, _ = shop
    totals = {}
    for factor in (1.0, 1.5):
        monkeypatch.setattr(estimate, "spread_factor", lambda *_, factor=factor, **__: factor)
        found = forecast.forecast(adds, level=0.95)
        assert found.widened == factor
        totals[factor] = found.adds.sum(axis=(1, 2))
        said = forecast.say_test(found, level=0.95)
        assert ("1.50 times as wide" in said) == (factor > 1)
    with speaking("zh"):
        assert "放宽到 1.50 倍" in forecast.say_test(found, level=0.95)
    assert np.median(totals[1.5]) == pytest.approx(np.median(totals[1.0]), rel=0.01)
    spreads = {factor: np.log(total).std() for factor, total in totals.items()}
    assert spreads[1.5] / spreads[1.0] == pytest.approx(1.5, rel=0.03)


def test_the_same_seed_gives_the_same_forecast_and_another_another(shop):
    adds, found = shop
    assert (forecast.forecast(adds, level=0.95).adds == found.adds).all()
    assert (forecast.forecast(adds, level=0.95, seed=8).adds != found.adds).any()


def test_less_than_a_year_says_what_it_cannot_know(shop):
    adds, found = shop
    assert found.tested
    assert not found.whole_year
    said = forecast.say_forecast(adds, found, level=0.95)
    assert "Less than a year was seen" in said
    assert "Around Spring Festival the forecast is then rather too high" in said


def test_days_ahead_that_were_never_seen_are_named(tmp_path):
    # From 2 April on: the Tomb-sweeping holiday; the history has New Year's Day and the Festival.
    adds = adds_of(tmp_path, {"users": weeks_of(days=60, per_day=8)}, days=60)
    promoted = {"节": ["2026-03-10", "2026-03-12"]}
    found = forecast.forecast(adds, level=0.95, promotions=promoted)
    assert found.unseen == ("promotion",)
    assert "never seen (promotion)" in forecast.say_forecast(adds, found, level=0.95)
    assert not found.tested
    assert "too short to test" in forecast.say_test(found, level=0.95)
    assert not len(forecast.draw_test(adds, found).table)
    told = {one.id: one.status for one in forecast.conclude(adds, found, level=0.95)}
    assert told["targets.forecast.skill"] == "insufficient"


@pytest.mark.parametrize(
    ("people", "asked", "reason", "said"),
    [
        (weeks_of(days=54), {"days": 54}, "short", "7 whole weeks of additions were seen"),
        ([user(f"{n}", 3) for n in range(300)], {"days": 4}, "short", "0 whole weeks"),
        (weeks_of(days=100, per_day=0.3), {}, "few", "Fewer than 10 people a week"),
        (weeks_of(days=100), {"target_days": 101}, "long", "101 days are to be forecast"),
        ([user("a", None)], {}, "nobody", "Nobody was added"),
    ],
)
def test_a_history_that_cannot_tell_is_refused_with_its_reason(
    tmp_path, people, asked, reason, said
):
    adds = adds_of(tmp_path, {"users": people}, **asked)
    found = forecast.forecast(adds, level=0.95)
    assert found.refused == reason
    assert said in forecast.say_headline(adds, found, level=0.95)
    (one,) = forecast.conclude(adds, found, level=0.95)
    assert (one.id, one.status) == ("targets.forecast.adds", "insufficient")
    for drawn in (forecast.draw_forecast, forecast.draw_touchpoints):
        assert not len(drawn(adds, found, level=0.95).table)
    assert not len(forecast.draw_test(adds, found).table)
    assert forecast.say_forecast(adds, found, level=0.95) == ""


def test_a_touchpoint_that_is_new_and_one_that_ended_are_said(tmp_path):
    people = weeks_of(days=100)
    new = weeks_of(days=100, per_day=5, parts=("live",), seed=2)
    old = weeks_of(days=60, per_day=5, parts=("ad",), seed=3)
    new = [row for row in new if row["added_at"] >= people[0]["added_at"] + dt.timedelta(days=80)]
    people = [row | {"user_id": f"{n}"} for n, row in enumerate([*people, *new, *old])]
    adds = adds_of(tmp_path, {"users": people})
    found = forecast.forecast(adds, level=0.95)
    rows = found.totals.set_index("touchpoint")
    assert (rows.loc["live", "state"], rows.loc["ad", "state"]) == ("new", "ended")
    assert rows.loc["ad", "adds"] < 15
    assert 60 < rows.loc["live", "adds"] < 240
    said = forecast.say_forecast(adds, found, level=0.95)
    assert "hardly known: “live”" in said
    assert "stay away: “ad”" in said


def test_where_the_last_weeks_are_no_worse_they_are_used_with_their_errors(tmp_path):
    """Additions that alternate by four weeks: the model cannot know, and has more to lose."""
    rng, people = np.random.default_rng(4), []
    for after in range(240):
        size = 30 if (after // 28) % 2 else 3
        people += [user(f"{after}.{n}", after) for n in range(rng.poisson(size))]
    adds = adds_of(tmp_path, {"users": people}, days=240)
    found = forecast.forecast(adds, level=0.95)
    score = found.scores[EVERYONE]
    assert (found.which == "naive") == (score.value <= 0)
    assert found.which == "naive"
    assert "So that mean is used" in forecast.say_test(found, level=0.95)
    base = found.totals.iloc[-1]["before"]
    assert found.totals.iloc[-1]["adds_lower"] < base < found.totals.iloc[-1]["adds_upper"]


def test_a_last_week_that_is_short_has_as_much_less(tmp_path):
    adds = adds_of(tmp_path, {"users": weeks_of(days=120)}, days=120, target_days=10)
    found = forecast.forecast(adds, level=0.95)
    own = found.weeks[found.weeks["touchpoint"] == EVERYONE]
    assert [(b - a).days + 1 for a, b in zip(own["first"], own["last"], strict=True)] == [7, 3]
    assert own["expected"].iloc[1] / own["expected"].iloc[0] == pytest.approx(3 / 7, abs=0.12)


def test_nobody_who_can_be_seen_to_leave_leaves_additions_alone(tmp_path):
    people = [
        {name: row[name] for name in ("user_id", "added_at", "touchpoint")}
        for row in weeks_of(days=100)
    ]
    adds = adds_of(tmp_path, {"users": people})
    found = forecast.forecast(adds, level=0.95)
    assert found.kept is None
    assert "cannot be told" in forecast.say_forecast(adds, found, level=0.95)
    assert "targets.forecast.kept" not in {
        one.id for one in forecast.conclude(adds, found, level=0.95)
    }
    assert len(forecast.draw_touchpoints(adds, found, level=0.95).table)
