"""The parameters cell of a notebook: what may be set, of which type, within which range.

The cell is read, never run: each line is an annotated literal, with a comment that may open with a
range, `[1, 365] days` or `{best, first}`. An interval is kept by numbers, also those within a list
or a dictionary; of a list that holds no numbers it is the length: `[2, 12] steps`.
"""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from siyu.report.problems import ConfigurationError, unknown

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_INTERVAL = re.compile(rf"([\[(])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([\])])")
_CHOICES = re.compile(r"\{([^{}]*)\}")
_SIMPLE: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of the parameters cell, whose comment may open with a range.

    `line` is the one in which it ends, counted from 1.
    """

    name: str
    annotation: str
    default: object
    comment: str
    line: int = 1

    @property
    def bounds(self) -> str:
        """The range with which the comment opens, as it is written there; "" if there is none."""
        found = _INTERVAL.match(self.comment) or _CHOICES.match(self.comment)
        return found[0] if found else ""

    @property
    def meaning(self) -> str:
        """What the comment says behind the range."""
        return self.comment.removeprefix(self.bounds).strip()

    @property
    def _type(self) -> ast.expr:
        return ast.parse(self.annotation, mode="eval").body

    def parse(self, text: str) -> object:
        """Read a value typed on the command line as this parameter's type.

        Args:
            text: the value as typed. Text stays as it is ("00123", "no"); "null" is None where
                None is allowed; a list is JSON or separated by commas; a dictionary is JSON.

        Raises:
            ValueError: the text is not of the type.
        """
        try:
            return _parse(text, self._type)
        except ValueError:
            remedy = "; write true or false" if self.annotation == "bool" else ""
            rule = f"is not of type {self.annotation}{remedy}"
            raise ValueError(f"{self.name} = {text!r} {rule}") from None

    def problem_with(self, value: object) -> str | None:
        """Say which rule a value breaks: type, range, form of a date; None when it may be used."""
        if not _fits(value, self._type):
            # An unquoted 00123, 12:30:00 or no in YAML is no longer what was typed.
            remedy = (
                "; quote it" if "str" in self.annotation and not isinstance(value, list) else ""
            )
            return f"{self.name} = {value!r} must be of type {self.annotation}{remedy}"
        if self.name == "as_of" and value and not is_iso_date(str(value)):
            return f"as_of = {value!r} must be an ISO date such as 2026-03-31"
        if isinstance(value, list) and not re.search(r"\b(int|float)\b", self.annotation):
            given = f"{self.name} = {value!r}: its length {len(value)}"
            if problem := self._beyond(len(value), given):
                return problem
        return next((found for leaf in _leaves(value) if (found := self._outside(leaf))), None)

    def _outside(self, value: object) -> str | None:
        if choices := _CHOICES.match(self.comment):
            allowed = [choice.strip() for choice in choices[1].split(",")]
            if value is not None and str(value) not in allowed:
                return f"{self.name} = {value!r} must be one of {', '.join(allowed)}"
        if isinstance(value, int | float):
            return self._beyond(value, f"{self.name} = {value!r}")
        return None

    def _beyond(self, number: float, given: str) -> str | None:
        if interval := _INTERVAL.match(self.comment):
            opening, lower, upper, closing = interval.groups()
            above = number >= float(lower) if opening == "[" else number > float(lower)
            below = number <= float(upper) if closing == "]" else number < float(upper)
            if not (above and below):
                return f"{given} must be in {interval[0]}"
        return None


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters cell of a notebook: its first code cell, tagged `parameters`.

    Raises:
        ConfigurationError: no such notebook or cell, a line that is no annotated literal, or a
            default that breaks its own type or range.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError([f"{notebook.name}: is no readable notebook: {error}"]) from error
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if not code or "parameters" not in code[0]["metadata"].get("tags", []):
        rule = "the first code cell must be tagged 'parameters'"
        raise ConfigurationError([f"{notebook.name}: {rule}"])
    try:
        found = {one.name: one for one in _declared("".join(code[0]["source"]))}
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError([f"{notebook.name}: parameters cell: {error}"]) from error
    problems = [problem for one in found.values() if (problem := one.problem_with(one.default))]
    if problems:
        raise ConfigurationError([f"{notebook.name}: default {problem}" for problem in problems])
    return found


def check_values(
    values: Mapping[str, object], declared: Mapping[str, Parameter], *, where: str
) -> Iterator[str]:
    """Yield one line for each given value that is unknown, of the wrong type or out of range.

    Args:
        values: the given values by parameter name.
        declared: what the notebook declares.
        where: the notebook's name, put before each line.
    """
    for name, value in values.items():
        if name not in declared:
            yield f"{where}: {unknown('parameter', name, declared)}"
        elif problem := declared[name].problem_with(value):
            yield f"{where}: {problem}"


def is_iso_date(text: str) -> bool:
    """Say whether a text is a calendar day written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _declared(source: str) -> Iterator[Parameter]:
    statements = ast.parse(source).body
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for statement in statements:
        match statement:
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value
            ):
                yield Parameter(
                    name=name,
                    annotation=_known_type(annotation),
                    default=ast.literal_eval(value),
                    comment=comments.get(statement.end_lineno or 0, ""),
                    line=statement.end_lineno or 1,
                )
            case _:
                line = ast.unparse(statement)
                raise ValueError(f"{line!r} must be an annotated literal: name: type = value")


def _known_type(annotation: ast.expr) -> str:
    match annotation:
        case ast.Name(id=name) if name in _SIMPLE:
            pass
        case ast.Constant(value=None):
            pass
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            _known_type(left), _known_type(right)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            _known_type(item)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            _known_type(key), _known_type(item)
        case _:
            raise ValueError(f"type {ast.unparse(annotation)} is not known")
    return ast.unparse(annotation)


def _members(kind: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of a union, None first: "null" is None even where text is allowed too."""
    if isinstance(kind, ast.BinOp):
        members = [*_members(kind.left), *_members(kind.right)]
        yield from sorted(members, key=lambda member: not isinstance(member, ast.Constant))
    else:
        yield kind


def _fits(value: object, kind: ast.expr) -> bool:
    match kind:
        case ast.BinOp():
            return any(_fits(value, member) for member in _members(kind))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return isinstance(value, list) and all(_fits(one, item) for one in value)
        case ast.Subscript(slice=ast.Tuple(elts=[key, item])):
            return isinstance(value, dict) and all(
                _fits(name, key) and _fits(one, item) for name, one in value.items()
            )
        case ast.Name(id=name):
            # In Python True is an int, and NaN a float: neither is meant by one.
            right_kind = isinstance(value, _SIMPLE[name]) and isinstance(value, bool) == (
                name == "bool"
            )
            return right_kind and not (isinstance(value, float) and not math.isfinite(value))
    return value is None


def _parse(text: str, kind: ast.expr) -> object:
    for member in _members(kind):
        with suppress(ValueError):
            return _parse_member(text, member)
    raise ValueError(text)


def _parse_member(text: str, kind: ast.expr) -> object:
    match kind:
        case ast.Name(id="str"):
            return text
        case ast.Name(id="int"):
            return int(text)
        case ast.Name(id="float"):
            return float(text)
        case ast.Subscript(value=ast.Name(id="list"), slice=item) if not text.startswith("["):
            return [_parse(part.strip(), item) for part in text.split(",")] if text else []
    value = json.loads(text)
    if not _fits(value, kind):
        raise ValueError(text)
    return value


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value
