"""The secrets that a run knows, by their values: they are in nothing that it publishes or logs."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from urllib.parse import unquote

from siyu.report.location import SECRET, find_secrets_in
from siyu.report.senders import Recipient

_STANDS_FOR_IT = "<secret>"
_SHORTEST = 6
"""What is shorter stands in too many words; it is no secret that keeps anything."""


def find_secrets(recipients: Sequence[Recipient]) -> list[tuple[str, str]]:
    """List the secrets of the environment, each with what stands for it, the longest first.

    Those are the addresses of the recipients, what is called a password, token, key or secret, and
    every address that holds one; and of addresses also the part that makes them secret.

    Args:
        recipients: of alerts; their addresses lie in the environment.
    """
    asked = {one.variable for one in recipients}
    found: set[str] = set()
    for name, value in os.environ.items():
        inner = find_secrets_in(value)
        # A path is no secret: PWD is a folder.
        if name in asked or inner or (SECRET.search(name) and not value.startswith("/")):
            found |= {value, *inner, *map(unquote, inner)}
        if name in asked and "://" in value:
            # The key of some robots is the end of the path.
            found.add(value.partition("?")[0].rpartition("/")[2])
    # As it stands, as an error quotes it, and as a table shows it.
    forms = {
        form
        for one in found
        for form in (one, repr(one)[1:-1], html.escape(one), html.escape(one, quote=False))
    }
    long = sorted((one for one in forms if len(one) >= _SHORTEST), key=len, reverse=True)
    return [(one, _STANDS_FOR_IT) for one in long]
