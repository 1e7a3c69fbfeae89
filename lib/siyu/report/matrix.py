"""A matrix of parameter sets: one notebook run once for each way to combine the listed values."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_NO_FOLDER = re.compile(r"[^\w-]+")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One combination: its `parameters`, the `suffix` of its folder, and its `label` on a page."""

    parameters: Mapping[str, object]
    suffix: str
    label: str


def expand(matrix: Mapping[str, Sequence[object]]) -> Iterator[Point]:
    """Yield every combination, the last parameter changing fastest; one empty point for no matrix.

    Args:
        matrix: per parameter, the values it takes.
    """
    for values in itertools.product(*matrix.values()):
        point = dict(zip(matrix, values, strict=True))
        yield Point(
            parameters=point,
            suffix="_".join(f"{name}-{_slug(value)}" for name, value in point.items()),
            label=", ".join(f"{name} = {_written(value)}" for name, value in point.items()),
        )


def _slug(value: object) -> str:
    words = value if isinstance(value, list) else [value]
    text = "-".join("none" if one is None else str(one) for one in words)
    return _NO_FOLDER.sub("_", text) or "none"


def _written(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
