"""What is missing, wrong or too little: a message or an insufficient finding, never a zero."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu import cli
from siyu.data import SourceError, open_source
from siyu.findings import Finding
from siyu.studies import retention
from siyu.studies.retention import Definition, Measures, RetentionError
from siyu.studies.retention.triangle import (
    measure_triangle,
    say_triangle,
    triangle_cells,
    triangle_means,
)

from tests.studies.funnel.builders import INSTANT, open_shop
from tests.studies.retention.builders import Person, at, shop

ROOT = Path(__file__).parents[3]
NAME = "02_cohort_retention"
LEVEL = 0.95
LIMITS = {"7": 0.3, "30": 0.2}
ACTIVE = Definition(return_events=["browse"])
CONNECTED = Definition(retained_as="connected")
FORMS = [ACTIVE, CONNECTED, Definition(kind="within", clock="24h", return_events=["browse"])]


def found(measures: Measures) -> dict[str, Finding]:
    """All findings; on the way every table and figure is made, with whatever there is."""
    rated = retention.rates(measures, level=LEVEL)
    stays, p = retention.mean_stay(measures, horizon_days=30, level=LEVEL)
    curves = retention.stay(measures, horizon_days=30, level=LEVEL)
    same = retention.same_people(measures, level=LEVEL)
    compared = retention.compare_segments(measures, rated, level=LEVEL)
    cohorts = retention.by_cohort(measures, level=LEVEL)
    limits = {"thresholds": LIMITS, "level": LEVEL}
    assert retention.say_retention(measures, rated, level=LEVEL)
    for picture in (
        retention.draw_curve(measures, rated, same, **limits),
        retention.draw_segments(measures, compared, rated, **limits),
        retention.draw_cohorts(measures, cohorts, retention.means(cohorts)),
        retention.draw_stay(measures, curves, stays, p, horizon_days=30, level=LEVEL),
    ):
        assert picture.alt
    told = {"stays": stays, "horizon_days": 30, **limits}
    return {one.id: one for one in retention.conclude(measures, rated=rated, **told)}


def is_refused(findings: Mapping[str, Finding], reason: str) -> bool:
    """Whether nothing but the reason is found."""
    (one,) = findings.values()
    return (one.id, one.status, one.value) == ("retention", "insufficient", None) and (
        reason in one.message
    )


def measured(pool, definition: Definition = ACTIVE, **options) -> Measures:
    return retention.measure(pool, definition, **{"period_days": 31, **options})


@pytest.mark.parametrize("asked", FORMS, ids=["active", "connected", "within"])
class TestTooLittle:
    def test_nobody_has_been_there_for_a_day(self, tmp_path, asked):
        pool = shop(tmp_path, [Person(at("31 10:00"), None, [at("31 11:00")]) for _ in range(50)])
        measures = measured(pool, asked)
        assert is_refused(found(measures), "50 users were added")
        assert retention.rates(measures, level=LEVEL)["rate"].isna().all()
        assert retention.by_cohort(measures, level=LEVEL)["rate"].isna().all()
        cells = triangle_cells(measures, measure_triangle(pool, measures), level=LEVEL)
        assert cells["state"].tolist() == ["unfinished"]
        assert np.isnan(cells["retained"].iloc[0])
        averages = triangle_means(cells, level=LEVEL)
        assert say_triangle(measures, averages, level=LEVEL).startswith("No cohort")

    def test_nobody_was_added(self, tmp_path, asked):
        assert is_refused(found(measured(shop(tmp_path, []), asked)), "No user was added")

    def test_one_person_is_no_share(self, tmp_path, asked):
        person = Person(at("1 10:00"), at("20 10:00"), [at("9 10:00")])
        findings = found(measured(shop(tmp_path, [person]), asked))
        assert is_refused(findings, "Only 1 user was added in the period")

    def test_nobody_could_be_followed_to_days_beyond_the_log(self, tmp_path, asked):
        pool = shop(tmp_path, [Person(at("1 10:00"), at("20 10:00")) for _ in range(50)])
        late = Definition(
            retained_as=asked.retained_as, kind=asked.kind, days=[300], return_events=["browse"]
        )
        assert is_refused(found(measured(pool, late)), "on none of the days can 30 be judged")

    def test_days_within_the_log_are_told_and_those_beyond_it_refused(self, tmp_path, asked):
        people = [Person(at("3 10:00"), None, [at("10 10:00")]) for _ in range(50)]
        findings = found(measured(shop(tmp_path, people), asked))
        day_30 = findings["retention.day_30"]
        assert (day_30.status, day_30.value) == ("insufficient", None)
        assert findings["retention.day_7"].value == 1

    def test_one_cohort_is_a_table_of_one_row_and_no_comparison(self, tmp_path, asked):
        people = [Person(at("6 10:00"), None, [at("13 10:00")]) for _ in range(50)]
        measures = measured(shop(tmp_path, people), asked, by=["channel"])
        assert len(retention.by_cohort(measures, level=LEVEL)["cohort"].unique()) == 1
        rated = retention.rates(measures, level=LEVEL)
        assert retention.compare_segments(measures, rated, level=LEVEL).empty
        assert found(measures)["retention.day_7"].value == 1


class TestAdditions:
    def test_none_is_filled(self, tmp_path):
        events = [{"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}]
        users = [{"user_id": f"{i}", "added_at": None} for i in range(50)]
        pool = open_shop(tmp_path, events, users=users)
        assert is_refused(found(measured(pool)), "No user was added")

    def test_some_are_filled_and_these_alone_count(self, tmp_path):
        people = [Person(at("2 10:00"), None, [at("10 10:00")]) for _ in range(40)]
        strangers = [Person(None, None, [at("10 10:00")]) for _ in range(60)]
        measures = measured(shop(tmp_path, [*people, *strangers]))
        assert measures.n_added == 40
        assert found(measures)["retention.day_7"].n == 40

    def test_who_left_before_being_added_was_there_on_no_day_and_it_is_said(self, tmp_path):
        wrong = [Person(at("10 10:00"), at("5 10:00")) for _ in range(10)]
        pool = shop(tmp_path, [*wrong, *(Person(at("10 10:00")) for _ in range(30))])
        assert "left_at before added_at" in " ".join(map(str, pool.warnings))
        for clock in ("calendar", "24h"):
            asked = Definition(retained_as="connected", clock=clock, days=[1])
            measures = measured(pool, asked)
            day_1 = found(measures)["retention.day_1"]
            assert (day_1.value, day_1.n) == (0.75, 40)
            assert measures.stays["hours"].min() == 0


class TestTables:
    def test_no_users_at_all(self, tmp_path):
        columns = {"user_id": pa.string(), "added_at": INSTANT, "left_at": INSTANT}
        empty = pa.schema(columns).empty_table()
        open_shop(tmp_path, [{"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}])
        pq.write_table(empty, tmp_path / "users.parquet")
        pool = open_source(tmp_path)
        for asked in FORMS:
            assert is_refused(found(measured(pool, asked)), "No user was added")

    def test_ids_that_stand_twice_are_refused_before_anything_is_counted(self, tmp_path):
        people = [Person(at("2 10:00")), Person(at("3 10:00"))]
        with pytest.raises(SourceError, match=r"(?s)users.*duplicate key.*keep one row per key"):
            shop(tmp_path, people, ids=["same", "same"])

    def test_what_unknown_users_did_is_no_return_and_is_said(self, tmp_path):
        users = [{"user_id": f"{i}", "added_at": at("2 10:00")} for i in range(40)]
        events = [
            {"user_id": f"{prefix}{i}", "occurred_at": at("10 10:00"), "event": "browse"}
            for prefix, n in (("", 10), ("unknown ", 40))
            for i in range(n)
        ]
        pool = open_shop(tmp_path, events, users=users)
        assert "unknown user, 40 rows" in " ".join(map(str, pool.warnings))
        day_7 = found(measured(pool))["retention.day_7"]
        assert (day_7.value, day_7.n) == (0.25, 40)

    def test_a_return_that_the_log_has_never_seen_is_no_absence(self, tmp_path):
        pool = shop(tmp_path, [Person(at("2 10:00")) for _ in range(40)])
        with pytest.raises(RetentionError, match="no event 'brows'; did you mean 'browse'"):
            measured(pool, Definition(return_events=["browse", "brows"]))

    def test_without_events_there_are_no_returns_but_people_are_connected(self, tmp_path):
        shop(tmp_path, [Person(at("2 10:00"), at("20 10:00")) for _ in range(40)])
        (tmp_path / "events.parquet").unlink()
        pool = open_source(tmp_path)
        with pytest.raises(SourceError, match=r"(?s)events.*missing table"):
            measured(pool)
        assert found(measured(pool, CONNECTED))["retention.day_7"].value == 1


@pytest.mark.slow
class TestReport:
    """The same through the notebook, as `siyu report` runs it."""

    def run(self, folder: Path, capsys, *options: str) -> tuple[int, str, dict[str, dict]]:
        """Exit code, what was said, and the findings."""
        out = folder / "out"
        given = ["--only", NAME, "--source", str(folder), "--out", str(out)]
        given += [part for one in options for part in ("-p", one)]
        code = cli.main(["report", str(ROOT / "notebooks" / "weekly.yaml"), *given])
        found = {
            one["id"]: one
            for path in out.glob(f"weekly/*/{NAME}/findings.json")
            for one in json.loads(path.read_text("utf-8"))["findings"]
        }
        index = "".join(path.read_text("utf-8") for path in out.glob("weekly/**/index.html"))
        return code, "".join(capsys.readouterr()) + index, found

    def test_nobody_who_can_be_judged_is_a_page_that_says_so(self, tmp_path, capsys):
        shop(tmp_path, [Person(at("30 10:00"), None, [at("30 11:00")]) for _ in range(50)])
        code, _, found = self.run(tmp_path, capsys, 'return_events=["browse"]')
        assert code == 0
        assert {(one["status"], one["value"]) for one in found.values()} == {("insufficient", None)}
        assert "50 users were added" in found["retention"]["message"]

    def test_no_times_of_addition_is_a_failure_that_says_what_is_missing(self, tmp_path, capsys):
        open_shop(tmp_path, [{"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}])
        code, said, found = self.run(tmp_path, capsys, 'return_events=["browse"]')
        assert (code, found) == (1, {})
        assert "users has no column added_at" in said

    def test_a_return_the_log_has_never_seen_is_a_failure_that_names_it(self, tmp_path, capsys):
        shop(tmp_path, [Person(at("2 10:00")) for _ in range(40)])
        code, said, found = self.run(tmp_path, capsys, 'return_events=["brows"]')
        assert (code, found) == (1, {})
        assert "no event &#39;brows&#39;; did you mean &#39;browse&#39;" in said

    def test_a_source_that_cannot_be_used_runs_nothing(self, tmp_path, capsys):
        with pytest.raises(SourceError):
            shop(tmp_path, [Person(at("2 10:00"))] * 2, ids=["same", "same"])
        code, said, _ = self.run(tmp_path, capsys)
        assert code == 2
        assert "duplicate key" in said
        assert not (tmp_path / "out").exists()

    def test_days_beyond_the_log_and_one_cohort_are_a_page_with_what_there_is(
        self, tmp_path, capsys
    ):
        people = [Person(at("6 10:00"), None, [at("14 10:00")]) for _ in range(50)]
        shop(tmp_path, people)
        code, _, found = self.run(tmp_path, capsys, 'return_events=["browse"]', "days=[7, 300]")
        assert code == 0
        assert found["retention.day_7"]["value"] == 1
        assert found["retention.day_300"]["status"] == "insufficient"
