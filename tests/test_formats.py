import math
from datetime import date

import pytest
from siyu import formats


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (formats.percent, 0.1234, "12.3%"),
        (formats.percent, 0.0, "0.0%"),
        (formats.percent, math.nan, "–"),
        (formats.points, 0.0123, "+1.2 pp"),
        (formats.points, -0.0123, "−1.2 pp"),
        (formats.points, -0.0001, "0.0 pp"),
        (formats.points, math.nan, "–"),
        (formats.number, 1234.5, "1,234"),
        (formats.number, -3.0, "−3"),
        (formats.number, -0.2, "0"),
        (formats.number, math.inf, "–"),
        (formats.yuan, 2503.4, "2,503 yuan"),
        (formats.span, 0.02, "29 minutes"),
        (formats.span, 0.5, "12.0 hours"),
        (formats.span, 4.56, "4.6 days"),
        (formats.span, math.nan, "–"),
        (formats.day, date(2026, 2, 4), "4 Feb 2026"),
        (formats.quote, "门店海报", "“门店海报”"),
    ],
)
def test_values_are_written_as_reports_write_them(write, value, text):
    assert write(value) == text


def test_an_interval_names_its_level():
    assert formats.between("1.0%", "2.0%", level=0.9) == "(90% CI 1.0% to 2.0%)"
