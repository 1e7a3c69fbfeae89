"""Dirty data: `siyu check` finds exactly what was planted, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import SourceError, check, open_source
from siyu.data.contract import TABLES
from siyu.data.world.dirty import TORN, soil, tear
from siyu.data.world.frame import Frame

FRAME = Frame(first_day=date(2025, 4, 1), last_day=date(2025, 6, 30), change_day=date(2025, 5, 1))
OBSERVED = "observed: {from: 2025-04-01, to: 2025-06-30}\n"
ROWS = 30
NOON = datetime(2025, 4, 10, 4, tzinfo=UTC)
TYPES = {
    "id": pa.string(),
    "text": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "money": pa.decimal128(18, 2),
    "share": pa.float64(),
    "count": pa.int64(),
}


def sound_value(column, spec, row):
    """Return a value that keeps every rule; times of one row follow in the contract's order."""
    if spec.kind == "id":
        return f"{row:03d}"
    if spec.kind == "instant":
        first = column in ("added_at", "planned_at", "joined_at", "created_at", "invited_at")
        return NOON + timedelta(days=row, hours=0 if first else 1)
    if spec.kind == "day":
        return date(2025, 4, 1) + timedelta(days=row)
    if spec.kind == "text":
        return spec.values[row % len(spec.values)] if spec.values else f"词{row}"
    return {"money": Decimal(row), "share": row / ROWS, "count": row}[spec.kind]


def make_sound():
    """Make all tables of the contract, each with ROWS sound rows."""
    return {
        name: pa.table(
            {
                column: pa.array(
                    [sound_value(column, spec, row) for row in range(ROWS)], type=TYPES[spec.kind]
                )
                for column, spec in table.columns.items()
            }
        )
        for name, table in TABLES.items()
    }


def write(folder, tables, layout=OBSERVED):
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    (folder / "source.yaml").write_text(layout, encoding="utf-8")


def list_found(folder):
    return sorted(
        (
            p.table,
            p.column,
            p.rule.split(":")[0] if p.rule.startswith("unread") else p.rule,
            p.severity,
            p.rows,
        )
        for p in check(folder).problems
    )


def list_planted(planted):
    return sorted((p.table, p.column, p.rule, p.severity, p.rows) for p in planted)


def test_the_sound_tables_have_no_problem(tmp_path):
    write(tmp_path, make_sound())
    assert list_found(tmp_path) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_check_finds_each_planted_defect_with_its_rows_and_nothing_else(tmp_path, seed):
    tables, planted = soil(make_sound(), FRAME, seed=seed)
    write(tmp_path, tables)
    planted.append(tear(tmp_path / f"{TORN}.parquet"))
    assert list_found(tmp_path) == list_planted(planted)


def test_every_bad_input_of_the_contract_is_planted():
    _, planted = soil(make_sound(), FRAME, seed=1)
    assert {defect.rule for defect in planted} == {
        "missing column",
        "wrong type: boolean is no number",
        "wrong type: not an amount in yuan",
        "wrong type: not a time",
        "wrong type: not a day",
        "duplicate key",
        "duplicate row",
        "null key",
        "null in a required column",
        "unknown user",
        "time without zone and no declared zone",
        "time outside the observation window",
        "left_at before added_at",
        "opened_at before sent_at",
        "clicked_at before sent_at",
        "blocked_at before sent_at",
        "closed_at before created_at",
        "negative amount",
        "negative count",
        "share outside [0, 1]",
        "unknown channel",
        "unknown lure",
        "unknown left_by",
        "unknown medium",
        "neither planned_at nor sent_at",
        "blank before or after an id",
        "empty column",
        "empty table",
        "not read, as no table uses it: 1 of the files or tables there",
    }


def test_a_dirty_source_is_refused(tmp_path):
    tables, _ = soil(make_sound(), FRAME, seed=1)
    write(tmp_path, tables)
    with pytest.raises(SourceError, match="see `siyu check`"):
        open_source(tmp_path)


def test_bad_rows_stand_behind_the_sound_ones_which_stay_as_they_were():
    sound = make_sound()
    dirty, _ = soil(sound, FRAME, seed=1)
    for name in ("contacts", "events", "pushes", "tiers", "groups"):
        assert dirty[name].slice(0, ROWS).equals(sound[name]), name
        assert len(dirty[name]) > ROWS


def test_a_planted_row_differs_from_a_sound_one_in_the_defect_and_the_key():
    tables, planted = soil({"groups": make_sound()["groups"]}, FRAME, seed=3)
    bad = tables["groups"].slice(ROWS).to_pylist()
    assert [(p.column, p.rows) for p in planted if p.table] == [
        ("group_id", sum(row["group_id"].startswith(" ") for row in bad)),
        ("created_at", sum(row["created_at"].date() == date(2025, 6, 30) for row in bad)),
        (
            "closed_at",
            sum(bool(row["closed_at"]) and row["closed_at"] < row["created_at"] for row in bad),
        ),
    ]
    assert len({row["group_id"] for row in bad}) == len(bad)


def test_the_same_seed_soils_alike_and_another_one_does_not():
    first, again, other = (soil(make_sound(), FRAME, seed=seed)[0] for seed in (1, 1, 2))
    assert all(first[name].equals(again[name]) for name in first)
    assert not first["events"].equals(other["events"])


def test_tables_that_are_absent_or_have_no_row_to_copy_are_left_alone():
    sound = make_sound()
    unsent = sound["pushes"].set_column(
        sound["pushes"].column_names.index("sent_at"), "sent_at", pa.nulls(ROWS, TYPES["instant"])
    )
    tables, planted = soil({"events": sound["events"].slice(0, 0), "pushes": unsent}, FRAME, seed=1)
    assert [defect.rule for defect in planted] == [
        "not read, as no table uses it: 1 of the files or tables there"
    ]
    assert tables["events"].num_rows == 0
    assert tables["pushes"].equals(unsent)


def test_a_column_that_is_not_there_gets_no_defect():
    events = make_sound()["events"].drop_columns(["value_cny"])
    tables, planted = soil({"events": events}, FRAME, seed=1)
    assert {defect.column for defect in planted if defect.table} == {
        "event",
        "user_id",
        "occurred_at",
        "",
    }
    assert tables["events"].column_names == events.column_names
