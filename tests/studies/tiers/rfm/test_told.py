"""RFM: shares, moves and concentration by hand; small groups; refusals; what is said and drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, t
from siyu.data import open_source
from siyu.language import LANGUAGES, speaking
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import SMALL
from siyu.studies.tiers import Definition, TierError, find_members, rfm
from siyu.studies.tiers.rfm import sentences
from siyu.studies.tiers.rfm.moves import hide_few
from siyu.studies.tiers.rfm.rule import SEGMENTS

from tests.studies.tiers.rfm.builders import code, measures_of, members_of, order

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
PEOPLE = {"champions": 40, "loyal": 40, "new": 50, "dormant": 60, "lost": 80}


def crowd(*, seed=1, **other):
    """Members in five segments, with margins that differ; the same on both days."""
    rng = np.random.default_rng(seed)
    state = np.repeat([code(name) for name in PEOPLE], list(PEOPLE.values()))
    found = measures_of(state, state)
    people = found.buyers
    mean = np.repeat([400.0, 200.0, 80.0, 40.0, 5.0], list(PEOPLE.values()))
    people["margin_now"] = np.round(rng.gamma(2, mean / 2), 2)
    people["amount_now"] = 2 * people["margin_now"]
    people["margin_before"], people["amount_before"] = people["margin_now"], people["amount_now"]
    idle = pd.DataFrame({"state_before": code("never"), "state_now": code("never"), "n": [100]})
    return replace(found, others=idle, min_users=30, **other)


def told(measures):
    found = {
        "segments": rfm.describe(measures, level=LEVEL),
        "moves": rfm.move(measures, level=LEVEL),
        "concentration": rfm.concentrate(measures, level=LEVEL),
    }
    return found, rfm.conclude(measures, **found)


def test_shares_and_means_are_those_of_the_rows():
    measures = crowd()
    found = rfm.describe(measures, level=LEVEL, offer_cost_cny=10.0)
    margin = measures.buyers["margin_now"].to_numpy()
    row = found.table.set_index("segment").loc["champions"]
    assert (row["n"], row["share"]) == (40, 40 / 370)
    assert row["margin_share"] == pytest.approx(margin[:40].sum() / margin.sum())
    assert row["margin_mean"] == pytest.approx(margin[:40].mean())
    assert row["margin_cny"] == pytest.approx(margin[:40].sum())
    assert row["break_even"] == pytest.approx(10 / margin[:40].mean())
    assert found.joint_level == pytest.approx(bonferroni_level(LEVEL, 5))
    residual = np.where(np.arange(270) < 40, margin, 0) - row["margin_share"] * margin
    error = residual.std(ddof=1) / np.sqrt(270) / margin.mean()
    kurtosis = np.mean((residual - residual.mean()) ** 4) / residual.var() ** 2
    half = t.ppf((1 + found.joint_level) / 2, 2 * 270 / (kurtosis - 1)) * error
    assert row["margin_share_upper"] - row["margin_share"] == pytest.approx(half)
    assert found.table["n"].sum() == found.n_members == 370
    shares = found.table.loc[found.table["segment"].isin(SEGMENTS), "margin_share"]
    assert shares.sum() == pytest.approx(1)
    never = found.table.set_index("segment").loc["never"]
    assert never["n"] == 100
    assert np.isnan(never["margin_mean"])


def test_net_flows_and_stays_are_counted_by_hand():
    moves = [("champions", "loyal", 50), ("loyal", "champions", 30), ("champions", "champions", 40)]
    moves += [("loyal", "loyal", 60), ("absent", "champions", 35), ("champions", "absent", 45)]
    states = np.array([(code(a), code(b)) for a, b, n in moves for _ in range(n)])
    found = rfm.move(measures_of(states[:, 0], states[:, 1]), level=LEVEL)
    row = found.flows.set_index("segment").loc["champions"]
    assert (row["n_before"], row["n_now"], row["net"]) == (135, 105, -30)
    assert (row["moved_in"], row["moved_out"]) == (65, 95)
    half = 2.241403 * np.sqrt(65 + 95)  # two segments: 97.5% each
    assert row["ci_upper"] - row["net"] == pytest.approx(half, abs=1e-4)
    assert row["p"] == pytest.approx(2 * binom.cdf(65, 160, 0.5))
    assert row["p_holm"] == pytest.approx(2 * row["p"])
    assert row["verdict"] == "down"
    assert row["stayed"] == pytest.approx(40 / 135)
    assert row["came_from"] == pytest.approx(40 / 105)
    cells = found.cells.set_index(["before", "now"])
    assert cells.loc[("champions", "loyal"), "share"] == pytest.approx(50 / 135)
    rows = found.cells[found.cells["before"] != "idle"].groupby("before")["share"].sum()
    assert rows.to_numpy() == pytest.approx(1)
    assert found.n == 260


@pytest.mark.parametrize("seed", range(40))
def test_no_few_people_are_known_by_subtraction(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 80, (6, 6)) * (rng.random((6, 6)) < 0.7)
    counts[:, 0] += 200  # no line is small as a whole
    counts[0] += 200
    hidden = hide_few(counts, min_users=30)
    assert hidden[(counts > 0) & (counts < 30)].all()
    for left in (*(counts * hidden).sum(axis=0), *(counts * hidden).sum(axis=1)):
        assert left == 0 or left >= 30


def test_small_segments_share_a_name_and_few_movers_are_told_by_groups():
    moves = [("champions", "champions", 45), ("loyal", "loyal", 40), ("dormant", "lost", 20)]
    moves += [("dormant", "dormant", 35), ("champions", "dormant", 12), ("loyal", "dormant", 25)]
    moves += [("at_risk", "at_risk", 8)]
    states = np.array([(code(a), code(b)) for a, b, n in moves for _ in range(n)])
    measures = measures_of(states[:, 0], states[:, 1], min_users=30)
    found = rfm.move(measures, level=LEVEL)
    assert found.in_groups
    assert set(found.cells["before"]) == {"core", "slipping", "idle", "absent"}
    assert "at_risk" not in set(found.flows["segment"])
    told = rfm.describe(measures, level=LEVEL).table
    assert told["segment"].tolist()[-1] == SMALL
    assert (told["n"] >= 28).all()


def test_concentration_is_compared_person_by_person():
    """The same people brought the same: no change, and no doubt about it."""
    found = rfm.concentrate(crowd(), level=LEVEL)
    change = found.table[found.table["of"] == "change"]
    assert (change[["value", "ci_lower", "ci_upper"]].abs() < 1e-12).all(axis=None)
    ends = found.curve.groupby("of")["share"].agg(["first", "last"])
    assert ends.to_numpy() == pytest.approx(np.tile([0, 1], (3, 1)))
    assert set(found.curve["of"]) == {"buyers", "members", "before"}


def test_zero_margins_are_told_by_amounts():
    measures = crowd()
    for name in ("margin_now", "margin_before"):
        measures.buyers[name] = 0.0
    found, concluded = told(measures)
    assert not found["segments"].of_margin
    assert found["segments"].table["margin_share"].isna().all()
    assert {one.id.split(".")[2] for one in concluded} >= {"amount_share", "net_flow", "gini"}
    assert "not above 0" in rfm.say_segments(measures, found["segments"])
    for picture in drawn(measures, found):
        assert picture.png


def drawn(measures, found):
    return [
        rfm.draw_segments(measures, found["segments"]),
        rfm.draw_moves(measures, found["moves"]),
        rfm.draw_concentration(measures, found["concentration"]),
    ]


REFUSED = {
    "orders": ([{"user_id": "a"}], None, 1),
    "nobody": ([{"user_id": "a"}], [order(1, "a", 1, 10.0)], 1),
    "few": ([{"user_id": "a"}], [order(1, "a", 170, 10.0)], 30),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_told_says_why(reason, language, tmp_path):
    users, orders, min_users = REFUSED[reason]
    measures = rfm.measure(members_of(tmp_path, users, orders, min_users=min_users))
    with speaking(language):
        found, concluded = told(measures)
        assert {one.refused for one in found.values()} == {reason}
        said = rfm.say_segments(measures, found["segments"])
        assert said == rfm.say_moves(measures, found["moves"])
        assert {one.status for one in concluded} == {"insufficient"}
        assert all(picture.table.empty for picture in drawn(measures, found))


def test_one_buyer_and_equal_buyers_are_in_the_middle(tmp_path):
    users = [{"user_id": f"u{i}"} for i in range(40)]
    for name, n in (("one", 1), ("equal", 40)):
        folder = tmp_path / name
        folder.mkdir()
        orders = [order(i, f"u{i}", 120, 10.0, 3.0) for i in range(n)]
        measures = rfm.measure(members_of(folder, users, orders), compare_days=None)
        found, concluded = told(measures)
        assert found["segments"].table["segment"].tolist()[0] == "needs_attention"
        assert found["segments"].table["margin_mean"][0] == 3
        if n > 1:  # of one buyer there is no interval: see the next test
            assert concluded[0].value == 1
        assert all(picture.png for picture in drawn(measures, found))


def test_a_share_without_an_interval_is_no_finding(tmp_path):
    measures = rfm.measure(
        members_of(tmp_path, [{"user_id": "a"}], [order(1, "a", 120, 10.0)]), compare_days=None
    )
    _, concluded = told(measures)
    shares = [one for one in concluded if "share" in one.id]
    assert {one.status for one in shares} == {"insufficient"}


@pytest.mark.parametrize("verdict", ["both", "up", "down", "unclear"])
def test_each_outcome_of_moves_is_said_and_judged(verdict):
    ups = [("never", "champions", 60)] if verdict in ("both", "up") else []
    downs = [("loyal", "absent", 60)] if verdict in ("both", "down") else []
    stays = [("champions", "champions", 40), ("loyal", "loyal", 40)]
    states = np.array([(code(a), code(b)) for a, b, n in ups + downs + stays for _ in range(n)])
    measures = measures_of(states[:, 0], states[:, 1], min_users=30)
    found = rfm.move(measures, level=LEVEL)
    title = sentences.say_verdict(measures, found)
    assert ("more members are champions" in title) == bool(ups)
    assert ("fewer" in title) == bool(downs)
    assert ("no segment clearly" in title) == (verdict == "unclear")
    assert "regression to the mean" in rfm.say_moves(measures, found)
    statuses = {
        one.id.split(".")[-1]: (one.status, bool(one.action))
        for one in rfm.conclude(
            measures,
            segments=rfm.describe(measures, level=LEVEL),
            moves=found,
            concentration=rfm.concentrate(measures, level=LEVEL),
        )
        if "net_flow" in one.id
    }
    assert statuses["champions"] == ("info", False)
    assert statuses["loyal"] == (("alert", True) if downs else ("info", False))


def test_a_pool_that_merely_grows_raises_no_alert_and_what_is_at_stake_is_no_worth():
    """Half as many people again, in every segment and with the same habits."""
    stays = [(name, name, n) for name, n in PEOPLE.items()]
    joins = [("absent", name, n // 2 + 20) for name, n in PEOPLE.items()]
    states = np.array([(code(a), code(b)) for a, b, n in stays + joins for _ in range(n)])
    measures = measures_of(states[:, 0], states[:, 1], min_users=30)
    found, concluded = told(measures)
    assert (found["moves"].flows.set_index("segment").loc[["dormant", "lost"], "net"] > 0).all()
    assert (found["moves"].flows["verdict"] == "up").any()
    assert not [one.id for one in concluded if one.status == "alert"]
    assert "Buyers were 270 then and are 505 now" in rfm.say_moves(measures, found["moves"])
    _, concluded = told(crowd())
    assert {one.worth_cny for one in concluded} == {None}


@pytest.mark.parametrize(("factor", "word"), [(1.0, "did not"), (3.0, "rose"), (0.1, "fell")])
def test_each_outcome_of_concentration_is_said(factor, word):
    measures = crowd()
    best = measures.buyers["margin_now"].rank(ascending=False) <= 54
    for name in ("margin", "amount"):
        measures.buyers.loc[best, f"{name}_now"] *= factor
    said = rfm.say_concentration(measures, rfm.concentrate(measures, level=LEVEL))
    assert f"best fifth {'clearly ' if word != 'did not' else ''}{word}" in said


def test_an_offer_is_held_against_what_members_bring():
    measures = crowd()
    said = rfm.say_stakes(rfm.describe(measures, level=LEVEL, offer_cost_cny=10.0))
    assert "60 members called dormant" in said
    assert "less than the 10.00 yuan" in said  # the lost bring 5 each
    with pytest.raises(TierError, match="offer_cost_cny = 0 must be above 0"):
        rfm.describe(measures, level=LEVEL, offer_cost_cny=0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_is_told_in_both_languages(language):
    members = find_members(open_source(SAMPLE), Definition(), period_days=180)
    measures = rfm.measure(members)
    found, concluded = told(measures)
    with speaking(language):
        assert all(not picture.undrawn for picture in drawn(measures, found))
        for said in (
            rfm.say_segments(measures, found["segments"]),
            rfm.say_stakes(found["segments"]),
            rfm.say_moves(measures, found["moves"]),
            rfm.say_concentration(measures, found["concentration"]),
        ):
            assert said
    assert len({one.id for one in concluded}) == len(concluded)
    json.dumps([vars(one) for one in concluded], allow_nan=False)
    assert found["segments"].table["n"].sum() == found["segments"].n_members
