"""What can be wrong with a source, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from siyu.phrases import phrase

Severity = Literal["error", "warning"]
_LONGEST = 60
"""Signs of an example: enough to find its row."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One rule that a source breaks, with the number of rows and up to five example values.

    `table` and `column` are empty where the rule is about the whole source; `rows` is 0 where rows
    do not apply.
    """

    rule: str
    severity: Severity = "error"
    table: str = ""
    column: str = ""
    rows: int = 0
    examples: tuple[str, ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        what = self.rule
        if self.rows:
            what = phrase("problem.rows", what=what, rows=self.rows)
        if self.examples:
            shown = ", ".join(map(_show, self.examples))
            what = phrase("problem.examples", what=what, examples=shown)
        if where := ".".join(part for part in (self.table, self.column) if part):
            what = phrase("problem.place", place=where, what=what)
        return phrase("problem.remedy", what=what, remedy=self.remedy) if self.remedy else what


@dataclass(frozen=True, kw_only=True)
class Report:
    """The data quality of one source: errors make it unusable, warnings are counted findings.

    `counts` are the tables that could be read, with their rows.
    """

    name: str
    problems: tuple[Problem, ...]
    counts: Mapping[str, int]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended before the source can be used."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def render(report: Report) -> str:
    """Lay a report out as text for a terminal: the tables, then errors, then warnings."""
    width = max(map(len, report.counts), default=0)
    lines = [f"source {report.name}"]
    lines += [f"  {name:<{width}}  {_rows(rows):>16}" for name, rows in report.counts.items()]
    warnings = [problem for problem in report.problems if problem.severity == "warning"]
    for title, problems in (("errors", report.errors), ("warnings", warnings)):
        lines.append(f"{title}: {len(problems) or 'none'}")
        lines += [f"  {problem}" for problem in problems]
    return "\n".join(lines)


class SourceError(ValueError):
    """A source that cannot be used as it is; `problems` holds every reason that was found."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        others = len(problems) - 1
        tail = f" (and {others} more: see `siyu check`)" if others else ""
        super().__init__(f"{problems[0]}{tail}")


def suggest(name: str, known: Iterable[str]) -> str:
    """Name the nearest known name, or else all of them, as a remedy."""
    names = sorted(map(str, known))
    if near := nearest(name, names):
        return f"did you mean {near!r}?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like a name, whatever its case; "" if none is."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else ""


def _show(example: str) -> str:
    return repr(example) if len(example) <= _LONGEST else f"{example[:_LONGEST]!r}…"


def _rows(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"
