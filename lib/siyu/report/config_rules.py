"""What a configuration may hold: its keys, their kinds and ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from siyu.language import LANGUAGES
from siyu.report.parameters import is_iso_date
from siyu.report.problems import unknown
from siyu.report.senders import SENDERS

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOLDER_NAME = re.compile(r"[\w-]+")
_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "title": (str, dict),
    "source": str,
    "as_of": str,
    "language": str,
    "cell_timeout_seconds": (int, float),
    "run_timeout_seconds": (int, float),
    "memory_limit_mb": (int, float),
    "keep": int,
    "every_days": (int, float),
    "gate": dict,
    "notify": list,
    "link": str,
    "parameters": dict,
    "notebooks": list,
}
_ENTRY_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "notebook": str,
    "suffix": str,
    "parameters": dict,
    "matrix": dict,
}
_GATE_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "max_age_days": int,
    "fewest_rows": (int, float),
}
_NOTIFY_KEYS: Mapping[str, type] = {"to": str, "address": str}


def find_problems(document: Any) -> Iterator[str]:
    """Yield each broken rule of a configuration, as it was read, as one line."""
    if not isinstance(document, dict):
        yield "must be a mapping with title, source and notebooks"
        return
    yield from _wrong_keys(document, _KEYS, required=("title", "source", "notebooks"))
    if not _FOLDER_NAME.fullmatch(str(document.get("name", "weekly"))):
        yield _no_folder("name", document)
    if document.get("language", "en") not in LANGUAGES:
        yield f"language = {document['language']!r} must be one of {', '.join(LANGUAGES)}"
    title = document.get("title")
    if isinstance(title, dict) and (
        set(title) != set(LANGUAGES) or not all(isinstance(one, str) for one in title.values())
    ):
        yield f"title = {title!r} must be a text, or one for each of {', '.join(LANGUAGES)}"
    if (as_of := document.get("as_of", "")) and not is_iso_date(str(as_of)):
        yield f"as_of = {as_of!r} must be an ISO date such as 2026-03-31"
    yield from _not_above_zero(document)
    yield from _gate_problems(document.get("gate", {}))
    yield from _notify_problems(document.get("notify", []))
    notebooks = document.get("notebooks")
    if notebooks == []:
        yield "notebooks must list at least one notebook"
    for number, entry in enumerate(notebooks if isinstance(notebooks, list) else [], start=1):
        if not isinstance(entry, dict):
            yield f"notebooks, entry {number}: must be a mapping such as {{notebook: NAME}}"
            continue
        for problem in _wrong_keys(entry, _ENTRY_KEYS, required=("notebook",)):
            yield f"notebooks, entry {number}: {problem}"
        if not _FOLDER_NAME.fullmatch(str(entry.get("suffix", "first"))):
            yield f"notebooks, entry {number}: {_no_folder('suffix', entry)}"
        for name, values in _items(entry.get("matrix")):
            if not isinstance(values, list) or not values:
                rule = "must list the values it takes, such as [[channel], [lure]]"
                yield f"notebooks, entry {number}: matrix: {name} = {values!r} {rule}"


def _gate_problems(block: Any) -> Iterator[str]:
    if isinstance(block, dict):
        for problem in (*_wrong_keys(block, _GATE_KEYS, required=()), *_not_above_zero(block)):
            yield f"gate: {problem}"
        share = block.get("fewest_rows", 1)
        if isinstance(share, int | float) and share > 1:
            yield f"gate: fewest_rows = {share} must be in (0, 1]: a share of what comes as a rule"


def _not_above_zero(block: Mapping[str, object]) -> Iterator[str]:
    for name, value in block.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
            yield f"{name} = {value} must be above 0"


def _items(block: Any) -> Iterator[tuple[str, Any]]:
    yield from block.items() if isinstance(block, dict) else ()


def _notify_problems(entries: Any) -> Iterator[str]:
    for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
        where = f"notify, entry {number}"
        if not isinstance(entry, dict):
            yield f"{where}: must be a mapping such as {{to: wecom, address: SIYU_WECOM}}"
            continue
        for problem in _wrong_keys(entry, _NOTIFY_KEYS, required=tuple(_NOTIFY_KEYS)):
            yield f"{where}: {problem}"
        if entry.get("to") not in SENDERS:
            yield f"{where}: {unknown('sender', str(entry.get('to')), SENDERS)}"
        if not _VARIABLE.fullmatch(str(entry.get("address", ""))):
            # The address is a secret: it is not repeated here.
            yield f"{where}: address must name an environment variable, such as SIYU_WECOM"


def _no_folder(key: str, block: Mapping[str, object]) -> str:
    return f"{key} = {block[key]!r} must be letters, digits, _ and -: it names a folder"


def _wrong_keys(
    block: Mapping[str, object],
    keys: Mapping[str, type | tuple[type, ...]],
    *,
    required: Sequence[str],
) -> Iterator[str]:
    for name, value in block.items():
        if name not in keys:
            yield unknown("key", str(name), keys)
        elif not isinstance(value, keys[name]) or isinstance(value, bool):
            yield f"{name} = {value!r} has the wrong type"
    for name in required:
        if name not in block:
            yield f"{name!r} is missing"
