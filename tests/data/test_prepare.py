"""A source that was laid out once answers as it lies, and a layout that is no longer true is not
used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from siyu.cli import main
from siyu.data import SourceError, open_source
from siyu.data.cache import make_room
from siyu.data.prepare import prepare
from siyu.language import speaking

DAYS = "timezone: Asia/Shanghai\nobserved: {from: 2024-03-01, to: 2024-03-31}\n"
EVENTS = """user_id,occurred_at,event,phone
b,2024-03-05T09:00Z,scan,138
010,2024-03-02T09:00Z,scan,
010,2024-03-01T09:00Z,add,139
stranger,2024-03-03T09:00Z,add,139
"""
USERS = "user_id,added_at,lure\n9,2024-03-08T00:00Z,coupon\n010,,\nb,2024-03-30T00:00Z,coupon"
INVITES = """inviter_id,invited_at,invitee_id,accepted_at
b,2024-03-30T00:00Z,,
9,2024-03-03T00:00Z,b,2024-03-30T00:00Z
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("layouts")
    monkeypatch.setenv("SIYU_CACHE", str(folder))
    return folder / "sources"


@pytest.fixture
def shop(write_source):
    return write_source(DAYS, users=USERS, events=EVENTS, invites=INVITES)


def is_prepared(source):
    return source._loaded.prepared is not None


def rows(source, name):
    """Rows of a table with the ids that its codes stand for."""
    found = source.table(name).to_pandas()
    for column in {"user_id", "inviter_id", "invitee_id"} & set(found.columns):
        filled = found[column].dropna()
        found[column] = (
            source.name_persons(filled.astype("int64")) if is_prepared(source) else filled
        )
    return sorted(map(str, found.astype(str).fillna("nan").to_dict("records")))


@pytest.mark.parametrize("as_of", ["", "2024-03-04"])
def test_a_prepared_source_is_the_same_in_all_that_it_tells(shop, as_of):
    plain = open_source(shop, as_of=as_of)
    with speaking("zh"):
        in_chinese = open_source(shop).warnings
    prepare(shop)
    laid_out = open_source(shop, as_of=as_of)
    assert is_prepared(laid_out)
    assert not is_prepared(plain)
    for name in ("users", "events", "invites"):
        assert rows(laid_out, name) == rows(plain, name)
    for told in ("name", "timezone", "observed_from", "observed_to", "as_of_end", "warnings"):
        assert getattr(laid_out, told) == getattr(plain, told)
    with speaking("zh"):
        assert open_source(shop).warnings == in_chinese
    assert laid_out.fingerprint() == plain.fingerprint()
    assert laid_out.counts().equals(plain.counts())
    assert laid_out.preview("events").equals(plain.preview("events"))
    words = ["010", "stranger", "138", "b", "0", "1", "Shanghai"]
    assert (
        laid_out.find_persons(words) == plain.find_persons(words) == {"010", "stranger", "138", "b"}
    )


def test_codes_go_up_as_the_ids_do(shop):
    prepare(shop)
    users = open_source(shop).table("users").to_pandas()["user_id"]
    assert list(users) == [0, 1, 2]
    assert list(open_source(shop).name_persons(users)) == ["010", "9", "b"]


def test_rows_lie_by_person_and_time(shop):
    prepare(shop)
    events = open_source(shop).table("events").to_pandas()
    assert events[["user_id", "occurred_at"]].apply(tuple, axis=1).is_monotonic_increasing


@pytest.mark.parametrize("change", ["rewritten", "touched", "added", "declared"])
def test_a_source_that_changed_is_read_as_it_lies_until_it_is_laid_out_again(shop, cache, change):
    first = prepare(shop)
    if change == "rewritten":
        (shop / "events.csv").write_text(EVENTS.replace("scan", "ship"), encoding="utf-8")
    elif change == "touched":
        os.utime(shop / "users.csv", ns=(0, 1))
    elif change == "added":
        (shop / "orders.csv").write_text("order_id,user_id,paid_at,amount_cny\n", encoding="utf-8")
    else:
        (shop / "source.yaml").write_text(DAYS.replace("01", "02"), encoding="utf-8")
    assert not is_prepared(open_source(shop))
    again = prepare(shop)
    assert is_prepared(open_source(shop))
    assert [folder.name for folder in cache.iterdir()] == [again.name] != [first.name]


def test_another_time_zone_is_another_layout(shop, cache):
    prepare(shop)
    assert not is_prepared(open_source(shop, timezone="UTC"))
    prepare(shop, timezone="UTC")
    assert is_prepared(open_source(shop, timezone="UTC"))
    assert is_prepared(open_source(shop))


def test_the_first_use_lays_out_where_that_is_asked_for(shop, monkeypatch):
    monkeypatch.setenv("SIYU_PREPARE", "1")
    assert is_prepared(open_source(shop))


def test_a_source_that_cannot_be_laid_out_is_read_as_it_lies(shop, cache, monkeypatch):
    monkeypatch.setenv("SIYU_PREPARE", "1")
    cache.write_text("in the way", encoding="utf-8")
    assert open_source(shop).counts()["rows"].sum() > 0


@pytest.mark.parametrize("broken", ["tables.duckdb", "facts.json"])
def test_a_layout_that_was_damaged_is_not_used_and_made_anew(shop, broken):
    (prepare(shop) / broken).write_text("", encoding="utf-8")
    source = open_source(shop)
    assert not is_prepared(source)
    assert source.counts()["rows"].sum() > 0
    prepare(shop)
    assert is_prepared(open_source(shop))


@pytest.mark.slow
def test_what_a_killed_process_left_half_written_is_no_layout(shop, cache):
    half = """
import os, sys
from siyu.data import prepare
prepare.publish = lambda *_: os._exit(9)
prepare.prepare(sys.argv[1])
"""
    done = subprocess.run([sys.executable, "-c", half, str(shop)], env={**os.environ})
    assert done.returncode == 9
    (left,) = cache.iterdir()
    assert not is_prepared(open_source(shop))
    prepare(shop)
    assert is_prepared(open_source(shop))
    assert left.exists()  # it may be another process at work
    os.utime(left, (0, 0))
    (shop / "events.csv").write_text(EVENTS + EVENTS.splitlines()[1], encoding="utf-8")
    prepare(shop)
    assert not left.exists()


@pytest.mark.slow
def test_two_processes_may_lay_out_at_once(shop, cache):
    run = "import sys; from siyu.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "prepare", str(shop)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate()[0].strip() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == said[1]
    assert [str(folder) for folder in cache.iterdir()] == said[:1]


def test_a_source_that_changes_meanwhile_is_not_laid_out(shop, cache, monkeypatch):
    from siyu.data import prepare as module

    def load(location, *, timezone):
        loaded = real(location, timezone=timezone)
        os.utime(shop / "events.csv", ns=(0, 1))
        return loaded

    real = module.load
    monkeypatch.setattr(module, "load", load)
    with pytest.raises(SourceError, match="changed while they were read"):
        prepare(shop)
    assert list(cache.iterdir()) == []


def test_what_was_unused_for_longest_goes_first(cache, monkeypatch):
    for day, name in enumerate(("a-1", "b-1", "b-2", "c-1", "d-1")):
        (cache / name).mkdir(parents=True)
        (cache / name / "tables").write_bytes(bytes(400))
        (cache / name / "used").touch()
        os.utime(cache / name / "used", (day, day))
    monkeypatch.setenv("SIYU_CACHE_GB", "1e-6")
    make_room(cache, keep=cache / "b-1")
    assert sorted(folder.name for folder in cache.iterdir()) == ["b-1", "d-1"]


@pytest.mark.parametrize("size", ["much", "0"])
def test_a_limit_that_is_none_is_refused(shop, monkeypatch, size, capsys):
    monkeypatch.setenv("SIYU_CACHE_GB", size)
    assert main(["prepare", str(shop)]) == 2
    assert f"SIYU_CACHE_GB = '{size}' must be a number above 0" in capsys.readouterr().err


def test_a_database_and_a_source_with_errors_are_refused(shop, capsys):
    assert main(["prepare", "sqlite://shop.db"]) == 2
    assert "a database cannot be laid out" in capsys.readouterr().err
    (shop / "events.csv").write_text("user_id,occurred_at,event\n,never,scan\n", encoding="utf-8")
    assert main(["prepare", str(shop)]) == 2
    assert "events.user_id: null key" not in (said := capsys.readouterr().err)
    assert "events.occurred_at: wrong type" in said


def test_a_layout_is_told_by_its_folder(shop, cache, capsys):
    assert main(["prepare", str(shop)]) == 0
    assert Path(capsys.readouterr().out.strip()).parent == cache
