"""data/README.md says what the contract says, and the sample keeps to both."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from siyu.data.contract import TABLES

DATA = Path(__file__).parents[2] / "data"
DICTIONARY = (DATA / "README.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    found = re.search(rf"^### {name}\n(.*?)(?=^##)", DICTIONARY, flags=re.MULTILINE | re.DOTALL)
    assert found, f"data/README.md has no section {name}"
    return found.group(1)


def test_the_dictionary_has_the_tables_of_the_contract_in_its_order() -> None:
    assert re.findall(r"^### (\w+)$", DICTIONARY, flags=re.MULTILINE) == list(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_the_dictionary_has_the_columns_of_the_contract(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)`( \*)? \| (\w+) \| (.+) \|$", section(name), flags=re.MULTILINE)
    documented = [(column, bool(star), kind) for column, star, kind, _ in rows]
    columns = TABLES[name].columns
    assert documented == [(key, column.required, column.kind) for key, column in columns.items()]


@pytest.mark.parametrize("name", TABLES)
def test_the_dictionary_says_what_a_row_is_and_what_its_columns_may_hold(name: str) -> None:
    text = section(name)
    assert text.startswith(f"One row is {TABLES[name].row}")
    for key, column in TABLES[name].columns.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{key}`"))
        assert ", ".join(column.values) in line
        stated = re.search(r"known from `(\w+)`", line)
        assert (stated.group(1) if stated else None) == column.known_from


@pytest.mark.parametrize("path", sorted((DATA / "sample").glob("*.parquet")), ids=lambda p: p.stem)
def test_the_sample_has_only_columns_of_the_contract_and_all_it_requires(path: Path) -> None:
    columns = TABLES[path.stem].columns
    present = set(pq.read_schema(path).names)
    assert present <= set(columns)
    assert {name for name, column in columns.items() if column.required} <= present
