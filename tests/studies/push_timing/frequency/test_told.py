"""What is said, drawn and found about frequency, in both languages, whatever the data allow."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from siyu.language import LANGUAGES, speaking
from siyu.studies.push_timing import frequency
from siyu.studies.push_timing.frequency import figures
from siyu.studies.push_timing.frequency.sentences import advice, candidates

from tests.studies.push_timing.frequency.test_estimate import (
    LEVEL,
    NUMBERS,
    exposed,
    measures,
    spans,
    weekly,
)

DRAWN = [(400, 1, 10, 200, 30, 60), (400, 3, 10, 120, 90, 120)]


def rich(**other):
    table = weekly(NUMBERS)
    rows = [exposed(DRAWN), exposed(DRAWN[::-1], population="others")]
    rows[1]["number"] += 10_000
    rows[1].loc[rows[1]["received"] == 3, "click"] = 1
    given = {"exposures": pd.concat(rows), "weekly": table, "assigned": table, "experiment": "caps"}
    return measures(**given | other)


def poor():
    """No block, nobody pushed twice, and a short period."""
    return measures(
        exposures=exposed([(100, 1, 10, 5, 0, 0)], population="others"),
        spans=pd.DataFrame({"segment": []}),
        now=None,
        before=None,
        n_blocks=0,
    )


def studied(one):
    return {
        "slopes": frequency.slopes(one, level=LEVEL),
        "curves": frequency.curves(one, level=LEVEL),
        "frontier": frequency.frontier(one, level=LEVEL),
        "alerts": frequency.alerts(one, level=LEVEL, block_threshold=0.012),
    }


def pictures(one, found):
    yield from (
        frequency.draw_curves(one, found["curves"], found["slopes"], by=by, level=LEVEL)
        for by in ("received", "gap")
    )
    yield frequency.draw_frontier(one, found["frontier"], level=LEVEL)
    yield frequency.draw_alerts(one, found["alerts"], level=LEVEL)


def said(one, found):
    yield frequency.say_slopes(one, found["slopes"], level=LEVEL)
    yield frequency.say_naive(one, found["slopes"])
    yield frequency.say_frontier(one, found["frontier"], level=LEVEL)
    yield frequency.say_alerts(one, found["alerts"], level=LEVEL)


def findings(one, found):
    return frequency.conclude(
        one,
        found["slopes"],
        found["frontier"],
        found["alerts"],
        level=LEVEL,
        block_threshold=0.012,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize("make", [rich, poor, measures])
def test_everything_can_be_drawn_said_and_found(make, language):
    one = make()
    found = studied(one)
    with speaking(language):
        for picture in pictures(one, found):
            assert picture.png
            assert picture.alt
        assert any(said(one, found))
        ids = [finding.id for finding in findings(one, found)]
    assert len(ids) == len(set(ids))


def test_by_lot_the_effect_the_best_number_and_the_rise_are_told():
    one = rich()
    found = studied(one)
    slopes, naive, best, blocks = said(one, found)
    assert "the chance of a block rises by" in slopes
    assert slopes.count("not an effect of lots") == 1
    assert "Where no number was drawn, the same comparison says +" in naive
    assert best.startswith("3 pushes a week are clearly best: 2.20 yuan a week each (95% CI ")
    assert "A click counts 8.00 yuan and a member who blocks 50.00 yuan" in best
    assert blocks.startswith("“north”: blocks rose from 50.0 to 200.0 per 10,000 pushes")
    given = {finding.id: finding for finding in findings(one, found)}
    assert given["push.frequency.slope.block"].evidence == "adjusted"
    assert given["push.frequency.best.weeks"].value == pytest.approx(2.2)
    assert given["push.frequency.best.assigned"].action.startswith("Set the weekly number to 3:")
    assert given["push.frequency.best.assigned"].action in best
    rose = given["push.frequency.blocks.north"]
    assert (rose.status, rose.segment) == ("alert", {"place": "north"})
    assert rose.action.startswith("Lower the weekly number")
    assert given["push.frequency.blocks.south"].status == "info"
    assert given["push.frequency.blocks.south"].threshold is None
    assert given["push.frequency.block_rate.north"].status == "alert"
    assert given["push.frequency.block_rate.south"].action == ""


def test_without_lots_it_is_described_with_the_reason():
    one = measures(exposures=exposed(DRAWN, population="others"), kept_one_in=5)
    found = studied(one)
    slopes, naive, best, _ = said(one, found)
    assert "Not by lot: active people are pushed more" in slopes
    assert "one user in 5, 800 users" in slopes
    assert naive == ""
    assert "It is a description, no advice." in best
    assert best.startswith("As pushes were answered, 1 a week would be best: 0.03 yuan")
    picture = frequency.draw_frontier(one, found["frontier"], level=LEVEL)
    assert "described, not by lot" in picture.alt
    given = {finding.id: finding for finding in findings(one, found)}
    assert given["push.frequency.slope.click"].evidence == "descriptive"
    assert given["push.frequency.best.model"].evidence == "descriptive"
    assert given["push.frequency.best.model"].action.startswith("Draw weekly numbers around")


def test_no_block_at_all_is_insufficient_and_never_a_chance_of_zero():
    one = poor()
    found = studied(one)
    slopes, _, best, blocks = said(one, found)
    assert "None of 1,000 pushes was answered by a block: that is no chance of 0" in slopes
    assert best.startswith("None of 2,000 pushes was answered by blocking")
    assert blocks.startswith("The period holds no two times 28 days")
    assert {finding.status for finding in findings(one, found)} == {"insufficient"}
    watched = replace(
        one, spans=spans([(100, 10, 10, 0, 0)]), now=measures().now, before=measures().now
    )
    told = frequency.say_alerts(watched, frequency.alerts(watched, level=LEVEL), level=LEVEL)
    assert "that is no chance of 0, only one under about 15.0 in 10,000" in told


def test_segments_that_cannot_be_watched_are_insufficient():
    one = measures(spans=spans([(20, 10, 10, 5, 5), (100, 10, 10, 0, 0)]))
    found = studied(one)
    assert "cannot be watched" in frequency.say_alerts(one, found["alerts"], level=LEVEL)
    given = {finding.id: finding for finding in findings(one, found)}
    assert given["push.frequency.blocks.north"].n == 0
    assert given["push.frequency.blocks.south"].message.startswith("“south”: not one block")


def test_a_fall_of_blocks_is_fine_and_none_that_is_clear_is_said():
    one = measures(spans=spans([(200, 10, 10, 60, 10), (100, 10, 10, 5, 6)]))
    found = studied(one)
    assert frequency.say_alerts(one, found["alerts"], level=LEVEL).startswith("In none of 2")
    given = {finding.id: finding for finding in findings(one, found)}
    assert given["push.frequency.blocks.north"].status == "ok"
    assert "blocks fell from 300.0 to 50.0" in given["push.frequency.blocks.north"].message


def test_nothing_clear_is_said_as_such():
    one = measures(exposures=exposed([(100, 1, 10, 50, 20, 30), (100, 2, 10, 50, 20, 30)]))
    picture = frequency.draw_curves(
        one, frequency.curves(one, level=LEVEL), frequency.slopes(one, level=LEVEL),
        by="received", level=LEVEL,
    )  # fmt: skip
    assert "No clear effect of the pushes received before can be told" in picture.alt


def test_the_hours_since_the_last_are_titled_with_both_ends_where_they_are_known():
    rows = exposed(DRAWN)
    rows.loc[rows["received"] == 1, "gap"] = 4
    one = measures(exposures=rows)
    picture = frequency.draw_curves(
        one, frequency.curves(one, level=LEVEL), frequency.slopes(one, level=LEVEL),
        by="gap", level=LEVEL,
    )  # fmt: skip
    assert (
        "3.0% within 24 hours of the last bring a click, 5.0% after a week or none" in picture.alt
    )


def test_an_order_is_called_an_order():
    one = measures(outcome="order")
    told = frequency.say_slopes(one, frequency.slopes(one, level=LEVEL), level=LEVEL)
    assert "the chance of an order" in told


def test_where_the_two_counts_disagree_everybody_drawn_decides():
    early = weekly([(1, 100, 8, 8, 6, 2), (3, 100, 8, 24, 3, 12)])
    late = weekly([(1, 100, 8, 8, 1, 2), (3, 100, 8, 24, 6, 12)])
    found = frequency.frontier(measures(weekly=late, assigned=early), level=LEVEL)
    assert found.candidates == {"assigned": (1,), "weeks": (3,)}
    assert advice(found).startswith("Set the weekly number to 1")


def test_a_free_click_draws_no_lines_of_equal_value():
    table = weekly(NUMBERS)
    one = measures(weekly=table, assigned=table)
    found = frequency.frontier(one, level=LEVEL, value_per_click_cny=0)
    assert found.best["weeks"] == 1
    assert frequency.draw_frontier(one, found, level=LEVEL).png


def test_of_hardly_anybody_nothing_is_drawn():
    one = measures(exposures=exposed([(9, 1, 10, 5, 2, 2)]))
    found = frequency.curves(one, level=LEVEL)
    assert found["n_pushes"].isna().all()
    picture = frequency.draw_curves(
        one, found, frequency.slopes(one, level=LEVEL), by="received", level=LEVEL
    )
    assert picture.table.empty
    assert "cannot be told" in picture.alt


TIED = [(1, 100, 10, 10, 1, 0), (3, 100, 10, 30, 2, 6), (4, 100, 10, 40, 2, 7),
        (7, 100, 5, 35, 1, 60)]  # fmt: skip


def test_numbers_that_tie_are_a_range_and_the_price_of_more_is_told():
    """At 3: 250 clicks x 8 less 6 x 50, in 1,000 weeks; at 7: 150 x 8 less 60 x 50, in 500."""
    one = measures(weekly=weekly(TIED), assigned=weekly(TIED))
    found = frequency.frontier(one, level=LEVEL)
    assert found.candidates["assigned"] == (3, 4)
    said = frequency.say_best(one, found, level=LEVEL)
    assert said.startswith("3 to 4 pushes a week cannot be told apart (at 3: 1.70 yuan a week each")
    assert said.endswith("; fewer lose fewer members; 7 a week lose 3.60 yuan each")
    assert said in frequency.draw_frontier(one, found, level=LEVEL).alt
    assert advice(found).startswith("Set the weekly number among 3 to 4, and 3 where members")
    apart = replace(found, candidates=dict.fromkeys(found.best, (1, 4)))
    assert candidates(apart, "weeks") == "1, 4"


def test_no_price_is_told_where_none_is_clear():
    mild = [(1, 100, 10, 10, 1, 5), (3, 100, 10, 30, 3, 7)]
    one = measures(weekly=weekly(mild), assigned=weekly(mild))
    said = frequency.say_best(one, frequency.frontier(one, level=LEVEL), level=LEVEL)
    assert said.startswith("3 pushes a week are clearly best")
    assert ";" not in said
    assert frequency.say_best(poor(), frequency.frontier(poor(), level=LEVEL), level=LEVEL) == (
        frequency.say_frontier(poor(), frequency.frontier(poor(), level=LEVEL), level=LEVEL)
    )


def test_an_effect_that_falls_is_said_as_what_it_falls_by():
    """5% of pushes are clicked after 1, and 3% after 3: a ratio of √0.6 each, 22.5% less."""
    one = measures(exposures=exposed([(400, 1, 10, 200, 30, 60), (400, 3, 10, 120, 30, 60)]))
    said = frequency.say_slopes(one, frequency.slopes(one, level=LEVEL), level=LEVEL)
    assert "the chance of a click falls by 22.5% (95% CI " in said
    assert "−" not in said.split(";")[0]


def test_an_answer_that_nobody_gave_has_no_panel(monkeypatch):
    panels = []
    canvas = figures.canvas

    def spied(*args, **given):
        panels.append(given["columns"])
        return canvas(*args, **given)

    monkeypatch.setattr(figures, "canvas", spied)
    for n in (0, 24):
        one = measures(exposures=exposed([(100, 1, 10, 50, n, 20), (100, 2, 10, 40, n, 30)]))
        picture = frequency.draw_curves(
            one, frequency.curves(one, level=LEVEL), frequency.slopes(one, level=LEVEL),
            by="received", level=LEVEL,
        )  # fmt: skip
        assert picture.png
    assert panels == [2, 3]


def test_the_tables_name_their_places_and_gaps_are_no_rule():
    one = rich()
    found = studied(one)
    received, gap, *_ = pictures(one, found)
    assert "received" in received.table
    assert set(gap.table["hours_since_last"]) == {"<24"}
    assert "not a rule for gaps" in frequency.say_gaps(found["curves"])
    few = frequency.curves(measures(exposures=exposed([(9, 1, 10, 5, 2, 2)])), level=LEVEL)
    assert frequency.say_gaps(few) == ""
