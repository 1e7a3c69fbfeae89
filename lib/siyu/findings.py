"""Findings: the numbers a study stands by, in a form that machines, alerts and later runs read."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from siyu.phrases import phrase

SCHEMA = 1
PACKAGES = (
    "siyu",
    "duckdb",
    "ibis-framework",
    "matplotlib",
    "numpy",
    "pandas",
    "papermill",
    "pyarrow",
    "scipy",
    "statsmodels",
)
"""What makes the numbers and the pages."""
Unit = Literal["share", "ratio", "count", "cny", "days", "hours", "users"]
Status = Literal["ok", "alert", "watch", "info", "insufficient"]
Evidence = Literal["randomised", "adjusted", "descriptive"]
Direction = Literal["above", "below"]

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
"""How a text begins that a spreadsheet would compute."""
UNITS = ("share", "ratio", "count", "cny", "days", "hours", "users")
STATUSES = ("ok", "alert", "watch", "info", "insufficient")
EVIDENCE = ("randomised", "adjusted", "descriptive")
DIRECTIONS = ("above", "below")
_NUMBERS = ("value", "ci_lower", "ci_upper", "level", "threshold", "worth_cny", "n")


class FindingsError(ValueError):
    """A findings file, or a finding, that breaks the output contract."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number with its interval, its denominator and what to do about it.

    `id` is stable between runs and languages. `value`, `ci_lower` and `ci_upper` are in `unit` and
    may be None (not infinite, not NaN) where the data do not allow them; `direction` is the good
    side of `threshold`. `headline` names a number that the study stands for and that is followed
    from run to run, in the reader's language; it is "" for all others.
    """

    id: str
    metric: str
    value: float | None
    unit: Unit
    n: int
    message: str
    method: str
    ci_lower: float | None = None
    ci_upper: float | None = None
    level: float = 0.95
    status: Status = "info"
    segment: Mapping[str, str] = field(default_factory=dict)
    threshold: float | None = None
    direction: Direction | None = None
    action: str = ""
    evidence: Evidence = "descriptive"
    worth_cny: float | None = None
    headline: str = ""

    def __post_init__(self) -> None:
        for problem in _problems(asdict(self)):
            raise FindingsError(f"finding {self.id!r}: {problem}")


def insufficient(
    name: str,
    reason: str,
    *,
    metric: str,
    n: int,
    unit: Unit = "share",
    segment: Mapping[str, str] | None = None,
    action: str = "",
    evidence: Evidence = "descriptive",
) -> Finding:
    """Give a finding that has no value, and says why."""
    return Finding(
        id=name,
        metric=metric,
        value=None,
        unit=unit,
        n=n,
        status="insufficient",
        message=reason,
        method=phrase("finding.refused"),
        segment=segment or {},
        action=action,
        evidence=evidence,
    )


def status_of(
    *,
    ci_lower: float,
    ci_upper: float,
    threshold: float | None,
    direction: Direction,
) -> Status:
    """Say on which side of a threshold a whole interval lies.

    Args:
        ci_lower: lower end of the interval.
        ci_upper: upper end of the interval.
        threshold: the limit, in the unit of the interval; None where there is none.
        direction: the good side: "above" (a rate that should be high) or "below".

    Returns:
        "info" without a threshold, "alert" when the whole interval is on the wrong side, "ok" when
        it is on the good side, "watch" when it straddles the threshold.
    """
    if threshold is None:
        return "info"
    good, bad = ci_lower >= threshold, ci_upper < threshold
    if direction == "below":
        good, bad = ci_upper <= threshold, ci_lower > threshold
    return "ok" if good else "alert" if bad else "watch"


def to_json(
    found: Iterable[Finding],
    *,
    notebook: str,
    as_of: str,
    source: str,
    parameters: Mapping[str, object],
) -> dict[str, Any]:
    """Lay findings out as the `findings.json` document of the output contract, and check it.

    Raises:
        FindingsError: two findings share an id, or a value is not JSON (NaN, infinity).
    """
    document = {
        "schema": SCHEMA,
        "notebook": notebook,
        "as_of": as_of,
        "source": source,
        "parameters": dict(parameters),
        "findings": [asdict(finding) for finding in found],
    }
    check(document)
    return document


def save(
    found: Iterable[Finding],
    tables: Mapping[str, pd.DataFrame],
    *,
    output_dir: str,
    notebook: str,
    as_of: str,
    source: str,
    parameters: Mapping[str, object],
) -> None:
    """Write `findings.json` and `tables/<name>.csv`, or nothing at all where no folder is given.

    Args:
        found: the findings of one notebook.
        tables: what each figure shows, by name.
        output_dir: an existing folder; "" when the notebook is run by hand.
        notebook: its name.
        as_of: the last day counted, ISO.
        source: the name of the source (no path).
        parameters: what the study was asked.

    Raises:
        FindingsError: the findings break the output contract.
    """
    if not output_dir:
        return
    folder = Path(output_dir)
    (folder / "tables").mkdir(exist_ok=True)
    for name, table in tables.items():
        if len(table.columns):  # what was never computed would be a file of one empty line
            text = to_csv(table)
            (folder / "tables" / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    document = to_json(found, notebook=notebook, as_of=as_of, source=source, parameters=parameters)
    write(folder / "findings.json", document)


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV in which no text from the data acts as a formula of a spreadsheet.

    Such a text gets an apostrophe before it; a number, and a text that is one, stays.

    Source: OWASP, CSV Injection.
    """
    tame = table.copy()
    for place, dtype in enumerate(table.dtypes):
        if dtype == "object" or isinstance(dtype, pd.StringDtype | pd.CategoricalDtype):
            values = [_tame(value) for value in table.iloc[:, place]]
            tame.isetitem(place, pd.Series(values, dtype="object").array)
    return str(tame.to_csv(index=False))


def _tame(value: object) -> object:
    if not isinstance(value, str) or not _FORMULA.match(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def to_table(found: Iterable[Finding]) -> pd.DataFrame:
    """Lay findings out to be read: one row per finding."""
    shown = ("id", "value", "ci_lower", "ci_upper", "unit", "n", "status", "message")
    rows = [{name: getattr(finding, name) for name in shown} for finding in found]
    # Not `n`, which in all other tables counts users: of these, some count pushes or orders.
    return pd.DataFrame(rows, columns=list(shown)).rename(columns={"n": "sample_size"})


def versions() -> pd.DataFrame:
    """Name the packages that made the numbers, with their versions: one row per package."""
    rows = [{"package": name, "version": metadata.version(name)} for name in PACKAGES]
    return pd.DataFrame(rows)


def write(path: Path, document: object) -> None:
    """Write a JSON document whole or not at all, the way all of a report's are written."""
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    staged = path.with_name(path.name + ".part")
    staged.write_text(text, encoding="utf-8")
    os.replace(staged, path)


def read(path: Path) -> dict[str, Any]:
    """Read and check a findings document.

    Raises:
        FindingsError: the file is missing, no JSON, or breaks the output contract.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FindingsError(f"{path.name}: cannot be read: {error}") from error
    check(document)
    return dict(document)


def check(document: Mapping[str, Any]) -> None:
    """Check a findings document against the output contract.

    Raises:
        FindingsError: naming the finding and the rule.
    """
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise FindingsError(f"findings document: schema must be {SCHEMA}")
    for name in ("notebook", "as_of", "source", "parameters", "findings"):
        if name not in document:
            raise FindingsError(f"findings document: {name!r} is missing")
    if not isinstance(document["findings"], list):
        raise FindingsError("findings document: findings must be a list")
    seen: set[str] = set()
    for position, finding in enumerate(document["findings"], start=1):
        if not isinstance(finding, Mapping):
            raise FindingsError(f"finding {position}: must be a mapping, not {finding!r}")
        for problem in _problems(finding):
            raise FindingsError(f"finding {finding.get('id', position)!r}: {problem}")
        if finding["id"] in seen:
            raise FindingsError(f"finding {finding['id']!r}: the id is used twice")
        seen.add(finding["id"])


def _problems(finding: Mapping[str, Any]) -> Iterable[str]:
    missing = [name for name in Finding.__dataclass_fields__ if name not in finding]
    if missing:
        yield f"{', '.join(missing)} missing"
    elif wrong := [name for name in _NUMBERS if not _is_number(finding[name])]:
        yield from (
            f"{name} = {finding[name]!r} is not a finite number; use null" for name in wrong
        )
    else:
        yield from _wrong_words(finding)
        yield from _wrong_numbers(finding)
        yield from _wrong_verdict(finding)


def _wrong_words(finding: Mapping[str, Any]) -> Iterable[str]:
    for name in ("id", "message"):
        if not isinstance(finding[name], str) or not finding[name]:
            yield f"{name} = {finding[name]!r} must be a text that is not empty"
    for name, allowed in (("unit", UNITS), ("status", STATUSES), ("evidence", EVIDENCE)):
        if finding[name] not in allowed:
            yield f"{name} = {finding[name]!r} must be one of {', '.join(allowed)}"


def _wrong_numbers(finding: Mapping[str, Any]) -> Iterable[str]:
    n, level = finding["n"], finding["level"]
    if not isinstance(n, int) or n < 0:
        yield f"n = {n!r} must be a whole number of at least 0"
    if level is None or not 0 < level < 1:
        yield f"level = {level!r} must be in (0, 1); 0.95 is 95%"
    lower, upper = finding["ci_lower"], finding["ci_upper"]
    if lower is not None and upper is not None and lower > upper:
        yield f"ci_lower {lower} is above ci_upper {upper}"


def _wrong_verdict(finding: Mapping[str, Any]) -> Iterable[str]:
    status, direction = finding["status"], finding["direction"]
    if finding["value"] is None and status != "insufficient":
        yield "value may be null only where status is insufficient"
    if direction is not None and direction not in DIRECTIONS:
        yield f"direction = {direction!r} must be one of {', '.join(DIRECTIONS)}, or null"
    elif status in ("ok", "alert", "watch") and (finding["threshold"] is None or not direction):
        yield f"status = {status} needs a threshold and its direction; without them it is info"


def _is_number(number: object) -> bool:
    """Whether a number may stand in JSON: it is finite, or null."""
    # In Python True is an int; and the numbers of NumPy are no JSON.
    if isinstance(number, bool) or not isinstance(number, int | float | None):
        return False
    return number is None or math.isfinite(number)
