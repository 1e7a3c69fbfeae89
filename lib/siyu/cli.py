"""The command line: `siyu COMMAND`, as `siyu --help` lists them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from siyu import __version__, commands
from siyu.language import LANGUAGES


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
    except OSError as error:
        # Nothing more can be read or written there, and what is in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"siyu: {error}", file=sys.stderr)
        return commands.FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="siyu", description="Growth analytics for private-domain traffic."
    )
    parser.add_argument("--version", action="version", version=f"siyu {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_report(commands.add_parser("report", help="run the notebooks and publish their pages"))
    _add_check(commands.add_parser("check", help="check the data of a source"))
    _add_prepare(
        commands.add_parser(
            "prepare",
            help="lay a source out for fast questions",
            description=(
                "Lay a file source out once, so that whoever opens it next reads and checks "
                "nothing. It is laid out again when its files have changed. Layouts lie in "
                "$SIYU_CACHE, or else siyu in the user's cache folder, up to $SIYU_CACHE_GB (20) "
                "gigabytes; those unused for longest go first. With SIYU_PREPARE=1 in the "
                "environment, the first use lays a source out."
            ),
        )
    )
    _add_status(commands.add_parser("status", help="see whether the report still comes"))
    _add_prune(commands.add_parser("prune", help="remove the runs that need not be kept"))
    _add_notify(
        commands.add_parser("notify", help="try where the alerts go, or tell of a failed run")
    )
    _add_doctor(commands.add_parser("doctor", help="see whether this machine can run reports"))
    _add_translate(
        commands.add_parser("translate", help="copy the notebooks in another language, to explore")
    )
    _add_sample(commands.add_parser("sample", help="write a simulated pool with known truths"))
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.report)
    _add_config(parser)
    parser.add_argument("--source", help="folder, file or database URL instead of the configured")
    days = parser.add_mutually_exclusive_group()
    days.add_argument("--as-of", metavar="DATE", help="last complete day, such as 2026-03-31")
    days.add_argument(
        "--backfill",
        type=_span,
        metavar="FROM..TO",
        help="one run after the other, from this day to that, every_days apart; tells nobody",
    )
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
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--force", action="store_true", help="run though nothing has changed since the last success"
    )
    again.add_argument(
        "--rerun-failed",
        action="store_true",
        help="repeat the last run where it failed; what went well is taken over from it",
    )
    parser.add_argument(
        "--no-gate", action="store_true", help="run though the data are old or rows are missing"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be run, told and removed"
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="lines for people, or an object per event (default: text)",
    )


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.status)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")
    parser.add_argument(
        "--check", action="store_true", help="end with exit code 1 when the report is overdue"
    )


def _add_notify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.notify)
    _add_config(parser)
    messages = parser.add_mutually_exclusive_group(required=True)
    messages.add_argument(
        "--test", action="store_true", help="send a test message to each recipient"
    )
    messages.add_argument(
        "--failed", metavar="RUN", help="tell each recipient that this scheduled run has failed"
    )


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.prune)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")
    parser.add_argument("--keep", type=_positive, help="runs of each kind (default: as configured)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.check)
    parser.add_argument("source", help="folder, file or database URL")


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.prepare)
    parser.add_argument("source", help="folder, file or workbook")
    parser.add_argument(
        "--timezone",
        default="",
        help="as notebooks will be asked for it (default: as the source declares)",
    )


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.doctor)
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder of all reports (default: reports)")


def _add_translate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.translate)
    parser.add_argument("language", choices=LANGUAGES, help="of the copies")
    _add_config(parser)
    parser.add_argument("--out", type=Path, help="folder (default: .cache/notebooks-LANGUAGE)")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", nargs="?", type=Path, help="configuration (default: notebooks/weekly.yaml)"
    )


def _add_sample(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.sample)
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


def _span(text: str) -> tuple[str, str]:
    first, _, last = text.partition("..")
    days = []
    for day in (first, last):
        try:
            days.append(date.fromisoformat(day))
        except ValueError:
            rule = "must be two days such as 2026-01-04..2026-03-31"
            raise argparse.ArgumentTypeError(f"{text!r} {rule}") from None
    if days[0] > days[1]:
        raise argparse.ArgumentTypeError(f"{text!r} must not end before it begins")
    return days[0].isoformat(), days[1].isoformat()


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return number
