"""A study measures the same of a source whether it was laid out or not."""

import dataclasses
import shutil

import ibis.expr.types as ir
import pandas as pd
import pytest
from siyu.data import open_source, sorted_log
from siyu.data.prepare import prepare
from siyu.studies import funnel, retention
from siyu.studies.lures import draw as lots
from siyu.studies.retention.triangle import measure_triangle

pytestmark = pytest.mark.slow

STEPS = ["scan", "add", "reply", "order"]
BACK = {"return_events": ["reply", "browse", "order"]}


@pytest.fixture(scope="module")
def pools():
    """The sample as it lies, and as it was laid out."""
    plain = open_source("data/sample")
    layout = prepare("data/sample")
    prepared = open_source("data/sample")
    assert prepared.sorted_log is None
    yield plain, prepared
    shutil.rmtree(layout)


@pytest.fixture(scope="module")
def compiled(pools):
    """The plain sample, and as it is read in compiled passes."""
    pytest.importorskip("numba")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_log, "FEWEST_ROWS", 0)
        passed = open_source("data/sample")
    assert passed.sorted_log is not None
    return pools[0], passed


def assert_same(plain, prepared):
    for field in dataclasses.fields(plain):
        one, other = (getattr(measures, field.name) for measures in (plain, prepared))
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other, obj=field.name)
        elif isinstance(one, pd.Series):
            pd.testing.assert_series_equal(one, other, obj=field.name)
        elif not isinstance(one, ir.Table):
            assert one == other, field.name


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"window_days": None, "entry": "first"},
        {"order": "strict", "ties": "strict"},
        {"order": "any", "hold": "touchpoint", "exclude": ["consult"]},
    ],
)
def test_funnels(pools, compiled, rules):
    definition = funnel.Definition(steps=STEPS, **{"window_days": 7, **rules})
    by = ["channel", "touchpoint", "tier"]
    plain, prepared, passed = (
        funnel.measure(pool, definition, period_days=40, by=by) for pool in (*pools, compiled[1])
    )
    assert_same(plain, prepared)
    assert_same(plain, passed)


@pytest.mark.parametrize(
    "rules",
    [
        {"kind": "from", **BACK},
        {"kind": "on", "clock": "24h", **BACK},
        {"retained_as": "connected"},
    ],
)
def test_retention(pools, compiled, rules):
    definition = retention.Definition(**rules)
    three = (*pools, compiled[1])
    plain, *others = [
        retention.measure(pool, definition, period_days=90, by=["lure"]) for pool in three
    ]
    triangle, *triangles = [measure_triangle(pool, plain) for pool in three]
    for measures, other in zip(others, triangles, strict=True):
        assert_same(plain, measures)
        pd.testing.assert_frame_equal(triangle, other)


def test_a_list_of_persons_names_them_as_the_source_does(pools, tmp_path):
    lists = []
    for pool, name in zip(pools, ("plain", "prepared"), strict=True):
        folder = tmp_path / name / "handover"
        lots.draw(pool, arms=("a", "b"), seed=3, handover_dir=str(folder))
        (file,) = folder.iterdir()
        lists.append(pd.read_csv(file, dtype=str))
    pd.testing.assert_frame_equal(*lists)
    known = pools[0].table("users").to_pandas()["user_id"]
    assert len(lists[0])
    assert set(lists[0]["user_id"]) <= set(known)
