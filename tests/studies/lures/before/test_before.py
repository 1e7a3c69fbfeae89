"""Earlier offers: ratios by hand and as planted, who is hidden, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.lures import Definition, before, find_experiment

from tests.studies.lures.made import SIZE, experiment, people

LEVEL = 0.95
SAMPLE = Path(__file__).parents[4] / "data" / "sample"


def arms(*, seen=0.2, another=0.5, ratio=0.6, added=(0.5, 0.4), size=SIZE):
    """Two arms; a part was seen before, half of it with another lure, and adds less often."""
    tables = {}
    for code, (name, own) in enumerate(zip(("coupon", "gift"), added, strict=True)):
        old = round(seen * size)
        fresh = people(code, size - old, added=own, seed=code)
        earlier = people(code, old, added=own * ratio, seed=code + 2)
        earlier["exposures_before"] = 1.0
        earlier["offered_before"] = np.arange(old) < round(another * old)
        tables[name] = pd.concat([fresh, earlier], ignore_index=True)
    return tables


def read(tables=None, **other):
    one = experiment(tables if tables is not None else arms(), **other)
    return one, before.compare_before(one, level=LEVEL)


def test_the_share_expected_is_that_of_fresh_people_of_the_same_stratum():
    """One channel, one week: 4 of 8 fresh in one arm, 2 of 8 in the other; 40 and 80 were seen."""

    def rows(arm, converted, n, exposures):
        return pd.DataFrame(
            {"arm": arm, "converted": np.arange(n) < converted, "channel": 0, "day": 0,
             "exposures_before": exposures, "offered_before": False, "followed_days": 60.0,
             "cluster": 0}
        )  # fmt: skip

    tables = {
        "a": pd.concat([rows(0, 40, 80, 0.0), rows(0, 10, 40, 1.0)], ignore_index=True),
        "b": pd.concat([rows(1, 20, 80, 0.0), rows(1, 10, 80, 1.0)], ignore_index=True),
    }
    _, found = read(tables)
    row = found.ratios.set_index("kind").loc["seen"]
    assert row["expected"] == pytest.approx((40 * 0.5 + 80 * 0.25) / 120)
    assert row["converted"] == pytest.approx(20 / 120)
    up, down = 10 * 80 / 120 + 10 * 80 / 160, 40 * 40 / 120 + 20 * 80 / 160
    assert row["ratio"] == pytest.approx(up / down)
    assert (found.fresh, found.n) == (160, 280)


def test_the_planted_ratio_is_found_and_said():
    one, found = read(arms(size=2_000))
    for row in found.ratios.itertuples():
        assert row.ci_lower < 0.6 < row.ci_upper < 1
    assert before.headline(one, found).endswith("use fresh customers")
    status = {each.id: each.status for each in before.conclude(one, found, level=LEVEL)}
    assert status["lures.before.seen"] == "alert"


@pytest.mark.parametrize(("ratio", "outcome"), [(0.3, "less"), (1.0, "unclear"), (1.8, "more")])
def test_each_outcome_has_its_sentence(ratio, outcome):
    one, found = read(arms(ratio=ratio))
    assert {before.sentences.outcome(row) for row in found.ratios.itertuples()} == {outcome}
    said = before.say_before(one, found, level=LEVEL)
    assert ("not clear" in said) == (outcome == "unclear")


def test_people_of_a_stratum_without_fresh_ones_are_compared_with_nobody():
    tables = arms()
    tables["gift"].loc[tables["gift"]["exposures_before"] > 0, "channel"] = -1
    found = read(tables)[1].ratios.set_index("kind")
    assert found.loc["seen", "n"] == 80  # those of the other arm


def test_a_kind_of_few_is_hidden_and_not_had_by_subtraction():
    """Of 60 who were seen, 50 had another lure: the other ten would be the difference."""
    one, found = read(arms(seen=60 / 800, another=50 / 60))
    table = found.ratios.set_index("kind")
    assert table["refused"].tolist() == ["", "few"]
    assert np.isnan(table.loc["another", "n"])
    told = before.say_before(one, found, level=LEVEL)
    assert "50" not in told.replace("0.50", "")


def test_where_the_others_of_an_arm_are_few_neither_number_nor_share_tells_how_few():
    _, found = read(arms(seen=25 / 400))
    assert found.arms["n"].isna().all()
    assert (found.arms["conversion"] == found.arms["conversion"].round(3)).all()
    _, many = read(arms(seen=100 / 400))
    assert many.arms["n"].tolist() == [300, 300]


def test_who_wins_among_the_fresh_may_differ_from_who_wins_among_all():
    tables = arms(seen=0.4, added=(0.5, 0.42), size=1_000)
    late = tables["gift"]["exposures_before"] > 0
    tables["gift"].loc[late, "converted"] = True
    one, found = read(tables)
    assert found.arms["is_candidate"].tolist() == [True, False]
    assert found.arms["is_candidate_all"].tolist() == [False, True]
    assert "go by the fresh" in before.say_before(one, found, level=LEVEL)


def test_nobody_seen_before_is_no_comparison():
    one, found = read(arms(seen=0.0))
    assert found.ratios["refused"].tolist() == ["none", "none"]
    assert before.headline(one, found) == "Nobody drawn is known to have had an offer before"
    assert found.arms["n"].tolist() == [SIZE, SIZE]


def test_where_hardly_anybody_converts_nothing_is_compared():
    _, found = read(arms(ratio=0.02))
    assert found.ratios["refused"].tolist() == ["rare", "rare"]


REFUSALS = {
    "none": {"refused": "none"},
    "few": {"tables": arms(seen=0.95)},
    "immature": {"people": experiment().people.assign(followed_days=5.0)},
    "ratio": {"drawn": experiment().drawn.query("arm == 0 or day < 12")},
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("refused", REFUSALS)
def test_each_refusal_is_said_drawn_and_concluded(refused, language):
    with speaking(language):
        one, found = read(**REFUSALS[refused])
        assert found.refused == refused
        said = before.say_before(one, found, level=LEVEL)
        (finding,) = before.conclude(one, found, level=LEVEL)
        assert finding.message.rstrip(".。") == said.rstrip(".。")
        assert before.draw_before(one, found, level=LEVEL).table.empty


@pytest.mark.parametrize("language", ["en", "zh"])
def test_findings_keep_the_contract_and_stand_beside_the_figure(language):
    with speaking(language):
        one, found = read()
        findings = before.conclude(one, found, level=LEVEL)
        to_json(findings, notebook="05", as_of="2026-03-31", source="a", parameters={})
        picture = before.draw_before(one, found, level=LEVEL)
    assert [each.id.split(".")[2] for each in findings] == ["seen", "another", "fresh", "fresh"]
    assert picture.undrawn == ""
    assert len(picture.table) == 4


@pytest.mark.parametrize("test", ["lure_2026_01", "lure_pilot_2025_12"])
def test_planted_truths_of_the_sample_lie_in_their_intervals(test):
    """Six truths at once: five arms among the fresh, and the ratio after another lure.

    The planted ratio is that of one exposure; few are exposed twice within the days that count. It
    is read here of people who are too few for the page, so the least is lowered.
    """
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    truths = {one["id"]: one["value"] for one in document["truths"]}
    one = find_experiment(open_source(SAMPLE), Definition(experiment=test), min_users=1)
    joint = LEVEL ** (1 / 6)
    # The intervals of arms hold at once already: so these are wider than asked, never narrower.
    found = before.compare_before(one, level=joint)
    for row in found.arms.itertuples():
        truth = truths[f"lures.{test}.conversion_fresh.{row.arm}"]
        assert row.ci_lower <= truth <= row.ci_upper
    another = found.ratios.set_index("kind").loc["another"]
    if test == "lure_2026_01":
        assert another["ci_lower"] <= truths["lures.refused"] <= another["ci_upper"]
    else:
        assert another["refused"] == "none"
