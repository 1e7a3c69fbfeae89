"""Findings by hand: which there are, with what status, and that they are what the tables say."""

import json
import math
from dataclasses import replace

import pandas as pd
import pytest
from siyu.findings import to_json
from siyu.studies import funnel

from tests.studies.funnel.builders import reduced

LEVEL = 0.95
NOBODY = (None, 0)
DAY = 1440
TIMES = (
    ("ads", 1 * DAY, 1, 5),
    ("ads", 2 * DAY, 1, 55),
    ("ads", 9 * DAY, 0, 240),
    ("group", 1 * DAY, 1, 40),
    ("group", 9 * DAY, 0, 60),
)
NOW = {"ads": (200, 40, 60), "group": (40, 20, 40)}


def apart(ads, group, now=NOW):
    """Nobody in both spans; (n, converted) of each segment before."""
    before = [
        (name, depth, *NOBODY, n)
        for name, (users, converted) in (("ads", ads), ("group", group))
        for depth, n in ((1, users - converted), (3, converted))
    ]
    after = [
        (*NOBODY, name, depth, n)
        for name, exact in now.items()
        for depth, n in enumerate(exact, 1)
        if n
    ]
    return [row for row in before if row[-1]] + after


def definitions(*, asked=0.25):
    rates = [asked, 0.1, 0.4, math.nan]
    return pd.DataFrame({"rate": rates, "asked": [True, False, False, False]})


def findings(measures, *, value_cny=None, **options):
    return funnel.conclude(
        measures,
        steps=funnel.steps(measures, level=LEVEL),
        compared=funnel.compare_segments(measures, level=LEVEL),
        change=funnel.compare_periods(measures, level=LEVEL),
        medians=funnel.times(measures, level=LEVEL)[1],
        repairs=funnel.repair(measures, level=LEVEL, value_cny=value_cny),
        definitions=definitions(),
        level=LEVEL,
        **options,
    )


def by_id(found):
    return {finding.id: finding for finding in found}


def written(found):
    """What a machine reads: the document is checked, and json refuses NaN."""
    options = {"notebook": "01", "as_of": "2026-01-31", "source": "shop", "parameters": {}}
    return json.dumps(to_json(found, **options), allow_nan=False)


MEASURES = reduced(NOW, pairs=apart((100, 10), (100, 50)), times=TIMES, min_users=30)
FOUND = by_id(findings(MEASURES, value_cny=20.0))


def test_every_number_of_the_study_has_a_finding_with_a_stable_id():
    assert list(FOUND) == [
        "funnel.conversion",
        "funnel.change",
        "funnel.change.mix",
        "funnel.change.rate",
        "funnel.change.ads",
        "funnel.change.group",
        "funnel.step_rate.2",
        "funnel.step_rate.3",
        "funnel.conversion.group",
        "funnel.conversion.ads",
        "funnel.median_days",
        "funnel.repair",
        "funnel.definitions",
    ]
    assert len(json.loads(written(FOUND.values()))["findings"]) == 13


def test_ids_do_not_depend_on_the_outcome():
    """The same study a week later, with other numbers, can be compared by id."""
    later = reduced(
        {"ads": (100, 100, 100), "group": (100, 10, 50)},
        pairs=apart((150, 50), (100, 20), {"ads": (100, 100, 100), "group": (100, 10, 50)}),
        times=TIMES,
        min_users=30,
    )
    assert set(by_id(findings(later))) == set(FOUND)


def test_values_intervals_and_numbers_of_users_are_those_of_the_tables():
    conversion = FOUND["funnel.conversion"]
    row = funnel.steps(MEASURES, level=LEVEL).iloc[2]
    assert (conversion.value, conversion.n) == (100 / 400, 400)
    assert (conversion.ci_lower, conversion.ci_upper) == (row.ci_lower, row.ci_upper)
    assert FOUND["funnel.conversion.group"].value == 0.4
    assert FOUND["funnel.conversion.group"].segment == {"channel": "group"}
    assert (FOUND["funnel.step_rate.2"].value, FOUND["funnel.step_rate.2"].n) == (160 / 400, 400)
    assert (FOUND["funnel.step_rate.3"].value, FOUND["funnel.step_rate.3"].n) == (100 / 160, 160)
    assert FOUND["funnel.change"].value == pytest.approx(0.25 - 0.3)
    assert FOUND["funnel.change.ads"].value == pytest.approx(0.2 - 0.1)
    parts = FOUND["funnel.change.mix"].value + FOUND["funnel.change.rate"].value
    assert parts == pytest.approx(FOUND["funnel.change"].value)
    assert (FOUND["funnel.median_days"].value, FOUND["funnel.median_days"].unit) == (2, "days")


def test_the_repair_is_the_clear_gap_that_is_worth_most():
    """ads: 100 of 300 went on against 60 of 100: 80 more, of whom 60 of 100 convert: 48."""
    repair = FOUND["funnel.repair"]
    assert repair.value == pytest.approx(300 * (0.6 - 1 / 3) * 0.6)
    assert repair.worth_cny == pytest.approx(20 * 48)
    assert repair.segment == {"channel": "ads", "step": "B"}
    assert repair.n == 300
    assert by_id(findings(MEASURES))["funnel.repair"].worth_cny is None


def test_the_range_over_definitions_is_said_but_is_no_interval():
    """The definition that cannot be judged is left out."""
    found = FOUND["funnel.definitions"]
    assert (found.value, found.ci_lower, found.ci_upper) == (0.25, None, None)
    assert "between 10.0% and 40.0% under 3" in found.message


@pytest.mark.parametrize(
    ("target", "status"),
    [(None, "info"), (0.10, "ok"), (0.25, "watch"), (0.40, "alert")],
)
def test_the_conversion_is_judged_by_its_whole_interval_against_the_target(target, status):
    found = by_id(findings(MEASURES, target_rate=target))["funnel.conversion"]
    assert (found.status, found.threshold) == (status, target)
    assert bool(found.action) == (status == "alert")


@pytest.mark.parametrize(
    ("before", "status"),
    [
        ((100, 10), "ok"),  # 10% to 25%: risen for sure
        ((100, 22), "watch"),  # 22% to 25%: may be nothing
        ((100, 30), "watch"),
        ((100, 40), "alert"),  # 40% to 25%: fallen for sure
    ],
)
def test_a_fall_of_the_whole_is_an_alert_when_its_interval_is_below_zero(before, status):
    users, converted = before
    pairs = [
        ("all", 1, *NOBODY, users - converted),
        ("all", 3, *NOBODY, converted),
        (*NOBODY, "all", 1, 300),
        (*NOBODY, "all", 3, 100),
    ]
    found = by_id(findings(reduced({"all": (300, 0, 100)}, pairs=pairs, min_users=30)))
    change = found["funnel.change"]
    assert change.status == status
    assert (change.ci_upper < 0) == (status == "alert")
    assert {name for name in found if name.startswith("funnel.change.")} == set()


class TestFallOfASegment:
    """ads converts 25% of 160 now; from 36% before, its own interval is just below zero."""

    @staticmethod
    def change(others, before=(160, 56)):
        now = {"ads": (120, 0, 40)} | {f"other {i}": (60, 0, 40) for i in range(others)}
        pairs = [
            ("ads", 1, *NOBODY, before[0] - before[1]),
            ("ads", 3, *NOBODY, before[1]),
            *[(f"other {i}", 1, *NOBODY, 60) for i in range(others)],
            *[(f"other {i}", 3, *NOBODY, 40) for i in range(others)],
            *[
                (*NOBODY, name, k, n)
                for name, exact in now.items()
                for k, n in ((1, exact[0]), (3, exact[2]))
            ],
        ]
        return by_id(findings(reduced(now, pairs=pairs, min_users=30)))["funnel.change.ads"]

    def test_it_is_an_alert_when_its_interval_is_below_zero_and_holm_agrees(self):
        fall = self.change(others=1, before=(160, 72))
        assert fall.status == "alert"
        assert fall.ci_upper < 0
        assert fall.message.startswith("Conversion of “ads” fell: 45.0% to 25.0%")

    def test_it_is_to_be_watched_when_holm_does_not_agree(self):
        fall = self.change(others=7, before=(160, 58))
        assert fall.ci_upper < 0
        assert fall.status == "watch"
        assert fall.message.startswith("Conversion of “ads” did not clearly change: 36.2% to 25.0%")
        assert fall.action == ""

    def test_a_rise_is_never_an_alert(self):
        assert self.change(others=1, before=(160, 10)).status == "ok"


def test_a_segment_under_min_users_in_either_span_and_the_small_groups_are_not_listed():
    now = {"ads": (60, 0, 40), "new": (60, 0, 40), "(small groups)": (60, 0, 40)}
    pairs = [
        ("ads", 1, *NOBODY, 100),
        ("new", 1, *NOBODY, 29),
        ("(small groups)", 1, *NOBODY, 100),
        *[(*NOBODY, name, k, n) for name in now for k, n in ((1, 60), (3, 40))],
    ]
    found = by_id(findings(reduced(now, pairs=pairs, min_users=30)))
    listed = {name.rpartition(".")[2] for name in found if name.startswith("funnel.change.")}
    assert listed == {"mix", "rate", "ads"}
    assert "funnel.conversion.(small groups)" not in found
    assert "funnel.conversion.new" in found


def test_without_a_span_before_the_change_is_insufficient_and_says_why():
    found = by_id(findings(reduced(NOW, times=TIMES, min_users=30)))["funnel.change"]
    assert (found.status, found.value, found.ci_lower) == ("insufficient", None, None)
    assert found.message == "Not compared with an earlier period: no comparison was asked for."


def test_a_refused_breakdown_is_a_finding_of_its_own_whether_or_not_there_are_users():
    for exact in ((200, 40, 60), (2, 0, 0)):
        measures = reduced({"all": exact}, min_users=30, refused=["by = 'a': …", "by = 'b': …"])
        found = by_id(findings(measures))
        assert found["funnel.breakdown.1"].message == "by = 'a': …"
        assert found["funnel.breakdown.2"].status == "insufficient"
        assert ("funnel.step_rate.2" in found) == (exact[0] > 30)


def test_too_few_users_leave_one_finding_without_a_number():
    (found,) = findings(reduced({"all": (29, 0, 0)}, min_users=30))
    assert (found.id, found.status, found.value, found.n) == (
        "funnel.conversion",
        "insufficient",
        None,
        29,
    )


@pytest.mark.parametrize(
    "exact",
    [(100, 0, 0), (0, 0, 100), (0, 100, 0), (99, 0, 1), (30, 0, 0)],
    ids=str,
)
def test_there_is_no_nan_however_extreme_the_counts(exact):
    """Nobody or everybody converts: intervals that do not exist are null."""
    before = {"ads": exact, "group": exact}
    pairs = [(name, k, *NOBODY, n) for name in before for k, n in enumerate(exact, 1) if n]
    pairs += [(*NOBODY, name, k, n) for name in before for k, n in enumerate(exact, 1) if n]
    measures = reduced(before, pairs=pairs, times=[("ads", DAY, 1, exact[2] + 1)], min_users=30)
    assert "NaN" not in written(findings(measures))


def test_a_step_that_nobody_could_take_has_no_finding():
    found = by_id(findings(reduced({"all": (100, 0, 0)}, min_users=30)))
    assert found["funnel.step_rate.2"].value == 0
    assert "funnel.step_rate.3" not in found


def test_a_segment_of_two_columns_says_the_value_of_each_whatever_its_name():
    """A value may hold the sign that joins values."""
    values = {"ads × A": {"channel": "ads", "city": "A"}, "shop": {"channel": "x × y", "city": "B"}}
    now = dict(zip(values, NOW.values(), strict=True))
    measures = reduced(now, pairs=apart((100, 10), (100, 50)), times=TIMES, min_users=30)
    renamed = measures.pairs.replace({"ads": "ads × A", "group": "shop"})
    measures = replace(measures, by=("channel", "city"), segments=values, pairs=renamed)
    found = by_id(findings(measures))
    assert found["funnel.conversion.ads × A"].segment == values["ads × A"]
    assert found["funnel.conversion.shop"].segment == values["shop"]
    assert found["funnel.change.shop"].segment == values["shop"]
    assert found["funnel.repair"].segment == {**values["ads × A"], "step": "B"}
