"""The command line: `siyu COMMAND`, as `siyu --help` lists them.

Each command imports what it needs when it runs, so that help and errors come at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from siyu import __version__
from siyu.language import LANGUAGES

PUBLISHED, FAILED, BAD_CONFIGURATION, UNDELIVERED, GOES_ON = 0, 1, 2, 4, 5
"""Exit codes: all well; a notebook failed or the data have errors; nothing could start; published,
but a message was not delivered; another run of the configuration goes on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: the words after `siyu`; None takes them from the process.
    """
    parsed = _parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("siyu: stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader, such as `head`, has gone: what is left in the buffer must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="siyu", description="Growth analytics for private-domain traffic."
    )
    parser.add_argument("--version", action="version", version=f"siyu {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_report(commands.add_parser("report", help="run the notebooks and publish their pages"))
    _add_check(commands.add_parser("check", help="check the data of a source"))
    _add_status(commands.add_parser("status", help="see whether the report still comes"))
    _add_prune(commands.add_parser("prune", help="remove the runs that need not be kept"))
    _add_notify(commands.add_parser("notify", help="try where the alerts go"))
    _add_doctor(commands.add_parser("doctor", help="see whether this machine can run reports"))
    _add_translate(
        commands.add_parser("translate", help="copy the notebooks in another language, to explore")
    )
    _add_sample(commands.add_parser("sample", help="write a simulated pool with known truths"))
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_report)
    _add_config(parser)
    parser.add_argument("--source", help="folder, file or database URL instead of the configured")
    parser.add_argument("--as-of", metavar="DATE", help="last complete day, such as 2026-03-31")
    parser.add_argument("--only", metavar="NOTEBOOK", help="run this one notebook")
    parser.add_argument(
        "-p",
        dest="assignments",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a parameter of every notebook that has it; may be repeated",
    )
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")
    parser.add_argument(
        "--jobs", type=_positive, default=2, help="notebooks side by side (default: 2)"
    )
    parser.add_argument(
        "--force", action="store_true", help="run though nothing has changed since the last success"
    )


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_status)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")
    parser.add_argument(
        "--check", action="store_true", help="end with exit code 1 when the report is overdue"
    )


def _add_notify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_notify)
    _add_config(parser)
    parser.add_argument(
        "--test", action="store_true", required=True, help="send a test message to each recipient"
    )


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_prune)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")
    parser.add_argument("--keep", type=_positive, help="runs of each kind (default: as configured)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_check)
    parser.add_argument("source", help="folder, file or database URL")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_doctor)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")


def _add_translate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_translate)
    parser.add_argument("language", choices=LANGUAGES, help="of the copies")
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder (default: .cache/notebooks-LANGUAGE)")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", nargs="?", type=Path, help="configuration (default: notebooks/weekly.yaml)"
    )


def _add_sample(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_sample)
    parser.add_argument("--users", type=_positive, help="people exposed (default: 12000)")
    parser.add_argument(
        "--days", type=_positive, help="observed days up to 2026-03-31 (default: 365)"
    )
    parser.add_argument("--seed", type=int, help="seed of the random numbers")
    parser.add_argument(
        "--effect",
        dest="effects",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a truth, as truth.json names it: staying.greeting_factor=1; may be repeated",
    )
    parser.add_argument(
        "--dirty", action="store_true", help="plant every defect that `siyu check` must find"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("data/sample"), help="folder (default: data/sample)"
    )


def _report(parsed: argparse.Namespace) -> int:
    from siyu.report.config import find_config, narrow, read_config
    from siyu.report.problems import ConfigurationError

    # A scheduler that stops the run, or a terminal that is closed, must not leave kernels behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, signal.default_int_handler)
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


def _status(parsed: argparse.Namespace) -> int:
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


def _notify(parsed: argparse.Namespace) -> int:
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


def _prune(parsed: argparse.Namespace) -> int:
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


def _check(parsed: argparse.Namespace) -> int:
    from siyu.data import check, render

    report = check(parsed.source)
    print(render(report))
    return FAILED if report.errors else PUBLISHED


def _doctor(parsed: argparse.Namespace) -> int:
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


def _translate(parsed: argparse.Namespace) -> int:
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


def _sample(parsed: argparse.Namespace) -> int:
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


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return number


def _give_way(error: Exception) -> int:
    print(f"siyu: another run goes on: {error}; this one is skipped", file=sys.stderr)
    return GOES_ON


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"siyu: {problem}", file=sys.stderr)
    return BAD_CONFIGURATION
