import math
from datetime import date

import pytest
from siyu import formats
from siyu.language import speaking


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.25, "share", "25.0%"),
        (1234.5, "cny", "1,234 yuan"),
        (-7.386, "cny", "−7.39 yuan"),
        (3.0, "days", "3.0 days"),
        (72.0, "hours", "3.0 days"),
        (1.234, "ratio", "1.23"),
        (1234.0, "count", "1,234"),
        (1234.0, "users", "1,234"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float, unit: str, text: str) -> None:
    assert formats.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (formats.percent, 0.1234, "12.3%"),
        (formats.percent, 0.0, "0.0%"),
        (formats.percent, math.nan, "–"),
        (formats.points, 0.0123, "+1.2 pp"),
        (formats.points, -0.0123, "−1.2 pp"),
        (formats.points, -0.0001, "−0.01 pp"),
        (formats.points, -0.000001, "0.0 pp"),
        (formats.signed, 0.0123, "+1.2"),
        (formats.points, math.nan, "–"),
        (formats.apart, -0.0123, "1.2 pp"),
        (formats.apart, 0.0123, "1.2 pp"),
        (formats.apart, math.nan, "–"),
        (formats.number, 1234.5, "1,234"),
        (formats.number, -3.0, "−3"),
        (formats.number, -0.2, "0"),
        (formats.number, math.inf, "–"),
        (formats.yuan, 2503.4, "2,503 yuan"),
        (formats.span, 0.02, "29 minutes"),
        (formats.span, 0.5, "12.0 hours"),
        (formats.span, 4.56, "4.6 days"),
        (formats.span, math.nan, "–"),
        (formats.span, 1 / 1440, "1 minute"),
        (formats.length, 14, "14 days"),
        (formats.length, 2.5, "2.5 days"),
        (formats.length, 1, "24 hours"),
        (formats.length, 0.1, "2.4 hours"),
        (formats.length, 3650, "3,650 days"),
        (formats.level, 0.95, "95%"),
        (formats.level, 0.999, "99.9%"),
        (formats.level, 1 - 0.999, "0.1%"),
        (formats.span, 0.7 / 1440, "1 minute"),
        (formats.day, date(2026, 2, 4), "4 Feb 2026"),
        (formats.short_day, date(2026, 2, 4), "4 Feb"),
        (formats.few, ["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
        (formats.few, ["a", "b", "c"], "a, b, c"),
        (formats.clauses, ["a", "b"], "a; b"),
        (formats.full_stop, "It fell", "It fell."),
        (formats.full_stop, "Did it fall?", "Did it fall?"),
        (formats.without_stop, "It fell.", "It fell"),
        (formats.quote, "门店海报", "“门店海报”"),
    ],
)
def test_values_are_written_as_reports_write_them(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (formats.percent, 0.1234, "12.3%"),
        (formats.points, 0.0123, "+1.2 个百分点"),
        (formats.points, math.nan, "–"),
        (formats.apart, -0.0123, "1.2 个百分点"),
        (formats.apart, 0.0123, "1.2 个百分点"),
        (formats.apart, math.nan, "–"),
        (formats.number, 12345, "12,345"),
        (formats.yuan, 2503.4, "2,503 元"),
        (formats.yuan, 9_949, "9,949 元"),
        (formats.yuan, 9_999.6, "1 万元"),
        (formats.yuan, 25_034, "2.5 万元"),
        (formats.yuan, -188_272, "−18.83 万元"),
        (formats.yuan, 1_000_000, "100 万元"),
        (formats.yuan, 99_999_999, "1 亿元"),
        (formats.yuan, 250_000_000, "2.5 亿元"),
        (formats.yuan, math.nan, "–"),
        (formats.span, 0.02, "29 分钟"),
        (formats.span, 0.5, "12.0 小时"),
        (formats.span, 4.56, "4.6 天"),
        (formats.length, 14, "14 天"),
        (formats.day, date(2026, 2, 4), "2026年2月4日"),
        (formats.short_day, date(2026, 2, 4), "2/4"),
        (formats.few, ["a", "b", "c", "d", "e"], "a、b、c等 5 个"),
        (formats.clauses, ["a", "b"], "a；b"),
        (formats.full_stop, "转化率下降", "转化率下降。"),
        (formats.without_stop, "转化率下降。", "转化率下降"),
    ],
)
def test_in_chinese_values_are_written_as_chinese_does(write, value, text):
    with speaking("zh"):
        assert write(value) == text


def test_paragraphs_are_ended_and_set_apart():
    assert formats.paragraphs("It fell", "", "Look.") == "It fell.\n\nLook."


def test_a_negative_share_has_a_minus_sign():
    assert formats.percent(-0.056) == "−5.6%"


def test_sentences_of_a_paragraph_are_ended_and_set_apart():
    assert formats.paragraph("It fell", "", "Look.") == "It fell. Look."
    with speaking("zh"):
        assert formats.paragraph("转化率下降", "先看流量。") == "转化率下降。先看流量。"
