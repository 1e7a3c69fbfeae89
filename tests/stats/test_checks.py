import pytest
from siyu.stats.checks import count_of, normal_quantile, whole_counts


def test_the_quantile_of_95_percent_is_one_point_nine_six():
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=5e-7)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, float("nan")])
def test_a_level_outside_zero_and_one_is_refused_with_its_remedy(level):
    with pytest.raises(ValueError, match=r"level = .* strictly between 0 and 1; use 0\.95"):
        normal_quantile(level)


@pytest.mark.parametrize("value", [-1, 0.5, float("nan"), float("inf")])
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"cells = .* must be a whole number of at least 0"):
        whole_counts("cells", [3, value])


def test_a_count_above_its_n_is_refused():
    with pytest.raises(ValueError, match="count = 7 must not exceed n = 5; count users"):
        count_of([1, 7], 5)


def test_a_count_and_its_n_take_one_shape():
    counts, totals = count_of(1, [4, 5])

    assert counts.tolist() == [1, 1]
    assert totals.tolist() == [4, 5]
