from pathlib import Path

import pytest
from siyu.report.location import holds_secret, locate, path_of, published_name

ROOT = Path("/srv/growth")


@pytest.mark.parametrize(
    ("source", "located", "published", "path"),
    [
        ("shop", "/srv/growth/shop", "shop", "/srv/growth/shop"),
        (".", "/srv/growth", ".", "/srv/growth"),
        ("../growth/shop", "/srv/growth/shop", "shop", "/srv/growth/shop"),
        ("/tmp/wang/shop", "/tmp/wang/shop", "shop", "/tmp/wang/shop"),
        ("../other/shop.xlsx", "/srv/other/shop.xlsx", "shop.xlsx", "/srv/other/shop.xlsx"),
        ("/srv/growth2/shop", "/srv/growth2/shop", "shop", "/srv/growth2/shop"),
        (
            "sqlite://data/shop.db",
            "sqlite:///srv/growth/data/shop.db",
            "sqlite://data/shop.db",
            "/srv/growth/data/shop.db",
        ),
        (
            "duckdb:///tmp/wang/shop.duckdb?read_only=true",
            "duckdb:///tmp/wang/shop.duckdb?read_only=true",
            "duckdb://shop.duckdb?read_only=true",
            "/tmp/wang/shop.duckdb",
        ),
        ("duckdb://md:shop", "duckdb://md:shop", "duckdb://md:shop", None),
        ("postgres://me@host/shop", "postgres://me@host/shop", "postgres://me@host/shop", None),
        ("local[2]", "local[2]", "local[2]", None),
    ],
)
def test_a_source_is_found_from_anywhere_and_published_without_the_machines_folders(
    source: str, located: str, published: str, path: str | None
) -> None:
    found = locate(source, ROOT)
    assert found == located
    assert published_name(found, ROOT) == published
    assert path_of(found) == (Path(path) if path else None)


@pytest.mark.parametrize(
    "source",
    [
        "postgres://me:hunter2@host/shop",
        "postgres://me@host/shop?password=hunter2",
        "postgres://me@host/shop?sslmode=require&sslpassword=hunter2",
        "mysql://me@host/shop?PWD=hunter2",
        "duckdb://md:shop?motherduck_token=abc",
        "bigquery://shop?api_key=abc",
        "snowflake://me@host/shop?client_secret=abc",
        "postgres://me@host/shop?password=",
    ],
)
def test_a_password_anywhere_in_an_address_is_seen(source: str) -> None:
    assert holds_secret(source)


@pytest.mark.parametrize(
    "source",
    [
        "postgres://me@host/shop?sslmode=require",
        "postgres://me@host/token",
        "sqlite:///srv/secret.db",
        "data/secrets?",
    ],
)
def test_an_address_without_a_password_is_let_through(source: str) -> None:
    assert not holds_secret(source)
