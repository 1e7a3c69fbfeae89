"""What is wrong with an engine is said before anything is asked of it; no engine is needed here."""

import sys

import pytest
from siyu.data import SourceError, open_source
from siyu.data.engines import is_engine


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("postgres://me@host/shop", True),
        ("postgresql://host/shop/schema?sslmode=require", True),
        ("spark://host:7077", True),
        ("spark://one:7077,two:7077/shop", True),
        ("local[2]", True),
        ("local", False),
        ("sqlite://shop.db", False),
        ("mysql://me@host/shop", False),
        ("data/local", False),
        ("local.xlsx", False),
    ],
)
def test_tables_stay_on_engines_that_are_held_to_the_same_answers(address, stays):
    assert is_engine(address) is stays


@pytest.mark.parametrize(
    ("address", "driver", "extra", "backend"),
    [
        ("postgres://host/shop", "psycopg", "postgres", "postgres"),
        ("local[2]", "pyspark", "spark", "pyspark"),
    ],
)
def test_a_driver_that_is_not_installed_is_named_with_how_to_get_it(
    monkeypatch, address, driver, extra, backend
):
    monkeypatch.setitem(sys.modules, driver, None)
    for module in (f"siyu.data.engines.{extra}", f"ibis.backends.{backend}"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SourceError, match=rf"{driver}.*; make engines, .*siyu\[{extra}\]"):
        open_source(address)


@pytest.mark.parametrize(
    ("layout", "match"),
    [
        ("engine: duckdb", "engine: 'duckdb' is no Spark master; use local"),
        ("engine: postgres://host/shop", "a database address belongs under files"),
        ("copy: sometimes", "copy: 'sometimes' is neither true nor false"),
    ],
)
def test_an_engine_that_has_no_meaning_is_an_error(write_source, layout, match):
    with pytest.raises(SourceError, match=match):
        open_source(write_source(layout))
