"""The engine also runs where Spark does: its expressions are compiled for it, not executed."""

from datetime import UTC, datetime
from itertools import product

import ibis
import ibis.expr.types as ir
import pytest
from siyu.studies.funnel.chains import follow
from siyu.studies.funnel.definition import Definition

EVENTS = ibis.table(
    {
        "user_id": "string",
        "occurred_at": "timestamp('UTC')",
        "event": "string",
        "item": "string",
        "touchpoint": "string",
    },
    name="events",
)


@pytest.mark.parametrize(
    ("order", "ties", "entry", "steps"),
    list(
        product(
            ("ordered", "strict", "any"),
            ("either", "strict"),
            ("best", "first"),
            (("A", "B", "C"), ("A", "B", "B")),
        )
    ),
)
def test_every_definition_compiles_for_spark(monkeypatch, order, ties, entry, steps):
    # Keeping rows needs an engine at hand; here there is none.
    monkeypatch.setattr(ir.Table, "cache", lambda rows: rows)
    definition = Definition(
        steps=steps, order=order, ties=ties, entry=entry, exclude=["X"], hold="item"
    )
    users = follow(
        EVENTS,
        definition,
        starts_from=datetime(2026, 1, 1, tzinfo=UTC),
        starts_until=datetime(2026, 2, 1, tzinfo=UTC),
        at_start=["touchpoint"],
    )
    query = ibis.to_sql(users, dialect="pyspark")
    assert "reached_3_at" in query
    assert "ASOF" not in query
