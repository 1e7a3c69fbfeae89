from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from siyu.report.compare import Change
from siyu.report.compare import compare as compare_alike
from siyu.stats.intervals import wilson


def finding(name: str = "rate", value: float | None = 0.3, **given: Any) -> dict[str, Any]:
    known = value is not None
    return {
        "id": name,
        "value": value,
        "ci_lower": value - 0.02 if known and value is not None else None,
        "ci_upper": value + 0.02 if known and value is not None else None,
        "level": 0.95,
        "status": "info",
        "direction": "above",
        **given,
    }


def run(*found: dict[str, Any], study: str = "funnel") -> dict[str, Any]:
    return {"studies": {study: {"findings": list(found)}}}


def compare(
    now: dict[str, Any], before: dict[str, Any], alike: Collection[str] = ("funnel", "other")
) -> list[Change]:
    return compare_alike(now, before, alike=alike)


def kinds(now: dict[str, Any], before: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change.kind, change.id) for change in compare(now, before)]


def test_the_same_findings_are_no_change() -> None:
    assert compare(run(finding(), finding("b", None)), run(finding(), finding("b", None))) == []


def test_what_is_new_gone_raised_settled_and_refused_is_told_the_most_urgent_first() -> None:
    now = run(
        finding("new"),
        finding("refused", None, status="insufficient"),
        finding("settled", status="watch"),
        finding("raised", status="alert"),
        finding("new alert", status="alert"),
    )
    before = run(
        finding("gone"),
        finding("refused", status="alert"),
        finding("settled", status="alert"),
        finding("raised", status="ok"),
    )
    assert kinds(now, before) == [
        ("raised", "funnel/raised"),
        ("raised", "funnel/new alert"),
        ("settled", "funnel/settled"),
        ("refused", "funnel/refused"),
        ("new", "funnel/new"),
        ("gone", "funnel/gone"),
    ]


@pytest.mark.parametrize(
    ("value", "direction", "worse"),
    [(0.2, "above", True), (0.4, "above", False), (0.4, "below", True), (0.4, None, False)],
)
def test_a_number_beyond_its_noise_has_moved_and_to_the_bad_side_it_is_worse(
    value: float, direction: str | None, worse: bool
) -> None:
    # Two intervals of 4 points: noise of 2.83 points either way, of two such numbers' difference.
    (change,) = compare(run(finding(value=value, direction=direction)), run(finding()))
    assert (change.kind, change.worse) == ("moved", worse)
    assert change.before is not None
    assert change.before["value"] == 0.3
    assert compare(run(finding(value=0.3 + 0.028)), run(finding())) == []
    assert len(compare(run(finding(value=0.3 + 0.029)), run(finding()))) == 1


def test_numbers_without_an_interval_and_studies_asked_otherwise_are_not_compared() -> None:
    count = finding(value=10.0, ci_lower=None, ci_upper=None)
    assert compare(run({**count, "value": 99.0}), run(count)) == []
    assert compare(run(finding(value=0.9)), run(finding()), alike=()) == []
    assert compare(run(finding(value=0.9), study="other"), run(finding())) == []
    assert len(compare(run(finding(value=0.9)), run(finding()))) == 1


def test_the_order_of_findings_does_not_matter() -> None:
    found = [finding(str(number), value) for number, value in enumerate((0.1, 0.3, 0.32, 0.5))]
    before = run(*(finding(str(number)) for number in range(4)))
    told = {change.id: change.kind for change in compare(run(*found), before)}
    assert told == {c.id: c.kind for c in compare(run(*found[::-1]), before)}
    assert set(told) == {"funnel/0", "funnel/3"}


def test_of_a_pool_that_never_changes_hardly_a_number_is_told_to_have_moved() -> None:
    # 40 rates of 200 new people each run: a test of each at 5% would tell two a run.
    rng = np.random.default_rng(9)
    told = naive = 0
    for _ in range(500):
        drawn = rng.binomial(200, 0.3, size=(2, 40))
        lower, upper = wilson(drawn, 200, level=0.95)
        both = [
            run(
                *(
                    finding(str(i), k / 200, ci_lower=lo, ci_upper=hi)
                    for i, (k, lo, hi) in enumerate(zip(*row, strict=True))
                )
            )
            for row in zip(drawn, lower, upper, strict=True)
        ]
        told += bool(compare(*both))
        naive += bool((abs(drawn[0] - drawn[1]) / 200 > 1.96 * np.sqrt(2 * 0.21 / 200)).any())
    assert told / 500 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)
    assert naive / 500 > 0.5
