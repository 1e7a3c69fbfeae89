"""How the report run says what is wrong: all problems at once, one clear line each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ConfigurationError(ValueError):
    """A configuration, a parameter or a source with which no run may start.

    `problems` holds one line per problem: name, value, rule, remedy.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, with the nearest known name or else all of them."""
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(names) or 'none'}"
    return f"unknown {what} {name!r}; {remedy}"
