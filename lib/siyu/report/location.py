"""Where the data of a report lie, and what of that is published: no path of this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from siyu.data.engines import is_engine

# After the two slashes a relative path may follow; "md:" is a database that lies elsewhere.
_FILE_ADDRESS = re.compile(r"((?:sqlite|duckdb)://)(?!md:|motherduck:)([^?]+)(\?.*)?")
SECRET = re.compile("pass|pwd|token|key|secret", re.IGNORECASE)
"""What is in the name of a variable, or of a part of an address, whose value is a secret."""


def locate(source: str, start: Path) -> str:
    """Make the path in a source absolute; the address of a server stays.

    Args:
        source: folder, file, or database address.
        start: where a relative path begins.
    """
    if (parts := _parts(source)) is None:
        return source
    scheme, path, query = parts
    return f"{scheme}{os.path.abspath(start / path)}{query}"


def published_name(source: str, root: Path) -> str:
    """Name a source as reports do: from the project's folder, or outside of it by its last part.

    Args:
        source: as `locate` gives it.
        root: the project's folder.
    """
    if (parts := _parts(source)) is None:
        return source
    scheme, path, query = parts
    inside = Path(path).is_relative_to(root)
    return f"{scheme}{os.path.relpath(path, root) if inside else Path(path).name}{query}"


def path_of(source: str) -> Path | None:
    """Return the path of a source, as `locate` gives it; None for the address of a server."""
    parts = _parts(source)
    return Path(parts[1]) if parts else None


def holds_secret(source: str) -> bool:
    """Say whether an address holds a password or token, before its host or in its query."""
    return bool(find_secrets_in(source))


def find_secrets_in(address: str) -> list[str]:
    """List the passwords and tokens in an address, before its host or in its query, as they stand.

    One that is named and left empty is listed too; what is no address holds none.
    """
    if "://" not in address:
        return []
    try:
        parts = urlsplit(address)
    except ValueError:
        return []
    asked = parse_qsl(parts.query, keep_blank_values=True)
    password = [parts.password] if parts.password else []
    return password + [value for name, value in asked if SECRET.search(name)]


def _parts(source: str) -> tuple[str, str, str] | None:
    """Split a source into scheme, path and query; None for the address of a server."""
    if is_engine(source):
        return None
    if "://" not in source:
        return "", source, ""
    found = _FILE_ADDRESS.fullmatch(source)
    return (found[1], found[2], found[3] or "") if found else None
