"""The range lasts; a new article a week sells by its age, and the rest by taste."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from siyu.data.world.buying import Buying, draw_items
from siyu.data.world.draws import DAY
from siyu.data.world.frame import Frame
from siyu.data.world.items import SHELF, list_items, weigh_novelties
from siyu.data.world.people import TAGS

from tests.data.world.shopping import YEAR

CATALOGUE = list_items(YEAR)
LASTING = len(TAGS) * SHELF


def test_a_new_article_comes_out_every_monday_and_the_first_before_the_observation() -> None:
    # 2025-04-01 is a Tuesday; from Monday 2025-03-31 to 2026-03-30 there are 53 Mondays.
    launched = CATALOGUE.launched[CATALOGUE.novelties]
    assert launched.tolist() == list(range(-1, 364, 7))
    assert len(launched) == 53


def test_every_article_has_its_own_name_even_when_the_names_begin_anew() -> None:
    assert len(set(CATALOGUE.names)) == len(CATALOGUE.names) == LASTING + 53
    long = Frame(
        first_day=date(2024, 1, 1), last_day=date(2025, 12, 31), change_day=date(2025, 1, 1)
    )
    names = list_items(long).names
    assert len(set(names)) == len(names)
    assert "桃花限定面膜 第2季" in names


def test_the_new_articles_take_turns_by_category() -> None:
    assert CATALOGUE.category[CATALOGUE.novelties][:5].tolist() == [0, 1, 2, 3, 0]


def test_an_article_weighs_nothing_before_it_is_out_and_falls_to_1_over_e_in_its_days() -> None:
    weight = weigh_novelties(CATALOGUE, YEAR.days, 0.25, 5.0)
    # The third article comes out on day 13.
    assert weight[12, 2] == 0
    assert weight[13, 2] == 0.25
    assert weight[18, 2] == pytest.approx(0.25 / np.e)


def test_orders_of_a_new_article_per_order_of_lasting_ones_decay_with_its_age() -> None:
    # Day 13: the new article has weight 0.25, those out for 7 and 14 days 0.25 exp(-7 / 5), ...
    at = np.repeat([13, 18], 200_000) * DAY
    item = draw_items(Buying(), YEAR, at, np.zeros_like(at), np.random.default_rng(1))
    for day, expected in ((13, 0.25), (18, 0.25 / np.e)):
        here = item[at == day * DAY]
        new, lasting = (here == LASTING + 2).sum(), (here < LASTING).sum()
        assert new / lasting == pytest.approx(expected, abs=4 * np.sqrt(expected / lasting))


def test_the_tag_decides_a_known_share_of_lasting_goods() -> None:
    at = np.full(200_000, 100 * DAY)
    tag = np.full_like(at, TAGS.index("食品"))
    item = draw_items(Buying(taste=0.6), YEAR, at, tag, np.random.default_rng(2))
    lasting = item[item < LASTING]
    share = np.bincount(CATALOGUE.category[lasting], minlength=4) / len(lasting)
    # 0.6 of one's own category, and a fifth of the 0.4 that is bought at random.
    assert share[TAGS.index("食品")] == pytest.approx(0.6 + 0.4 * 0.2, abs=0.006)
    assert share[TAGS.index("护肤")] == pytest.approx(0.4 * 0.36, abs=0.005)


def test_whoever_buys_by_taste_alone_buys_nothing_else() -> None:
    at = np.full(1_000, 100 * DAY)
    item = draw_items(
        Buying(taste=1.0, novelty_weight=0.0), YEAR, at, np.ones_like(at), np.random.default_rng(3)
    )
    assert set(CATALOGUE.category[item]) == {1}


def test_the_first_article_of_a_shelf_sells_twice_as_often_as_the_second() -> None:
    at = np.full(200_000, 100 * DAY)
    item = draw_items(Buying(), YEAR, at, np.zeros_like(at), np.random.default_rng(4))
    first, second, third = (int((item == place).sum()) for place in range(3))
    assert first / second == pytest.approx(2, rel=0.04)
    assert first / third == pytest.approx(3, rel=0.04)


def test_food_earns_less_than_care() -> None:
    by_tag = [CATALOGUE.margin_share[CATALOGUE.category == tag].mean() for tag in range(len(TAGS))]
    assert by_tag[TAGS.index("食品")] < min(by_tag[:3])
    assert min(CATALOGUE.margin_share) > 0.3
    assert max(CATALOGUE.margin_share) < 0.65
