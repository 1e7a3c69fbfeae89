"""What each command does with the words it was given, and the exit code it ends with.

Each imports what it needs when it runs, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siyu.report.config import Config
    from siyu.report.plan import Request
    from siyu.report.progress import Progress

PUBLISHED, FAILED, BAD_CONFIGURATION, BLOCKED, UNDELIVERED, GOES_ON = range(6)
"""Exit codes: all well; a notebook failed or the data have errors; nothing could start; the data
did not pass the gate; published, but a message was not delivered; another run goes on."""
_MOST_URGENT_FIRST = (BAD_CONFIGURATION, FAILED, BLOCKED, UNDELIVERED, PUBLISHED)


def report(parsed: argparse.Namespace) -> int:
    """Run the notebooks of a configuration and publish their pages."""
    from siyu.report.config import find_config, narrow, read_config
    from siyu.report.plan import Request
    from siyu.report.problems import ConfigurationError
    from siyu.report.progress import Progress

    # A scheduler that stops the run, or a terminal that is closed, must not leave kernels behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _stop)
    progress = Progress(sys.stderr, as_json=parsed.log_format == "json")
    try:
        whole = read_config(parsed.config or find_config())
        config = narrow(
            whole,
            source=parsed.source,
            as_of=parsed.as_of,
            only=parsed.only,
            assignments=parsed.assignments,
        )
        # Another day is the same report: as a scheduler asks for it.
        variant = replace(config, as_of=whole.as_of) != whole
        days = _days(config, parsed, variant=variant)
    except ConfigurationError as error:
        _note(progress, "refused", error.problems)
        return BAD_CONFIGURATION
    request = Request(
        variant=variant,
        force=parsed.force,
        only_failed=parsed.rerun_failed,
        guarded=not parsed.no_gate,
        quiet=parsed.backfill is not None,
    )
    codes = []
    for day in days:
        try:
            code = _report_day(replace(config, as_of=day), request, parsed, progress)
        except KeyboardInterrupt:
            _note(progress, "stopped", ["stopped"])
            return 128 + signal.SIGINT
        if code == GOES_ON:
            return code
        codes.append(code)
    return min(codes, key=_MOST_URGENT_FIRST.index)


def _days(config: Config, parsed: argparse.Namespace, *, variant: bool) -> list[str]:
    """List the days to report on, "" for the last one of the data.

    Raises:
        ConfigurationError: a day has not come, or its run would not be kept.
    """
    from datetime import UTC, date, datetime, timedelta

    from siyu.report.plan import days_between, find_unkept
    from siyu.report.problems import ConfigurationError

    days = [config.as_of]
    if parsed.backfill is not None:
        days = days_between(*parsed.backfill, every_days=config.every_days)
        home = (parsed.out or config.root / "reports") / config.name
        if unkept := find_unkept(config, days, home=home, variant=variant):
            rule = f"would be removed again at once, as keep = {config.keep}; raise it"
            raise ConfigurationError([f"the runs of {unkept[0]} to {unkept[-1]} {rule}"])
    latest = (datetime.now(UTC) + timedelta(hours=14)).date()  # where on earth it is latest
    if days[-1] and date.fromisoformat(days[-1]) > latest:
        raise ConfigurationError([f"as_of = {days[-1]} has not come yet; use a day of the data"])
    return days


def _report_day(
    config: Config, request: Request, parsed: argparse.Namespace, progress: Progress
) -> int:
    """Run a configuration for one day, or only say what would be run."""
    from siyu.report.gate import BlockedError
    from siyu.report.location import published_name
    from siyu.report.lock import LockHeldError
    from siyu.report.paths import without_paths
    from siyu.report.problems import ConfigurationError
    from siyu.report.run import run_report
    from siyu.report.secrets import find_secrets

    out = parsed.out or config.root / "reports"
    try:
        if parsed.dry_run:
            return _show_plan(config, request, home=out / config.name)
        published = run_report(config, request, out=out, at_once=parsed.jobs, progress=progress)
    except ConfigurationError as error:
        _note(progress, "refused", error.problems)
        return BAD_CONFIGURATION
    except LockHeldError as error:
        _note(progress, "skipped", [_give_way(error)])
        return GOES_ON
    except OSError as error:
        _note(progress, "failed", [f"the report cannot be written: {error}"])
        return FAILED
    except BlockedError as error:
        typed = parsed.source or published_name(config.source, config.root)
        hidden = [(config.source, typed), *find_secrets(config.recipients)]
        lines = without_paths(error.problems, hidden)
        # What was typed is wrong for the one who typed it; what is scheduled needs another look.
        _note(progress, "refused" if request.variant else "blocked", lines)
        _note(progress, "undelivered", [f"nobody was told: {line}" for line in error.undelivered])
        return BAD_CONFIGURATION if request.variant else BLOCKED
    if not published.new:
        rule = "nothing to run: this page is the answer; --force runs it again"
        _note(progress, "unchanged", [rule])
    alerts = [f"the alerts were not delivered to {line}" for line in published.undelivered]
    _note(progress, "undelivered", alerts)
    if parsed.log_format == "json":
        progress.note("published", str(published.index), ok=published.ok, new=published.new)
    print(published.index, flush=True)
    if not published.ok:
        return FAILED
    return UNDELIVERED if published.undelivered else PUBLISHED


def _show_plan(config: Config, request: Request, *, home: Path) -> int:
    from datetime import UTC, datetime

    from siyu.data import SourceError, without_persons
    from siyu.report.gate import BlockedError
    from siyu.report.lock import LOCK, LockHeldError, is_held
    from siyu.report.plan import describe_plan, make_plan, open_day

    if is_held(home):
        raise LockHeldError(home / LOCK)
    try:
        source = open_day(config, request, home=home)
    except SourceError as error:
        problems = [str(without_persons(problem)) for problem in error.problems]
        raise BlockedError(problems) from error
    plan = make_plan(config, request, source, home=home, now=datetime.now(UTC))
    for line in describe_plan(plan, request, home=home):
        print(line)
    return BLOCKED if plan.blocks else PUBLISHED


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # asked for once more, it must not stop the clearing up
    raise KeyboardInterrupt


def status(parsed: argparse.Namespace) -> int:
    """Say whether a report still comes."""
    from datetime import UTC, datetime

    from siyu.report.config import find_config, read_config
    from siyu.report.problems import ConfigurationError
    from siyu.report.status import describe_status, find_status

    try:
        config = read_config(parsed.config or find_config())
    except ConfigurationError as error:
        return _refuse(error.problems)
    home = (parsed.out or config.root / "reports") / config.name
    now = datetime.now(UTC)
    status = find_status(home, every_days=config.every_days, now=now)
    for line in describe_status(status, now=now):
        print(line)
    return FAILED if parsed.check and status.overdue else PUBLISHED


def notify(parsed: argparse.Namespace) -> int:
    """Tell each recipient of alerts that a scheduled run has failed, or send a test message."""
    from siyu.language import speaking
    from siyu.phrases import phrase
    from siyu.report.alerts import deliver
    from siyu.report.config import find_config, read_config
    from siyu.report.problems import ConfigurationError
    from siyu.report.senders import Message

    try:
        config = read_config(parsed.config or find_config())
    except ConfigurationError as error:
        return _refuse(error.problems)
    if not config.recipients:
        return _refuse(["the configuration names nobody under notify"])
    with speaking(config.language):
        if parsed.test:
            said = phrase("alerts.test", title=config.title)
            message = Message(title=phrase("alerts.test_title"), lines=(said,))
        else:
            said = phrase("alerts.run_failed", run=parsed.failed)
            message = Message(title=config.title, lines=(said,))
    deliveries = deliver(message, config.recipients)
    for one in deliveries:
        print(f"{'ok' if one['ok'] else '!!'}  {one['to']}{': ' * (not one['ok'])}{one['reason']}")
    return PUBLISHED if all(one["ok"] for one in deliveries) else UNDELIVERED


def prune(parsed: argparse.Namespace) -> int:
    """Remove the runs that need not be kept, or only say which."""
    from siyu.report.config import find_config, read_config
    from siyu.report.history_page import write_history
    from siyu.report.lock import LockHeldError
    from siyu.report.problems import ConfigurationError
    from siyu.report.publish import staging
    from siyu.report.runs import find_spare, remove

    try:
        config = read_config(parsed.config or find_config())
        home = (parsed.out or config.root / "reports") / config.name
        if (keep := parsed.keep or config.keep) is None:
            return _refuse(["the configuration does not say how many runs to keep; use --keep 12"])
        if parsed.dry_run or not home.is_dir():
            spare = find_spare(home, keep=keep)
        else:
            with staging(home):
                spare = find_spare(home, keep=keep)
                remove(spare)
                write_history(home, config)
    except ConfigurationError as error:
        return _refuse(error.problems)
    except LockHeldError as error:
        print(f"siyu: {_give_way(error)}", file=sys.stderr)
        return GOES_ON
    for folder in spare:
        print(folder)
    return PUBLISHED


def check(parsed: argparse.Namespace) -> int:
    """Say what is wrong or odd in the data of a source."""
    from siyu.data import check, render

    report = check(parsed.source)
    print(render(report))
    return FAILED if report.errors else PUBLISHED


def prepare(parsed: argparse.Namespace) -> int:
    """Lay a source out for fast questions."""
    from siyu.data import SourceError
    from siyu.data.prepare import prepare

    try:
        folder = prepare(parsed.source, timezone=parsed.timezone)
    except SourceError as error:
        return _refuse([str(problem) for problem in error.problems])
    except OSError as error:
        rule = f"the cache cannot be written: {error.strerror or error}"
        return _refuse([f"{rule}; name another folder in SIYU_CACHE"])
    print(folder)
    return PUBLISHED


def doctor(parsed: argparse.Namespace) -> int:
    """Say whether this machine can run reports."""
    from siyu.language import speaking
    from siyu.report.config import find_config, read_config
    from siyu.report.doctor import examine
    from siyu.report.problems import ConfigurationError

    try:
        config = read_config(parsed.config or find_config())
    except ConfigurationError as error:
        return _refuse(error.problems)
    ill = False
    with speaking(config.language):
        for found in examine(config, out=parsed.out or config.root / "reports"):
            print(f"{'ok' if found.ok else '!!'}  {found.text}", flush=True)
            ill |= not found.ok
    return FAILED if ill else PUBLISHED


def translate(parsed: argparse.Namespace) -> int:
    """Copy the notebooks in another language."""
    from siyu.report.config import find_config, read_config
    from siyu.report.copies import write_copies
    from siyu.report.problems import ConfigurationError

    try:
        config = read_config(parsed.config or find_config())
        folder = parsed.out or config.root / ".cache" / f"notebooks-{parsed.language}"
        kept = write_copies([one.notebook for one in config.studies], parsed.language, folder)
    except ConfigurationError as error:
        return _refuse(error.problems)
    except OSError as error:
        rule = f"cannot be written: {error.strerror or error}; name another folder by --out"
        return _refuse([f"{parsed.out} {rule}"])
    for name in kept:
        print(f"siyu: your changes are kept in {name}", file=sys.stderr)
    print(folder)
    return PUBLISHED


def sample(parsed: argparse.Namespace) -> int:
    """Write a simulated pool with known truths."""
    from siyu.data.world import Settings, SettingsError, with_effects, write_sample

    given = {"users": parsed.users, "days": parsed.days, "seed": parsed.seed}
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
        write_sample(parsed.out, with_effects(settings, parsed.effects), dirty=parsed.dirty)
    except SettingsError as error:
        return _refuse([str(error)])
    except OSError as error:
        rule = f"cannot be written: {error.strerror or error}; name another folder by --out"
        return _refuse([f"{parsed.out} {rule}"])
    print(parsed.out)
    return PUBLISHED


def _note(progress: Progress, event: str, problems: Sequence[str]) -> None:
    for problem in problems:
        progress.note(event, f"siyu: {problem}")


def _give_way(error: Exception) -> str:
    return f"another run goes on: {error}; this one is skipped"


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"siyu: {problem}", file=sys.stderr)
    return BAD_CONFIGURATION
