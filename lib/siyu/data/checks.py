"""Rules that rows can break, counted in one pass of the engine per table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from siyu.data.contract import PERSONS, TABLES
from siyu.data.masks import is_before, known_at
from siyu.data.problems import Problem, Severity
from siyu.phrases import phrase

_EXAMPLES = 5
_ALL = "all rows"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing to count: the rows where `broken` holds, with examples of `value`."""

    column: str
    rule: str
    remedy: str
    broken: ir.BooleanValue
    value: ir.Value
    severity: Severity = "warning"


def count_broken(
    name: str,
    rows: ir.Table,
    rules: Sequence[Rule],
    measures: Mapping[str, ir.Scalar],
) -> tuple[list[Problem], dict[str, Any]]:
    """Count the rows that break each rule, in one aggregate query.

    Args:
        name: the table's name, for the messages.
        rows: the table over which the rules are written.
        rules: what to count.
        measures: further aggregates to take in the same pass, at least one.

    Returns:
        One problem per broken rule, in the order of the rules, and the values of the measures.
    """
    counts = {f"rule {place}": rows.count(where=rule.broken) for place, rule in enumerate(rules)}
    (found,) = rows.aggregate(**counts, **measures).to_pyarrow().to_pylist()
    problems = [
        Problem(
            table=name,
            column=rule.column,
            rule=rule.rule,
            severity=rule.severity,
            rows=found[f"rule {place}"],
            examples=_examples(rows, rule),
            remedy=rule.remedy,
        )
        for place, rule in enumerate(rules)
        if found[f"rule {place}"]
    ]
    return problems, {measure: found[measure] for measure in measures}


def find_repeated_keys(name: str, table: ir.Table) -> list[Problem]:
    """Report keys that stand in more than one row."""
    key = TABLES[name].key
    if not key:
        return []
    filled = table.filter(*(table[column].notnull() for column in key))
    repeated = filled.group_by(*key).aggregate(siyu_rows=filled.count())
    repeated = repeated.filter(repeated.siyu_rows > 1)
    total = repeated.siyu_rows.sum().to_pyarrow().as_py()
    if not total:
        return []
    first = repeated.order_by(*key).limit(_EXAMPLES).to_pyarrow().to_pylist()
    return [
        Problem(
            table=name,
            column=", ".join(key),
            rule="duplicate key",
            rows=int(total),
            examples=tuple(", ".join(str(row[column]) for column in key) for row in first),
            remedy="keep one row per key",
        )
    ]


def find_doubts(
    tables: Mapping[str, ir.Table], *, zone: ZoneInfo, observed: tuple[date, date] | None
) -> list[Problem]:
    """Report what is odd but does not make a table unusable.

    Args:
        tables: typed tables, before any masking.
        zone: the business time zone.
        observed: the declared first and last day of observation; None: not declared.
    """
    problems: list[Problem] = []
    for name, table in tables.items():
        rules = [*_value_rules(name, table), *_order_rules(name, table)]
        if observed and TABLES[name].known_at:
            rules.append(_window_rule(name, table, zone, observed))
        measures = {_ALL: table.count()} | {
            column: table[column].count()
            for column in TABLES[name].columns
            if column in table.columns
        }
        broken, filled = count_broken(name, table, rules, measures)
        problems += [*_emptiness(name, filled), *broken]
        if "users" in tables:
            problems += _strangers(name, table, tables["users"])
        problems += _repeated_rows(name, table)
    return problems


def _value_rules(name: str, table: ir.Table) -> Iterator[Rule]:
    for column, spec in TABLES[name].columns.items():
        if column not in table.columns:
            continue
        value = table[column]
        if spec.kind == "id":
            yield Rule(
                column=column,
                rule=phrase("quality.blank_id"),
                remedy=phrase("quality.blank_id_remedy"),
                broken=(value < "!") | (value.right(1) < "!"),
                value=value,
            )
        if spec.values:
            yield Rule(
                column=column,
                rule=phrase("quality.unknown_value", column=column),
                remedy=phrase(
                    "quality.unknown_value_remedy", values=", ".join(spec.values), table=name
                ),
                broken=value.notin(spec.values),
                value=value,
            )
        if spec.minimum is not None:
            yield Rule(
                column=column,
                rule=phrase(f"quality.negative_{'amount' if spec.kind == 'money' else 'count'}"),
                remedy=phrase("quality.negative_remedy"),
                broken=value < spec.minimum,
                value=value,
            )
        if spec.kind == "share":
            yield Rule(
                column=column,
                rule=phrase("quality.share"),
                remedy=phrase("quality.share_remedy"),
                broken=~value.between(0, 1),
                value=value,
            )


def _order_rules(name: str, table: ir.Table) -> Iterator[Rule]:
    contract = TABLES[name]
    for later, earlier in contract.after.items():
        if later in table.columns and earlier in table.columns:
            yield Rule(
                column=later,
                rule=phrase("quality.before", later=later, earlier=earlier),
                remedy=phrase("quality.before_remedy"),
                broken=table[later] < table[earlier],
                value=table[later],
            )
    if contract.one_of:
        yield Rule(
            column=contract.one_of[0],
            rule=phrase(
                "quality.neither", names=phrase("quality.neither_or").join(contract.one_of)
            ),
            remedy=phrase("quality.neither_remedy"),
            broken=known_at(name, table).isnull(),
            value=known_at(name, table),
        )


def _window_rule(name: str, table: ir.Table, zone: ZoneInfo, observed: tuple[date, date]) -> Rule:
    value = known_at(name, table)
    outside = ~is_before(value, observed[1] + timedelta(days=1), zone)
    if not TABLES[name].lasting:
        outside = outside | is_before(value, observed[0], zone)
    return Rule(
        column=TABLES[name].known_at or "",
        rule=phrase("quality.outside"),
        remedy=phrase("quality.outside_remedy"),
        broken=outside,
        value=value,
    )


def _emptiness(name: str, filled: Mapping[str, int]) -> list[Problem]:
    """Report an empty table, or else the columns without a single value."""
    if not filled[_ALL]:
        rule, remedy = phrase("quality.empty_table"), phrase("quality.empty_table_remedy")
        return [Problem(table=name, severity="warning", rule=rule, remedy=remedy)]
    return [
        Problem(
            table=name,
            column=column,
            severity="warning",
            rule=phrase("quality.empty_column"),
            rows=filled[_ALL],
            remedy=phrase("quality.empty_column_remedy"),
        )
        for column, rows in filled.items()
        if not rows
    ]


def _strangers(name: str, table: ir.Table, users: ir.Table) -> list[Problem]:
    problems: list[Problem] = []
    for column in PERSONS:
        if column not in table.columns or name == "users":
            continue
        rows = table.group_by(person=table[column]).aggregate(rows=table.count())
        unknown = rows.filter(rows.person.notnull()).anti_join(users, [("person", "user_id")])
        total = unknown.rows.sum().to_pyarrow().as_py()
        if total:
            problems.append(
                Problem(
                    table=name,
                    column=column,
                    severity="warning",
                    rule=phrase("quality.unknown_user"),
                    rows=int(total),
                    examples=_first_values(unknown.person),
                    remedy=phrase("quality.unknown_user_remedy"),
                )
            )
    return problems


def _repeated_rows(name: str, table: ir.Table) -> list[Problem]:
    """Report rows that repeat another one in every column, where no key forbids it."""
    if TABLES[name].key:
        return []
    rows, distinct = (counted.count().to_pyarrow().as_py() for counted in (table, table.distinct()))
    if rows == distinct:
        return []
    return [
        Problem(
            table=name,
            severity="warning",
            rule=phrase("quality.duplicate_row"),
            rows=rows - distinct,
            remedy=phrase("quality.duplicate_row_remedy"),
        )
    ]


def _examples(rows: ir.Table, rule: Rule) -> tuple[str, ...]:
    return _first_values(rows.filter(rule.broken).select(value=rule.value).value)


def _first_values(column: ir.Value) -> tuple[str, ...]:
    shown = column.cast("string").name("shown").as_table().distinct()
    found = shown.filter(shown.shown.notnull()).order_by("shown").limit(_EXAMPLES).to_pyarrow()
    return tuple(found["shown"].to_pylist())
