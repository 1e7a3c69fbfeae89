"""YAML in which what is typed is what arrives: no 12:30:00 read as 45000, no `no` read as False."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml


class _PlainLoader(yaml.SafeLoader):
    """The JSON-like part of YAML 1.2: null, true, false, numbers; everything else stays text.

    Dates, clock times, yes and no, and whole numbers that would be written otherwise (010, +5)
    are text, and a key given twice is an error instead of a silent override.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way to declare them

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"{twice[0]!r} is given twice in the block of line {line}")
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"0|-?[1-9][0-9]*", list("-0123456789")),
    ("float", r"[-+]?(0|[1-9][0-9]*)(?=[.eE])(\.[0-9]*)?([eE][-+]?[0-9]+)?", list("-+0123456789")),
):
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


def load(text: str) -> Any:
    """Read a YAML document.

    Raises:
        yaml.YAMLError: the text is no YAML, or gives a key twice.
    """
    return yaml.load(text, Loader=_PlainLoader)
