"""A public e-mail experiment through the study of lures with nothing but a `source.yaml`.

Hillstrom (2008), MineThatData E-Mail Analytics Challenge: 64,000 customers, two mails and none. A
visit of the site stands for joining.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from siyu.data import open_source
from siyu.studies.lures import Definition, find_experiment, ratio, reading

HERE = Path(__file__).parent / "hillstrom"
MENS, WOMENS, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"
ASKED = Definition(
    experiment="e_mail", control_arm=NONE, conversion="visit", conversion_days=14, worth_days=14
)

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def experiment():
    return find_experiment(open_source(HERE), ASKED)


@pytest.fixture(scope="module")
def read(experiment):
    return reading.read(experiment, level=0.95, value_per_retained_cny=100)


def test_arms_are_those_published_and_as_large_as_drawn(experiment):
    assert dict(zip(experiment.arms, experiment.count().tolist(), strict=True)) == {
        NONE: 21_306, MENS: 21_307, WOMENS: 21_387,
    }  # fmt: skip
    p = ratio.check_ratio(experiment).table.set_index("kind").loc["all", "p"]
    assert round(p, 3) == 0.904


def test_visits_by_arm_and_against_none_are_those_published(read):
    own = read.arms[read.arms["outcome"] == "converted"].set_index("arm")["mean"]
    assert own.round(5).to_dict() == {NONE: 0.10617, MENS: 0.18276, WOMENS: 0.15140}
    rows = read.of("converted", against="control").set_index("arm")
    assert rows["gap"].round(5).to_dict() == {MENS: 0.07659, WOMENS: 0.04523}
    # The published intervals are of one comparison alone: a joint one is wider by 2.212 / 1.960.
    for arm, lower, upper in ((MENS, 0.06995, 0.08323), (WOMENS, 0.03889, 0.05157)):
        half = (upper - lower) / 2 * 2.212 / 1.960
        assert rows.loc[arm, "ci_upper"] - rows.loc[arm, "gap"] == pytest.approx(half, rel=0.01)
        assert rows.loc[arm, "gap"] - rows.loc[arm, "ci_lower"] == pytest.approx(half, rel=0.01)


def test_the_men_s_mail_is_the_best_and_what_was_spent_before_hardly_sharpens_it(experiment, read):
    best = read.of("converted").set_index("arm")["is_candidate"]
    assert best.to_dict() == {NONE: False, MENS: True, WOMENS: False}
    assert (read.verdict.kind, read.verdict.arm) == ("roll_out", MENS)
    adjusted = read.of("converted", against="control").set_index("arm")
    assert adjusted.loc[MENS, "adjusted"] == pytest.approx(0.0766, abs=0.001)
    assert 0.97 < adjusted["variance_share"].iloc[0] < 1
    assert "whether people stayed" not in reading.say_verdict(experiment, read, level=0.95)
