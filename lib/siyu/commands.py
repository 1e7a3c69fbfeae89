"""What each command does with the words it was given, and the exit code it ends with.

Each imports what it needs when it runs, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

PUBLISHED, FAILED, BAD_CONFIGURATION, UNDELIVERED, GOES_ON = 0, 1, 2, 4, 5
"""Exit codes: all well; a notebook failed or the data have errors; nothing could start; published,
but a message was not delivered; another run of the configuration goes on."""


def report(parsed: argparse.Namespace) -> int:
    """Run the notebooks of a configuration and publish their pages."""
    from siyu.report.config import find_config, narrow, read_config
    from siyu.report.problems import ConfigurationError

    # A scheduler that stops the run, or a terminal that is closed, must not leave kernels behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _stop)
    try:
        whole = read_config(parsed.config or find_config())
        config = narrow(
            whole,
            source=parsed.source,
            as_of=parsed.as_of,
            only=parsed.only,
            assignments=parsed.assignments,
        )
    except ConfigurationError as error:
        return _refuse(error.problems)

    from siyu.data import SourceError
    from siyu.report.location import published_name
    from siyu.report.lock import LockHeldError
    from siyu.report.progress import Progress
    from siyu.report.run import run_report

    try:
        published = run_report(
            config,
            out=parsed.out or config.root / "reports",
            at_once=parsed.jobs,
            progress=Progress(sys.stderr, total=len(config.studies)),
            # Another day is the same report: as a scheduler asks for it.
            variant=replace(config, as_of=whole.as_of) != whole,
            force=parsed.force,
        )
    except ConfigurationError as error:
        return _refuse(error.problems)
    except LockHeldError as error:
        return _give_way(error)
    except OSError as error:
        print(f"siyu: the report cannot be written: {error}", file=sys.stderr)
        return FAILED
    except SourceError as error:
        typed = parsed.source or published_name(config.source, config.root)
        lines = [str(problem).replace(config.source, typed) for problem in error.problems]
        return _refuse(
            [line if line.startswith("source ") else f"source: {line}" for line in lines]
        )
    if not published.new:
        print("siyu: nothing has changed since this run; --force runs it again", file=sys.stderr)
    for line in published.undelivered:
        print(f"siyu: the alerts were not delivered to {line}", file=sys.stderr)
    print(published.index)
    if not published.ok:
        return FAILED
    return UNDELIVERED if published.undelivered else PUBLISHED


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
    """Send a test message to each recipient of alerts."""
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
        said = phrase("alerts.test", title=config.title)
        message = Message(title=phrase("alerts.test_title"), lines=(said,))
    deliveries = deliver(message, config.recipients)
    for one in deliveries:
        print(f"{'ok' if one['ok'] else '!!'}  {one['to']}{': ' * (not one['ok'])}{one['reason']}")
    return PUBLISHED if all(one["ok"] for one in deliveries) else UNDELIVERED


def prune(parsed: argparse.Namespace) -> int:
    """Remove the runs that need not be kept, or only say which."""
    from siyu.report.config import find_config, read_config
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
    except ConfigurationError as error:
        return _refuse(error.problems)
    except LockHeldError as error:
        return _give_way(error)
    for folder in spare:
        print(folder)
    return PUBLISHED


def check(parsed: argparse.Namespace) -> int:
    """Say what is wrong or odd in the data of a source."""
    from siyu.data import check, render

    report = check(parsed.source)
    print(render(report))
    return FAILED if report.errors else PUBLISHED


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


def _give_way(error: Exception) -> int:
    print(f"siyu: another run goes on: {error}; this one is skipped", file=sys.stderr)
    return GOES_ON


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"siyu: {problem}", file=sys.stderr)
    return BAD_CONFIGURATION
