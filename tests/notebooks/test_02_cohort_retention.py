"""The retention notebook, run as the weekly report runs it, against what is true of the sample."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from siyu.data import open_source
from siyu.data.world import Settings
from siyu.data.world.write import write_tables
from siyu.studies import retention
from siyu.studies.retention import contact

from tests.notebooks.published import ROOT, findings, report, report_once

NAME = "02_cohort_retention"
RETURNS = ["browse", "compare", "cart", "order", "sign_in", "moments_like", "moments_comment"]
DAYS = (1, 7, 30)
LURES = ("physical", "virtual", "coupon", "service")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    stored = json.loads((ROOT / "data" / "sample" / "truth.json").read_text("utf-8"))
    return {one["id"]: one["value"] for one in stored["truths"]}


@pytest.fixture(scope="module")
def log_truth(truth) -> dict[str, float]:
    """Hazard ratios as logarithms, on whose scale estimates are as far off either way."""
    return {name: np.log(value) for name, value in truth.items() if "hazard_ratio" in name}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return report_once(NAME, tmp_path_factory)


def returns(pool) -> list[tuple[str, float, float]]:
    """Truth, rate and users of the channels whose members were all added by a scan.

    They come back before anything is pushed to them; friends, of channel social, have no truth.
    """
    asked = retention.Definition(days=[7], return_events=RETURNS)
    measures = retention.measure(pool, asked, period_days=365, by=["channel"])
    rated = retention.rates(measures, level=0.95).set_index(["segment", "k"])
    return [
        (f"retention.active_from_7.{channel}", *rated.loc[(channel, 7), ["rate", "at_risk"]])
        for channel in ("online", "offline", "commercial")
    ]


def stays(pool, clock: str) -> list[tuple[str, float, float]]:
    """Truth, rate and users still there after 1, 7 and 30 days, by lure."""
    asked = retention.Definition(retained_as="connected", clock=clock, days=list(DAYS))
    measures = retention.measure(pool, asked, period_days=365, by=["lure"])
    rated = retention.rates(measures, level=0.95).set_index(["segment", "k"])
    return [
        (f"staying.survival.{lure}.{clock}.{k}", *rated.loc[(lure, k), ["rate", "at_risk"]])
        for lure in LURES
        for k in DAYS
    ]


def contacts(pool) -> list[tuple[str, float, float]]:
    """Truth, estimate and standard error of what contacts do, outside the experiment and in it."""
    asked = ["greet within 1h", "recommend within 24h", "follow_up on day 2"]
    adjust = ["channel", "lure", "staff_id"]
    measures = contact.measure(pool, asked, period_days=365, adjust=adjust, experiment="greet_1h")
    found = contact.effects(measures, level=0.95).table.set_index("contact")
    judged = contact.judge(measures, level=0.95)
    error = (found["ci_upper"] - found["ci_lower"]) / 2 / norm.ppf(0.975)
    by_lot = (judged.ci_upper - judged.ci_lower) / 2 / norm.ppf(0.975)
    return [
        *(
            (f"staying.effect.{truth}", found.loc[name, "difference"], error[name])
            for truth, name in (
                ("greeting.usual", "greet.1h"),
                ("recommendation", "recommend.24h"),
                ("follow_up", "follow_up.day_2"),
            )
        ),
        ("staying.effect.greeting.test", judged.landmark.difference, judged.landmark.error),
        ("staying.itt.greeting", judged.difference, by_lot),
    ]


def ratios(pool, *, follow_up_days: int = 7) -> list[tuple[str, float, float]]:
    """Truth, and estimate and standard error on the scale of logarithms, of hazard ratios.

    That of a follow-up is read over the seven days for which it acts.
    """
    adjust = ["channel", "lure", "staff_id"]
    found = []
    for asked, truth, stay_days in (
        ("greet within 1h", "greeting", 30),
        ("recommend within 24h", "recommendation", 30),
        ("follow_up on day 2", "follow_up", follow_up_days),
    ):
        measures = contact.measure(
            pool, [asked], period_days=365, stay_days=stay_days, adjust=adjust
        )
        row = contact.effects(measures, level=0.95).table.iloc[0]
        error = np.log(row.hazard_ratio_upper / row.hazard_ratio_lower) / 2 / norm.ppf(0.975)
        found.append((f"staying.hazard_ratio.{truth}", np.log(row.hazard_ratio), error))
    return found


def far(found: list[tuple[str, float, float]], truth: dict[str, float]) -> dict[str, float]:
    """How many standard errors each effect lies from its truth, where that is too many."""
    limit = norm.ppf(1 - (1 - 0.95 ** (1 / len(found))) / 2)
    away = {name: abs(value - truth[name]) / error for name, value, error in found}
    return {name: z for name, z in away.items() if z > limit}


def misses(found: list[tuple[str, float, float]], truth: dict[str, float]) -> dict[str, float]:
    """How many standard errors, at the truth, each rate lies from it, where that is too many."""
    limit = norm.ppf(1 - (1 - 0.95 ** (1 / len(found))) / 2)
    far = {
        name: abs(rate - truth[name]) / (truth[name] * (1 - truth[name]) / n) ** 0.5
        for name, rate, n in found
    }
    return {name: z for name, z in far.items() if z > limit}


def without_friends(folder: Path, files: Path) -> Path:
    """Describe a source of those alone who were added by a scan, which the truths speak of."""
    (folder / "source.yaml").write_text(
        f"files: {files}\ntimezone: Asia/Shanghai\n"
        "observed: {from: 2025-04-01, to: 2026-03-31}\n"
        "tables:\n  users:\n    sql: SELECT * FROM users WHERE touchpoint <> 'referral'\n"
    )
    return folder


def test_every_planted_truth_lies_in_its_simultaneous_interval(truth, tmp_path):
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    found = [*returns(pool), *stays(pool, "calendar"), *stays(pool, "24h")]
    assert misses(found, truth) == {}


def test_the_planted_effects_of_contacts_lie_in_their_simultaneous_intervals(truth, tmp_path):
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    assert far(contacts(pool), truth) == {}


def test_the_planted_hazard_ratios_lie_in_their_simultaneous_intervals(log_truth, tmp_path):
    """Members who differ beyond what is adjusted for draw them towards 1, by a percent or two."""
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    assert far(ratios(pool), log_truth) == {}


def test_over_30_days_the_ratio_of_a_follow_up_that_acts_for_7_is_another(log_truth, tmp_path):
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    missed = far(ratios(pool, follow_up_days=30), log_truth)
    assert set(missed) == {"staying.hazard_ratio.follow_up"}


def test_naive_comparisons_of_contacts_miss_the_planted_effects(truth, tmp_path):
    """Everyone compared with everyone, the naive interval as narrow as that of the estimate."""
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    asked = ["recommend within 24h", "follow_up on day 2"]
    measures = contact.measure(pool, asked, period_days=365, adjust=["channel"])
    found = contact.effects(measures, level=0.95).table.set_index("contact")
    error = (found["ci_upper"] - found["ci_lower"]) / 2 / norm.ppf(0.975)
    named = {"recommendation": "recommend.24h", "follow_up": "follow_up.day_2"}
    everyone = [
        (f"staying.effect.{name}", found.loc[one, "everyone"], error[one])
        for name, one in named.items()
    ]
    assert set(far(everyone, truth)) == {name for name, *_ in everyone}


def test_in_a_larger_pool_the_truths_are_hit_as_closely(truth, log_truth, tmp_path):
    """Five times the users: a bias that the sample is too small to show would show here."""
    write_tables(tmp_path, Settings(users=60_000, seed=11))
    (tmp_path / "asked").mkdir()
    pool = open_source(without_friends(tmp_path / "asked", tmp_path))
    found = [*returns(pool), *stays(pool, "calendar"), *stays(pool, "24h")]
    assert misses(found, truth) == {}
    assert far(contacts(pool), truth) == {}
    assert far(ratios(pool), log_truth) == {}


def test_a_naive_rate_of_everybody_misses_the_truth(truth, tmp_path):
    """Who was added last month has not had thirty days: counted as lost, they lower the rate."""
    pool = open_source(without_friends(tmp_path, ROOT / "data" / "sample"))
    asked = retention.Definition(days=[7], return_events=RETURNS)
    measures = retention.measure(pool, asked, period_days=30, by=["channel"])
    rated = retention.rates(measures, level=0.95).set_index(["segment", "k"])
    row = rated.loc[("commercial", 7)]
    back = measures.kept[(measures.kept["segment"] == "commercial") & (measures.kept["k"] == 7)]
    naive = back["n"].sum() / row.added
    name = "retention.active_from_7.commercial"
    assert misses([(name, row.rate, row.at_risk)], truth) == {}
    assert naive < row.rate
    assert misses([(name, naive, row.added)], truth)


def test_the_channel_far_below_the_threshold_raises_an_alert_with_its_action(sample):
    found = findings(sample)["retention.day_7.commercial"]
    assert (found["status"], found["threshold"]) == ("alert", 0.3)
    assert "welcome flow" in found["action"]
    assert findings(sample)["retention.day_7.social"]["status"] == "ok"


def test_every_rate_has_an_interval_and_a_denominator_of_those_followed(sample):
    found = findings(sample)
    for one in found.values():
        if one["status"] == "insufficient":
            assert one["value"] is None
            continue
        assert one["ci_lower"] <= one["value"] <= one["ci_upper"], one["id"]
        assert one["ci_lower"] < one["ci_upper"], one["id"]
    assert found["retention.day_30"]["n"] < found["retention.day_7"]["n"]


@pytest.mark.parametrize(
    "options",
    [
        ("-p", "retained_as=connected", "-p", "by=lure"),
        ("-p", "kind=on", "-p", "clock=24h", "-p", "cohort_unit=month"),
        ("-p", "kind=within", "-p", "days=[3]", "-p", "by=[]", "-p", "cohort_unit=day"),
    ],
)
def test_other_parameters_are_published_too(tmp_path, options):
    folder = report(NAME, tmp_path, *options)
    rates = {k: v for k, v in findings(folder).items() if k.startswith("retention.day_")}
    assert rates
    assert all(one["value"] is not None for one in rates.values())


def test_the_report_says_what_contacts_do_and_what_lots_say(sample):
    found = findings(sample)
    greeting = found["retention.contact.greet.1h"]
    assert greeting["evidence"] == "adjusted"
    assert "have not proved it" in greeting["action"]
    assert found["retention.contact.experiment.greet_1h"]["evidence"] == "randomised"
    ratio = found["retention.contact.greet.1h.hazard_ratio"]
    assert (ratio["unit"], ratio["evidence"]) == ("ratio", "adjusted")
    assert ratio["ci_lower"] < ratio["value"] < ratio["ci_upper"] < 1


def test_the_projection_of_the_sample_is_refused_since_its_test_missed(sample):
    """Members leave faster at first and settle on day 30, which the model does not know."""
    found = findings(sample)
    assert found["retention.projection.holdout"]["ci_upper"] < 0.75
    assert found["retention.projection.week_26"]["status"] == "insufficient"


def test_too_few_users_are_published_as_insufficient_with_the_reason(tmp_path):
    folder = report(NAME, tmp_path, "-p", "min_users=100000", "-p", "by=chanel")
    found = findings(folder)
    assert {one["status"] for one in found.values()} == {"insufficient"}
    assert "did you mean 'channel'" in found["retention.breakdown.1"]["message"]
