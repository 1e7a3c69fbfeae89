from datetime import date, timedelta
from pathlib import Path

import pytest
from siyu.report.gate import Gate, find_blocks
from siyu.report.runs import Run

AS_OF = date(2026, 3, 31)
HALF = Gate(fewest_rows=0.5)


def former(*counts: int, every: int = 7, source: str = "shop", table: str = "orders") -> list[Run]:
    """Runs at a pace of `every` days before AS_OF, the last of them that long ago."""
    days = [AS_OF - timedelta(days=every * ago) for ago in range(len(counts), 0, -1)]
    return [
        Run(
            folder=Path(f"{day}.1"),
            place=(day.isoformat(), 1),
            manifest={"source": source, "rows": {table: count}, "notebooks": []},
        )
        for day, count in zip(days, counts, strict=True)
    ]


def blocks(gate: Gate, past: list[Run], rows: int, *, today: date | None = AS_OF) -> list[str]:
    return find_blocks(
        gate, source="shop", as_of=AS_OF, today=today, rows={"orders": rows}, former=past
    )


@pytest.mark.parametrize(("age", "blocked"), [(0, False), (3, False), (4, True)])
def test_data_may_be_as_old_as_is_said(age: int, blocked: bool) -> None:
    today = AS_OF + timedelta(days=age)
    assert bool(blocks(Gate(max_age_days=3), [], 1, today=today)) == blocked
    assert not blocks(Gate(), [], 1, today=today)


def test_a_day_that_was_asked_for_need_not_be_recent() -> None:
    assert not blocks(Gate(max_age_days=3), [], 1, today=None)


def test_data_of_days_that_have_not_come_are_none_unless_the_clock_may_be_late() -> None:
    today = AS_OF - timedelta(days=1)
    (said,) = blocks(Gate(max_age_days=3), [], 1, today=today)
    assert said.startswith("The data end on 31 Mar 2026, and this machine's clock says 30 Mar")
    assert blocks(Gate(), former(1000), 1, today=today) == [said]
    # The first report of a newcomer, and those of a machine whose clock has always been late.
    assert not blocks(Gate(), [], 1, today=today)
    assert not blocks(Gate(), former(1000), 1, today=AS_OF - timedelta(days=8))


def test_fewer_new_rows_than_come_as_a_rule_are_told_with_what_was_to_be_expected() -> None:
    past = former(1000, 1100, 1210, 1300)  # 100 a week in the middle
    assert blocks(HALF, past, 1349) == [
        "Table orders: 49 new rows since 24 Mar 2026; as a rule 100 come in that time."
    ]
    assert not blocks(HALF, past, 1350)


def test_two_weeks_without_a_run_are_held_against_two_weeks() -> None:
    past = former(1000, 1100, 1200, 1300, 1400)[:-1]
    assert blocks(HALF, past, 1399)
    assert not blocks(HALF, past, 1400)


def test_where_few_come_or_little_is_known_few_are_no_reason() -> None:
    assert not blocks(HALF, former(100, 119, 138, 157), 157)
    assert not blocks(HALF, former(1000, 1100, 1200), 1200)


def test_a_table_that_is_gone_or_was_cut_off_is_told_from_the_second_run_on() -> None:
    said = "Table orders: 499 rows; the report of 24 Mar 2026 had 1,000."
    assert blocks(HALF, former(1000), 499) == [said]
    assert find_blocks(
        HALF, source="shop", as_of=AS_OF, today=None, rows={}, former=former(1000)
    ) == ["Table orders: 0 rows; the report of 24 Mar 2026 had 1,000."]


def test_a_table_that_was_empty_or_that_is_new_is_no_reason() -> None:
    assert not blocks(HALF, former(0), 0)
    (gone,) = blocks(HALF, former(1000, table="events"), 5)
    assert "Table events: 0 rows" in gone


def test_runs_on_another_source_of_later_days_or_without_counts_are_no_measure() -> None:
    assert not blocks(HALF, former(1000, source="another shop"), 1)
    assert not blocks(HALF, former(1000, every=-7), 1)
    bare = Run(folder=Path("x"), place=("2026-03-24", 1), manifest={"source": "shop"})
    assert not blocks(HALF, [bare], 1)


def test_a_day_run_again_is_held_against_its_last_run() -> None:
    past = former(1000, 1100, 1200, 1300, every=7)
    again = Run(
        folder=Path("2026-03-31.1"),
        place=("2026-03-31", 1),
        manifest={"source": "shop", "rows": {"orders": 1400}},
    )
    assert not blocks(HALF, [*past, again], 1400)
