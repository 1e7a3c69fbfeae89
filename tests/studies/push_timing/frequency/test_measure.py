"""The engine counts pushes, weeks and spans as a count person by person does."""

from __future__ import annotations

from collections import Counter

import pytest
from siyu.studies.push_timing import frequency
from siyu.studies.push_timing.definition import Definition, PushError
from siyu.studies.push_timing.frequency import measure
from siyu.studies.push_timing.pushes import find_pushes

from tests.studies.push_timing.frequency import builders

LEAVE_DAYS = 5


def pushes_of(folder, tables, *, by=("occupation",), period_days=90, min_users=1):
    pool = builders.open_pool(folder, **tables)
    return find_pushes(
        pool, Definition(), period_days=period_days, by=list(by), min_users=min_users
    )


@pytest.fixture(scope="module", params=[1, 2])
def both(request, tmp_path_factory):
    tables = builders.people(request.param)
    pushes = pushes_of(tmp_path_factory.mktemp("pool"), tables)
    found = measure(pushes, cap_experiment="number", leave_days=LEAVE_DAYS, frequency_weeks=4)
    return tables, found


def test_each_push_has_what_was_received_before_and_what_came_of_it(both):
    tables, found = both
    expected = builders.exposures(tables, leave_days=LEAVE_DAYS)
    names = ("n", "click", "block", "followed", "leave")
    sums: dict[tuple, Counter] = {}
    for (population, received, gap, band, *flags), n in expected.items():
        cell = sums.setdefault((population, received, gap, band), Counter())
        cell.update(dict(zip(names, (n, *(n * flag for flag in flags)), strict=True)))
    keys = ["population", "received", "gap", "band"]
    cells = found.exposures.groupby(keys)[list(names)].sum()
    assert {key: tuple(row) for key, row in zip(cells.index, cells.to_numpy(), strict=True)} == {
        key: tuple(cell[name] for name in names) for key, cell in sums.items()
    }
    assert set(found.exposures["population"]) == {"drawn", "others"}
    assert found.main == "drawn"


def test_weeks_are_those_begun_while_there_and_over(both):
    tables, found = both
    columns = ["n", "weeks", "sent", "clicks", "blocks"]
    for table, first_weeks in ((found.weekly, None), (found.assigned, 4)):
        rows = table.set_index("cap")[columns]
        expected = builders.weekly(tables, first_weeks=first_weeks)
        assert {cap: row.tolist() for cap, row in expected.items()} == {
            cap: [int(x) for x in row] for cap, row in zip(rows.index, rows.to_numpy(), strict=True)
        }


def test_spans_are_the_last_28_days_of_which_all_is_known_and_the_28_before(both):
    tables, found = both
    names = ["sent_before", "blocks_before", "sent_now", "blocks_now", "n_before", "n_now"]
    rows = found.spans.set_index("segment")[names]
    assert {found.segments[code]: row.astype(int).tolist() for code, row in rows.iterrows()} == (
        builders.spans(tables)
    )
    assert [str(day) for day in (*found.before, *found.now)] == [
        "2026-02-03", "2026-03-02", "2026-03-03", "2026-03-30",
    ]  # fmt: skip


def test_with_many_pushes_whole_users_are_sampled(both, tmp_path):
    tables, found = both
    pushes = pushes_of(tmp_path, tables)
    few = measure(pushes, most_pushes=found.n_sent // 2 - 1, leave_days=LEAVE_DAYS)
    assert few.kept_one_in == 3
    assert set(few.exposures["number"] % 3) == {0}
    assert few.n_sent == found.n_sent
    assert few.experiment == ""
    assert few.main == "others"


def test_a_short_period_holds_no_two_spans(tmp_path):
    found = measure(pushes_of(tmp_path, builders.people(3, n=12), period_days=40))
    assert found.now is None
    assert found.spans.empty


def test_a_pool_without_leaving_or_experiments_is_measured_too(tmp_path):
    tables = builders.people(5, n=12)
    del tables["assignments"]
    tables["users"] = [{"user_id": one["user_id"]} for one in tables["users"]]
    found = measure(pushes_of(tmp_path, tables, by=()), cap_experiment="number")
    assert not found.has_leaving
    assert set(found.exposures["band"]) == {-1}
    assert found.exposures["leave"].sum() == 0


def test_numbers_that_cannot_be_are_errors(tmp_path):
    pushes = pushes_of(tmp_path, builders.people(6, n=6))
    for name in ("leave_days", "frequency_weeks", "most_pushes"):
        with pytest.raises(PushError, match=f"{name} = 0 must be at least 1"):
            measure(pushes, **{name: 0})


def test_an_experiment_that_is_not_about_numbers_is_an_error(tmp_path):
    tables = builders.people(7, n=6)
    tables["assignments"][0]["arm"] = "push"
    with pytest.raises(PushError, match="its arm 'push' must be a number of pushes a week"):
        measure(pushes_of(tmp_path, tables), cap_experiment="number")


def test_a_pool_in_which_nothing_was_sent_is_insufficient(tmp_path):
    tables = builders.people(8, n=12)
    for one in tables["pushes"]:
        one |= {"status": "capped", "sent_at": None, "clicked_at": None, "blocked_at": None}
    found = measure(pushes_of(tmp_path, tables, min_users=5), cap_experiment="number")
    assert (found.n_sent, found.n_blocks, found.kept_one_in) == (0, 0, 1)
    slopes = frequency.slopes(found, level=0.95)
    best = frequency.frontier(found, level=0.95)
    watched = frequency.alerts(found, level=0.95)
    assert frequency.curves(found, level=0.95).empty
    given = frequency.conclude(found, slopes, best, watched, level=0.95)
    assert {one.status for one in given} == {"insufficient"}
    for by in ("received", "gap"):
        curves = frequency.curves(found, level=0.95)
        assert frequency.draw_curves(found, curves, slopes, by=by, level=0.95).alt
