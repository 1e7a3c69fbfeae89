"""What was clicked by hour: counted by hand, shrunk, refused where too little, and told."""

import collections
import dataclasses
import importlib
import random

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import speaking
from siyu.stats.shrinkage import shrink
from siyu.studies.push_timing import Definition, PushError, find_pushes, heat

from tests.studies.push_timing.heat.builders import Push, found

LEVEL = 0.95
SAMPLE = "data/sample"


def crowd(users: int = 60, *, seed: int = 3) -> list[Push]:
    """Each user is pushed on every day from the 5th to the 25th, at 10:00 or 20:00."""
    rng = random.Random(seed)
    return [
        Push(
            f"u{user:03}",
            day,
            hour := rng.choice([10, 20]),
            clicked_after=1 if rng.random() < 0.1 + 0.1 * (hour == 20) else None,
            propensity=0.5 if user % 2 else None,
            delay=rng.choice([0.1, 1.2]),
        )
        for user in range(users)
        for day in range(5, 26)
    ]


def test_pushes_are_counted_by_the_hour_of_sending_as_by_hand(tmp_path):
    pushes = crowd()
    measures = heat.measure(found(tmp_path, pushes))
    by_hand = collections.Counter()
    for one in pushes:
        hour = int(one.hour + one.delay)
        key = ((one.day - 5) % 7, hour, one.propensity is not None)
        by_hand[key] += 1
        by_hand[(*key, "clicked")] += one.clicked_after is not None
    cells = measures.counts.groupby(["weekday", "hour", "is_drawn"])[["n_pushes", "answered"]].sum()
    assert len(cells) == 7 * 4 * 2
    for key, row in cells.iterrows():
        assert row.tolist() == [by_hand[key], by_hand[(*key, "clicked")]]


def test_what_was_not_sent_or_is_answered_too_late_or_too_early_is_no_answer(tmp_path):
    pushes = [
        Push("a", 5, 10, clicked_after=24),
        Push("a", 5, 10, clicked_after=24.01),
        Push("a", 5, 10, clicked_after=-0.5),
        Push("a", 5, 10, status="capped"),
        Push("b", 5, 10, clicked_after=0),
        Push("b", 31, 23, clicked_after=0.1),  # not followed for 24 hours
    ]
    counts = heat.measure(found(tmp_path, pushes)).counts
    assert counts[["n_pushes", "answered"]].sum().tolist() == [4, 2]


def test_hours_are_shrunk_with_pushes_divided_by_the_design_effect(tmp_path):
    measures = heat.measure(found(tmp_path, crowd()))
    rates = heat.rates(measures, level=LEVEL)
    counts = measures.counts.groupby("hour")[["answered", "n_pushes"]].sum()
    own = rates.everyone.set_index("hour")
    assert own.index.tolist() == [10, 11, 20, 21]
    n = counts["n_pushes"].reindex(range(24), fill_value=0)
    answered = counts["answered"].reindex(range(24), fill_value=0)
    independent = shrink(answered, n, level=LEVEL).rate[own.index]
    # Users are alike by chance only here: the design effect is hardly above one.
    assert own["answer_rate"].to_numpy() == pytest.approx(independent, abs=0.004)


def test_pushes_of_users_who_always_click_or_never_have_a_wide_interval(tmp_path):
    """60 users with 21 pushes each, a third clicks them all: worth 60 pushes, not 1,260."""
    pushes = [
        Push(f"u{user:02}", day, 10, clicked_after=1 if user < 20 else None)
        for user in range(60)
        for day in range(5, 26)
    ]
    row = heat.rates(heat.measure(found(tmp_path, pushes)), level=LEVEL).segments.iloc[0]
    assert row["deff"] == pytest.approx(21 * 60 / 59)
    assert row["answer_rate"] == pytest.approx(1 / 3)
    error = np.sqrt(1 / 3 * 2 / 3 / 59)
    assert (row["ci_upper"] - row["ci_lower"]) / 2 == pytest.approx(1.96 * error, rel=0.03)


def test_a_cell_hardly_ever_tried_has_no_rate_and_one_never_tried_no_pushes(tmp_path):
    rates = heat.rates(heat.measure(found(tmp_path, crowd(), min_users=30)), level=LEVEL)
    cells = rates.cells.set_index(["weekday", "hour"])
    assert len(cells) == 168
    assert cells.loc[("Mon", 3), "state"] == "none"
    assert cells.loc[("Mon", 3), "n_pushes"] == 0
    few = cells[cells["state"] == "few"]
    assert len(few) > 0
    assert few[["n_pushes", "answer_rate", "ci_lower"]].isna().all(axis=None)
    enough = cells[cells["state"] == "enough"]
    assert len(enough) > 0
    assert (enough["n_pushes"] >= 30).all()


def test_many_pushes_to_few_users_are_not_enough(tmp_path):
    pushes = [Push(f"u{user}", day, 10) for user in range(12) for day in range(5, 26)] * 5
    rates = heat.rates(heat.measure(found(tmp_path, pushes, min_users=13)), level=LEVEL)
    assert set(rates.hours["state"]) == {"few", "none"}


def test_support_is_counted_by_lot_and_not(tmp_path):
    pushes = crowd()
    rates = heat.rates(heat.measure(found(tmp_path, pushes)), level=LEVEL, min_pushes=10)
    table = rates.support.set_index(["weekday", "hour"])
    monday = sum(
        one.day in (5, 12, 19) and int(one.hour + one.delay) == 10 and one.propensity is not None
        for one in pushes
    )
    assert monday >= 10
    assert table.loc[("Mon", 10), "by_lot"] == monday
    assert table.loc[("Mon", 10), "not_by_lot"] == table.loc[("Mon", 10), "either"] - monday
    assert table.loc[("Mon", 4), "either_state"] == "none"


def test_of_many_users_a_part_tells_how_alike_pushes_are_and_all_are_counted(tmp_path, monkeypatch):
    pushes = crowd(90)
    whole = heat.measure(found(tmp_path / "a", pushes))
    module = importlib.import_module("siyu.studies.push_timing.heat.measure")
    monkeypatch.setattr(module, "MOST_PERSONS", 40)
    part = heat.measure(found(tmp_path / "b", pushes))
    assert (whole.every, part.every) == (1, 3)
    assert part.n_pushes == whole.n_pushes == len(pushes)
    assert set(part.counts["person"]) == {-1, *range(0, 90, 3)}
    first, second = (heat.rates(one, level=LEVEL).segments.iloc[0] for one in (whole, part))
    assert first["answer_rate"] == second["answer_rate"]
    assert (
        "one in 3 users"
        in heat.conclude(part, heat.rates(part, level=LEVEL), level=LEVEL)[0].method
    )


def test_with_under_ten_users_there_is_no_rate(tmp_path):
    pushes = [one for one in crowd() if one.user_id < "u009"]
    measures = heat.measure(found(tmp_path, pushes))
    finding = heat.conclude(measures, heat.rates(measures, level=LEVEL), level=LEVEL)[0]
    assert (finding.status, finding.value) == ("insufficient", None)
    assert "fewer than 10 users" in finding.message


def test_nothing_sent_says_why(tmp_path):
    pushes = [dataclasses.replace(one, status="capped") for one in crowd(12)]
    everything = found(tmp_path, pushes)
    measures = heat.measure(everything)
    rates = heat.rates(measures, level=LEVEL)
    (finding,) = heat.conclude(measures, rates, level=LEVEL)
    assert finding.status == "insufficient"
    assert "nothing to describe" in finding.message
    for picture in (
        heat.draw_rates(measures, rates, level=LEVEL),
        heat.draw_support(measures, rates),
    ):
        assert "No push was sent" in picture.alt
    assert "No push was sent" in heat.say_rates(measures, rates, level=LEVEL)
    assert "No push was sent" in heat.say_support(measures, rates)
    told = {one.id: one for one in heat.check(everything)}
    assert "252 planned pushes" in told["push.quality.sent"].message


def test_one_hour_only_tells_no_hours_apart(tmp_path):
    pushes = [Push(f"u{user:02}", day, 10, 1) for user in range(40) for day in range(5, 26)]
    measures = heat.measure(found(tmp_path, pushes))
    rates = heat.rates(measures, level=LEVEL)
    told = {one.id: one for one in heat.conclude(measures, rates, level=LEVEL)}
    assert told["push.description.hours"].status == "insufficient"
    assert "not what an hour does" not in heat.say_rates(measures, rates, level=LEVEL)
    assert "No hour was drawn by lot" in heat.say_support(measures, rates)


def test_where_no_cell_was_tried_enough_the_figures_say_so(tmp_path):
    measures = heat.measure(found(tmp_path, crowd(3), min_users=30))
    rates = heat.rates(measures, level=LEVEL)
    for picture in (
        heat.draw_rates(measures, rates, level=LEVEL),
        heat.draw_support(measures, rates),
    ):
        assert "30 sent pushes to 30 users" in picture.alt


def test_min_pushes_must_be_a_number_of_pushes(tmp_path):
    measures = heat.measure(found(tmp_path, crowd(3)))
    with pytest.raises(PushError, match="min_pushes = 0 must be at least 1"):
        heat.rates(measures, level=LEVEL, min_pushes=0)


def test_each_fault_of_the_pushes_is_counted_with_its_remedy(tmp_path):
    pushes = [
        Push("a", 5, 10, propensity=1.5),
        Push("a", 6, 10, propensity=0.0),
        Push("a", 7, 10, clicked_after=-1),
        Push("b", 31, 23),
        Push("b", 8, 10, propensity=0.5),
    ]
    told = {one.id: one for one in heat.check(found(tmp_path, pushes))}
    assert {name: one.value for name, one in told.items()} == {
        "push.quality.wrong_propensity": 2,
        "push.quality.clicked_early": 1,
        "push.quality.immature": 1,
    }
    assert all(one.action and one.status == "info" for one in told.values())


def test_without_lots_the_check_says_what_cannot_be_known(tmp_path):
    (finding,) = heat.check(found(tmp_path, [Push("a", 5, 10)]))
    assert (finding.id, finding.status) == ("push.quality.drawn", "insufficient")


def test_three_segments_are_drawn_in_panels_and_told_apart(tmp_path):
    kinds = ["office", "student", "homemaker"]
    occupation = {f"u{user:03}": kinds[user % 3] for user in range(150)}
    pushes = found(tmp_path, crowd(150), by=("occupation",), min_users=20, occupation=occupation)
    measures = heat.measure(pushes)
    rates = heat.rates(measures, level=LEVEL)
    assert rates.segments["segment"].tolist()[0] == "all"
    assert set(rates.segments["segment"]) == {"all", *kinds}
    assert rates.segments["n_pushes"].iloc[0] == rates.segments["n_pushes"].iloc[1:].sum()
    told = {one.id: one for one in heat.conclude(measures, rates, level=LEVEL)}
    assert told["push.rate.student"].segment == {"occupation": "student"}
    assert heat.draw_rates(measures, rates, level=LEVEL).table.equals(rates.cells)


def drawn(monkeypatch, draw):
    """The figure itself, before it is made a picture."""
    module = importlib.import_module("siyu.studies.push_timing.heat.figures")
    monkeypatch.setattr(module, "finish", lambda figure, **_: figure)
    return draw()


@pytest.mark.parametrize(("last", "step"), [(20, 1), (23, 2)])
def test_only_hours_with_any_push_are_drawn(tmp_path, monkeypatch, last, step):
    late = [Push(f"u{user:03}", 4, last, delay=0.1) for user in range(20)]
    early = [Push("u000", 4, 6, delay=0.1)]  # hardly ever tried, yet not never
    measures = heat.measure(found(tmp_path, crowd() + late + early))
    rates = heat.rates(measures, level=LEVEL)
    most = max(last, 21)
    for draw in (
        lambda: heat.draw_rates(measures, rates, level=LEVEL),
        lambda: heat.draw_support(measures, rates),
    ):
        panel = drawn(monkeypatch, draw).axes[0]
        assert panel.get_xlim() == (6, most + 1)
        hours = [label.get_text() for label in panel.get_xticklabels()]
        assert hours == [f"{hour}" for hour in range(6, most + 1, step)]
        assert panel.get_xlabel() == "hour of sending"


@pytest.mark.parametrize(("kinds", "said"), [("abc", "all segments"), ("abcde", "the 4 largest")])
def test_segments_that_are_not_drawn_are_owned_up_to(tmp_path, monkeypatch, kinds, said):
    occupation = {f"u{user:03}": kinds[user % len(kinds)] for user in range(150)}
    pushes = found(tmp_path, crowd(150), by=("occupation",), min_users=20, occupation=occupation)
    measures = heat.measure(pushes)
    rates = heat.rates(measures, level=LEVEL)
    figure = drawn(monkeypatch, lambda: heat.draw_rates(measures, rates, level=LEVEL))
    assert said in " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert figure.axes[0].get_title("left") == f"a ({150 // len(kinds)} users)"


@pytest.fixture(scope="module")
def sample():
    pool = open_source(SAMPLE)
    pushes = find_pushes(pool, Definition(), period_days=365, by=["occupation"])
    measures = heat.measure(pushes)
    return pushes, measures, heat.rates(measures, level=LEVEL)


def test_on_the_sample_the_untried_night_is_hatched_and_rates_lie_where_they_do(sample):
    pushes, measures, rates = sample
    assert measures.n_pushes == pushes.counts["sent"]
    night = rates.cells[rates.cells["hour"] < 9]
    assert set(night["state"]) == {"none"}
    rows = pushes.rows.filter(pushes.rows.is_sent).to_pandas()
    assert rates.segments["answer_rate"].iloc[0] == pytest.approx(rows["outcome"].mean())
    robust = rows.groupby("number")["outcome"].agg(["sum", "size"])
    rate = rows["outcome"].mean()
    error = np.sqrt(((robust["sum"] - rate * robust["size"]) ** 2).sum()) / len(rows)
    half = (rates.segments["ci_upper"] - rates.segments["ci_lower"]).iloc[0] / 2
    assert half == pytest.approx(1.96 * error, rel=0.01)


def test_the_hours_of_the_description_lie_as_far_apart_as_who_and_what_put_them(sample):
    """The evening does nothing for most, and is still clicked far more: that is no effect."""
    _, measures, rates = sample
    hours = rates.hours[rates.hours["segment"] == "(unknown)"].set_index("hour")["answer_rate"]
    assert hours[21] > 1.2 * hours[10]
    assert "not what an hour does" in heat.say_rates(measures, rates, level=LEVEL)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_is_told_and_drawn_in_both_languages(sample, language):
    _, measures, rates = sample
    with speaking(language):
        told = heat.conclude(measures, rates, level=LEVEL)
        pictures = [
            heat.draw_rates(measures, rates, level=LEVEL),
            heat.draw_support(measures, rates),
        ]
    assert len(told) == 9
    assert all(one.alt and len(one.png) > 10_000 for one in pictures)
    assert isinstance(pictures[1].table, pd.DataFrame)


def test_orders_are_told_as_orders(sample):
    pushes, *_ = sample
    ordered = find_pushes(pushes.pool, Definition(outcome="order"), period_days=120)
    measures = heat.measure(ordered)
    rates = heat.rates(measures, level=LEVEL)
    assert "followed by an order" in heat.say_rates(measures, rates, level=LEVEL)
    assert "followed by an order" in heat.draw_rates(measures, rates, level=LEVEL).alt.lower()


def test_the_scale_of_a_few_hundred_pushes_is_written_in_numbers(tmp_path, monkeypatch):
    measures = heat.measure(found(tmp_path, crowd(200)))
    rates = heat.rates(measures, level=LEVEL)
    scale = drawn(monkeypatch, lambda: heat.draw_support(measures, rates)).axes[-1]
    marks = scale.get_yticklabels(which="both")
    told = [text for text in (mark.get_text() for mark in marks) if text]
    assert len(told) > 1
    assert all(text.replace(",", "").isdigit() for text in told)
