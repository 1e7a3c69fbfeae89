"""Every week has two campaigns, named after what they are about and after the festivals."""

from __future__ import annotations

from datetime import date

import numpy as np
from siyu.data.world.campaigns import (
    CONTENTS,
    name_campaigns,
    number_campaigns,
    number_weeks,
    tag_campaigns,
)
from siyu.data.world.frame import Frame
from siyu.data.world.people import TAGS

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))


def name_on(day: date, kind: int) -> str:
    week = number_weeks(YEAR, np.array([YEAR.number(day)]))
    return name_campaigns(YEAR)[int(number_campaigns(week, np.array([kind]))[0])]


def test_weeks_begin_on_monday() -> None:
    # 2025-04-01 was a Tuesday.
    assert number_weeks(YEAR, np.array([0, 5, 6, 12, 13])).tolist() == [0, 0, 1, 1, 2]


def test_each_campaign_has_its_own_name() -> None:
    names = name_campaigns(YEAR)
    # From Monday 2025-03-31 to Sunday 2026-04-05 there are 53 weeks.
    assert len(set(names)) == len(names) == 2 * 53


def test_the_promotion_of_a_week_with_a_festival_is_named_after_it() -> None:
    assert name_on(date(2025, 6, 18), kind=1).endswith("618大促")
    assert name_on(date(2025, 11, 11), kind=1).endswith("双11大促")
    assert name_on(date(2025, 12, 12), kind=1).endswith("双12盛典")
    assert not name_on(date(2025, 11, 11), kind=0).endswith("双11大促")


def test_a_name_tells_week_and_tag() -> None:
    # 2025-04-01 lies in week 14 of the ISO calendar; the first tag has its turn.
    assert name_on(date(2025, 4, 1), kind=0) == f"2025年第14周·{TAGS[0]}问答课"


def test_every_tag_comes_round_in_four_weeks_and_never_twice_in_one() -> None:
    weeks = np.arange(4)
    told, sold = (tag_campaigns(weeks, np.full(4, kind)) for kind in (0, 1))
    assert sorted(told) == sorted(sold) == list(range(len(TAGS)))
    assert (told != sold).all()


def test_contents_name_tag_and_kind() -> None:
    assert CONTENTS[2 * TAGS.index("彩妆") + 1] == "彩妆促销"
