"""Which contacts by staff are studied: by when, or on which day, after a user was added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from siyu.studies.retention.definition import MOST_DAYS, RetentionError

_WITHIN = re.compile(r"(.+?) within (\d+)h")
_ON = re.compile(r"(.+?) on day (\d+)")
_DAY_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A contact in time, and the landmark at which it is known whether it was.

    Either `within_hours` is given: the event happened within so many hours of the addition, and the
    landmark is when they are over; or `on_day`: it happened on that business day after the day of
    the addition, and the landmark is the beginning of the next.
    """

    event: str
    within_hours: int | None = None
    on_day: int | None = None

    @property
    def id(self) -> str:
        """A name for ids of findings."""
        when = f"{self.within_hours}h" if self.on_day is None else f"day_{self.on_day}"
        return f"{self.event}.{when}"

    @property
    def opens_hours(self) -> int:
        """Hours after the addition before which the contact cannot be: a day's own come later."""
        return 0 if self.on_day is None else (self.on_day - 1) * _DAY_HOURS

    @property
    def deadline_hours(self) -> int:
        """Hours after the addition by which it is surely known whether the contact was in time."""
        return self.within_hours or (self.on_day or 0) * _DAY_HOURS + _DAY_HOURS

    def comes_after(self, other: Contact) -> bool:
        """Whether it is known of another contact before this one can be: it may be its reason.

        What may also come after it may be its consequence, and must not be adjusted for.
        """
        return other.deadline_hours <= self.opens_hours


def read_contacts(texts: Sequence[str]) -> list[Contact]:
    """Read contacts as they are written in parameters.

    Args:
        texts: each "<event> within <hours>h" or "<event> on day <day>", such as "greet within 1h".

    Returns:
        The contacts, in order of their deadline.

    Raises:
        RetentionError: a text is neither, a number is out of range, or two are the same.
    """
    found = [_read(text) for text in texts]
    found.sort(key=lambda contact: (contact.deadline_hours, contact.id))
    for first, second in pairwise(found):
        if first == second:
            raise RetentionError(f"contacts: {first.id!r} is there twice; name each once")
    return found


def _read(text: str) -> Contact:
    if match := _WITHIN.fullmatch(text):
        contact, most = Contact(event=match[1], within_hours=int(match[2])), _DAY_HOURS * MOST_DAYS
    elif match := _ON.fullmatch(text):
        contact, most = Contact(event=match[1], on_day=int(match[2])), MOST_DAYS
    else:
        raise RetentionError(
            f"contacts: {text!r} must be like 'greet within 1h' or 'follow_up on day 2'"
        )
    if not 1 <= int(match[2]) <= most:
        raise RetentionError(f"contacts: {text!r} must have a number from 1 to {most}")
    return contact
