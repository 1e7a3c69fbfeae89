"""The goods of the shop: a lasting range, and one new article a week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from siyu.data.world.draws import DAY, Floats, Ints, pick
from siyu.data.world.frame import Frame
from siyu.data.world.people import TAGS

RANGE: Mapping[str, tuple[str, ...]] = {
    "护肤": (
        "玻尿酸补水面膜",
        "氨基酸洁面乳",
        "烟酰胺精华液",
        "神经酰胺面霜",
        "清爽防晒乳",
        "积雪草爽肤水",
    ),
    "洗护": (
        "控油洗发水",
        "修护发膜",
        "樱花沐浴露",
        "护手霜三支装",
        "山茶花护发精油",
        "薰衣草洗手液",
    ),
    "彩妆": ("丝绒口红", "气垫粉底", "浓密睫毛膏", "大地色眼影盘", "细芯眉笔", "柔焦散粉"),
    "食品": ("每日坚果礼盒", "冻干咖啡", "红枣枸杞茶", "低糖燕麦片", "手工牛轧糖", "胶原蛋白饮"),
}
"""What is always sold, by category; the first of each sells best."""
NOVELTIES: Mapping[str, tuple[str, ...]] = {
    "护肤": (
        "桃花限定面膜", "芦荟舒缓凝胶", "冰川泥膜", "夜间修护安瓶", "白茶保湿喷雾",
        "玫瑰纯露", "蓝铜精华", "视黄醇晚霜", "酵母焕亮水", "雪绒花眼霜",
        "青瓜冻膜", "绿豆泥清洁膜", "桂花润唇膏", "山茶花洁颜油",
    ),
    "洗护": (
        "海盐洗头膏", "白桃沐浴慕斯", "生姜防脱洗发水", "雪松香氛身体乳", "柚子磨砂膏",
        "无花果护手霜", "艾草足浴包", "椰子护发素", "茉莉留香喷雾", "桂花洗发皂",
        "薄荷头皮精华", "燕麦润肤乳", "橙花洗手慕斯", "洋甘菊浴盐",
    ),
    "彩妆": (
        "樱桃唇釉", "日落腮红盘", "珠光高光棒", "水雾唇泥", "蜜桃眼影",
        "定妆喷雾", "防水眼线笔", "奶茶色口红", "裸妆隔离霜", "双头修容棒",
        "星河眼影", "镜面唇蜜", "染眉膏", "新年红口红",
    ),
    "食品": (
        "青团礼盒", "荔枝气泡饮", "咸蛋黄粽子", "冷萃乌龙茶", "海盐芝士饼",
        "杨梅果脯", "流心月饼", "桂花栗子酥", "黑芝麻丸", "陈皮红豆沙",
        "暖姜红糖", "坚果腊八粥", "年货零食箱", "草莓雪花酥",
    ),
}  # fmt: skip
"""New articles, by category; every week it is another category's turn."""
SHELF = len(RANGE[TAGS[0]])
"""Lasting articles per category."""
_CATEGORY_SHARES = (0.36, 0.2, 0.24, 0.2)
_MARGINS = {"护肤": 0.58, "洗护": 0.48, "彩妆": 0.55, "食品": 0.36}
_STEPS = np.array([0.04, 0.02, 0.0, -0.02, 0.01, -0.05])
_LAUNCH = len(TAGS) * SHELF


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All articles sold in the observation, the lasting ones first; an order's item is an index."""

    names: tuple[str, ...]
    category: Ints
    """Index into TAGS of each article."""
    margin_share: Floats
    """Share of the listed price that is left after the cost of goods, of each article."""
    launched: Ints
    """Day number on which each article came out; of a lasting one, that of the first new one."""

    @property
    def novelties(self) -> Ints:
        """Indices of the articles that came out, in the order of their weeks."""
        return np.arange(_LAUNCH, len(self.names))


def list_items(frame: Frame) -> Catalogue:
    """List what is sold: the lasting range, and the article of each week (out on its Monday)."""
    monday = -int(frame.weekday[0])
    launched = np.arange(monday, frame.days, 7)
    lasting = [(name, tag) for tag in TAGS for name in RANGE[tag]]
    new = [_name_novelty(week) for week in range(len(launched))]
    names, tags = zip(*lasting, *new, strict=True)
    return Catalogue(
        names=names,
        category=np.array([TAGS.index(tag) for tag in tags]),
        margin_share=np.array(
            [_MARGINS[tag] + _STEPS[i % len(_STEPS)] for i, tag in enumerate(tags)]
        ),
        launched=np.concatenate([np.full(_LAUNCH, monday), launched]),
    )


def weigh_novelties(catalogue: Catalogue, days: int, weight: float, decay_days: float) -> Floats:
    """Weigh each new article on each day against all lasting ones together.

    Args:
        catalogue: what is sold.
        days: number of observed days.
        weight: on the day an article comes out; 0 or more.
        decay_days: days in which the weight falls to 1/e; above 0.

    Returns:
        Days x new articles; 0 before an article is out.
    """
    age = np.arange(days)[:, None] - catalogue.launched[None, catalogue.novelties]
    return np.where(age >= 0, weight * np.exp(-np.maximum(age, 0) / decay_days), 0.0)


def choose_items(
    catalogue: Catalogue, weight: Floats, at: Ints, tag: Ints, chance: Floats, *, taste: float
) -> Ints:
    """Choose articles: a new one by its weight on the day, else a lasting one by category.

    Args:
        catalogue: what is sold.
        weight: days x new articles, as from `weigh_novelties`.
        at: when each choice is made, in seconds within those days.
        tag: index into TAGS, of the person who chooses.
        chance: choices x 3 uniform draws.
        taste: share of lasting articles chosen in the person's own category; 0 to 1.

    Returns:
        Indices into the catalogue.
    """
    days, novelties = weight.shape
    edges = np.cumsum(np.column_stack([weight, np.ones(days)]), axis=1)
    # All days in one row: the edges of day d lie between d and d + 1.
    row = (edges / edges[:, -1:] + np.arange(days)[:, None]).ravel()
    day = at // DAY
    new = np.searchsorted(row, day + chance[:, 0], side="right") - day * (novelties + 1)
    at_random = pick((chance[:, 1] - taste) / max(1 - taste, 1e-12), _CATEGORY_SHARES)
    category = np.where(chance[:, 1] < taste, tag, at_random)
    article = pick(chance[:, 2], 1 / np.arange(1, SHELF + 1))
    return np.where(new < novelties, catalogue.novelties[0] + new, category * SHELF + article)


def _name_novelty(week: int) -> tuple[str, str]:
    tag = TAGS[week % len(TAGS)]
    turn, place = divmod(week // len(TAGS), len(NOVELTIES[tag]))
    return NOVELTIES[tag][place] + (f" 第{turn + 1}季" if turn else ""), tag
