from siyu.report.matrix import expand


def test_no_matrix_is_one_point_with_nothing_set() -> None:
    (point,) = expand({})
    assert (point.parameters, point.suffix, point.label) == ({}, "", "")


def test_every_value_meets_every_other_and_the_last_changes_fastest() -> None:
    points = list(expand({"by": [["channel"], []], "window_days": [7, None]}))
    assert [point.parameters for point in points] == [
        {"by": ["channel"], "window_days": 7},
        {"by": ["channel"], "window_days": None},
        {"by": [], "window_days": 7},
        {"by": [], "window_days": None},
    ]
    assert [point.suffix for point in points] == [
        "by-channel_window_days-7",
        "by-channel_window_days-none",
        "by-none_window_days-7",
        "by-none_window_days-none",
    ]
    assert points[0].label == "by = channel, window_days = 7"


def test_a_folder_is_named_by_letters_whatever_the_value() -> None:
    (point,) = expand({"steps": [["扫码", "../加 好友"]]})
    assert point.suffix == "steps-扫码-_加_好友"
