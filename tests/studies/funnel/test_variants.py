"""Every defensible definition of a funnel, on small shops in Shanghai.

Unless said otherwise the shop is observed in January 2026, a user has 7 days, and the period is 28
days: starts from Sunday 4 January to Saturday 24 January, both included, can be judged.
"""

import pandas as pd
import pytest
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.variants import sensitivity, with_intervals

from tests.studies.funnel.builders import log
from tests.studies.funnel.routes import wilson

AB = Definition(steps=["A", "B"])
LEVEL = 0.95


def test_every_defensible_definition_is_measured_once_and_the_one_asked_for_is_marked(open_shop):
    """again converts after 2 days from its second start, 10 days after the first; tied at once."""
    rows = log(
        """
        again 2026-01-05 10:00 A
        again 2026-01-13 10:00 A
        again 2026-01-15 10:00 B
        tied  2026-01-05 10:00 A
        tied  2026-01-05 10:00 B
        """
    )
    table = sensitivity(open_shop(rows), AB, period_days=28)
    assert len(table) == 2 * 2 * 3
    assert table.loc[table["asked"], ["entry", "ties", "window_days"]].to_numpy().tolist() == [
        ["best", "either", 7]
    ]
    converted = table.set_index(["entry", "ties", "window_days"])["converted"]
    assert converted["best", "either"].tolist() == [2, 2, 2]
    assert converted["first", "either"].tolist() == [1, 1, 2]
    assert converted["best", "strict"].tolist() == [1, 1, 1]
    assert converted["first", "strict"].tolist() == [0, 0, 1]
    assert set(table["entered"]) == {2}


def test_each_definition_has_its_own_mature_users(open_shop):
    """A start on the 23rd is 9 days before the end: mature for 3.5 and 7 days, not for 14."""
    pool = open_shop(log("a 2026-01-23 00:00 A\n a 2026-01-23 01:00 B"))
    table = sensitivity(pool, AB, period_days=28)
    entered = table.groupby("window_days")["entered"].unique().map(list).to_dict()
    assert entered == {3.5: [1], 7: [1], 14: [0]}


def test_without_a_window_four_definitions_are_left(open_shop):
    pool = open_shop(log("a 2026-01-05 10:00 A\n a 2026-01-30 10:00 B"))
    table = sensitivity(pool, Definition(steps=["A", "B"], window_days=None), period_days=28)
    assert len(table) == 4
    assert table["window_days"].isna().all()
    assert table["asked"].sum() == 1


def test_definitions_get_wilsons_interval_where_enough_can_be_judged():
    table = pd.DataFrame({"entered": [100, 9, 0], "converted": [10, 1, 0]})
    shown = with_intervals(table, level=LEVEL, min_users=10)
    assert shown["rate"].iloc[0] == 0.1
    assert tuple(shown[["ci_lower", "ci_upper"]].iloc[0]) == pytest.approx(wilson(10, 100))
    assert shown.iloc[1:].isna().all(axis=None)
