"""What is wrong or odd in all that was read, and the users that a log implies."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from siyu.data.checks import find_doubts
from siyu.data.layout import TableLayout
from siyu.data.load import Loaded
from siyu.data.observation import observe
from siyu.data.problems import Problem, SourceError
from siyu.language import spoken
from siyu.phrases import phrase


def find_quality(loaded: Loaded) -> list[Problem]:
    """Find warnings, and the one error that only shows when all tables are read: no time at all."""
    if loaded.prepared is not None:
        return list(loaded.prepared.doubts[spoken()])
    problems = list(loaded.doubts)
    try:
        complete = observe(loaded).complete
    except SourceError as error:
        complete = True
        problems += error.problems if not loaded.problems else ()
    if not complete:
        rule = phrase("quality.no_complete_day")
        remedy = phrase("quality.no_complete_day_remedy")
        problems.append(Problem(severity="warning", rule=rule, remedy=remedy))
    tables = with_users(loaded, loaded.tables)
    return problems + find_doubts(tables, zone=loaded.zone, observed=loaded.layout.observed)


def with_users(loaded: Loaded, tables: Mapping[str, ir.Table]) -> dict[str, ir.Table]:
    """Add users derived from events, where the layout asks for it."""
    columns = loaded.layout.tables.get("users", TableLayout()).from_events
    if columns is None or "events" not in tables:
        return dict(tables)
    events = tables["events"]
    first = events.group_by("user_id").aggregate(first_at=events.occurred_at.min())
    starts = events.semi_join(first, ["user_id", ("occurred_at", "first_at")])
    # Of several first events at one instant, the value that sorts first: the same on every run.
    values = {column: starts[column].min() for column in columns}
    users = starts.group_by("user_id").aggregate(**values) if values else first.select("user_id")
    return {**tables, "users": users}
