"""The weekly campaigns of the merchant: their names, and what they are about."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from siyu.data.world.draws import Ints
from siyu.data.world.frame import Frame
from siyu.data.world.people import TAGS

KINDS = ("课堂", "促销")
"""Every week has two campaigns: one that tells something, and one that sells (kind 1)."""
CONTENTS = tuple(f"{tag}{kind}" for tag in TAGS for kind in KINDS)
"""What a push is about: a tag and a kind."""
_SHIFT = 2
"""In one week the two campaigns are about different tags: this many apart."""
_THEMES = (
    ("问答课", "成分党笔记", "达人实测", "换季攻略"),
    ("会员秒杀", "第二件半价", "满减专场", "新品尝鲜"),
)
_FESTIVALS = (
    # month, first day, last day, name: a week that holds one of the days is named after it
    (5, 1, 3, "五一放价"),
    (5, 18, 20, "520礼遇"),
    (6, 16, 18, "618大促"),
    (9, 25, 30, "国庆囤货"),
    (11, 8, 11, "双11大促"),
    (12, 11, 12, "双12盛典"),
    (1, 12, 31, "年货节"),
    (3, 6, 8, "38女神节"),
)


def number_weeks(frame: Frame, day: Ints) -> Ints:
    """Number of the calendar week, from Monday, in which each day lies; 0 for the first."""
    return np.asarray((day + frame.weekday[0]) // 7)


def number_campaigns(week: Ints, kind: Ints) -> Ints:
    """Index into `name_campaigns` of the campaigns of a kind in each week."""
    return np.asarray(week * len(KINDS) + kind)


def tag_campaigns(week: Ints, kind: Ints) -> Ints:
    """Index into TAGS of what each campaign is about: every tag comes round in four weeks."""
    return np.asarray((week + _SHIFT * kind) % len(TAGS))


def name_campaigns(frame: Frame) -> tuple[str, ...]:
    """Name every campaign of the observed weeks, two a week."""
    weeks = int(number_weeks(frame, np.array(frame.days - 1))) + 1
    monday = frame.first_day - timedelta(days=frame.first_day.weekday())
    return tuple(
        _name(monday + timedelta(weeks=week), week, kind)
        for week in range(weeks)
        for kind in range(len(KINDS))
    )


def _name(monday: date, week: int, kind: int) -> str:
    year, number, _ = monday.isocalendar()
    tag = TAGS[int(tag_campaigns(np.array(week), np.array(kind)))]
    days = [monday + timedelta(days=after) for after in range(7)]
    festival = next(
        (
            name
            for month, first, last, name in _FESTIVALS
            if any(day.month == month and first <= day.day <= last for day in days)
        ),
        None,
    )
    theme = _THEMES[kind][week % len(_THEMES[kind])]
    if kind and festival:
        theme = festival
    return f"{year}年第{number:02d}周·{tag}{theme}"
