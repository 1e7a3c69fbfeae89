"""The truths of the simulated pool, as arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import yaml

from siyu.data.world.buying import Buying
from siyu.data.world.frame import Frame
from siyu.data.world.funnel import Funnel
from siyu.data.world.grouping import Grouping
from siyu.data.world.habits import Habits
from siyu.data.world.lures import Lures
from siyu.data.world.people import Arrivals
from siyu.data.world.points import Programme
from siyu.data.world.push_settings import Pushing
from siyu.data.world.referral import Referral
from siyu.data.world.rules import SettingsError
from siyu.data.world.spending import Spending
from siyu.data.world.staying import Staying
from siyu.data.world.tiering import Tiering

_LAST_DAY = date(2026, 3, 31)
_SHORTEST, _LONGEST = 90, 3650


@runtime_checkable
class _Part(Protocol):
    """The truths about one part of the pool."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        ...


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is true in one simulated pool.

    The pool is empty before the first day. In the second half of the observation the mix of
    channels and the step rates are others. Days are calendar days of Asia/Shanghai.

    Raises:
        SettingsError: naming the setting, its value, the rule and the remedy.
    """

    users: int = 12_000
    """People exposed between the first and the last day; at least 1. Friends come on top."""
    days: int = 365
    """Observed days, up to 2026-03-31."""
    seed: int = 20260331
    """Of the drawn data; 0 to 2**63 - 1. The truths do not depend on it."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    funnel: Funnel = field(default_factory=Funnel)
    lures: Lures = field(default_factory=Lures)
    staying: Staying = field(default_factory=Staying)
    habits: Habits = field(default_factory=Habits)
    pushing: Pushing = field(default_factory=Pushing)
    buying: Buying = field(default_factory=Buying)
    tiering: Tiering = field(default_factory=Tiering)
    referral: Referral = field(default_factory=Referral)
    grouping: Grouping = field(default_factory=Grouping)
    points: Programme = field(default_factory=Programme)
    spending: Spending = field(default_factory=Spending)

    @cached_property
    def frame(self) -> Frame:
        """The observed days; the second half begins on the day of the change."""
        first_day = _LAST_DAY - timedelta(days=self.days - 1)
        change_day = first_day + timedelta(days=(self.days + 1) // 2)
        return Frame(first_day=first_day, last_day=_LAST_DAY, change_day=change_day)

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise SettingsError(problem)


def with_effects(settings: Settings, effects: Iterable[str]) -> Settings:
    """Set truths by name, as typed.

    Args:
        settings: where all other truths come from.
        effects: NAME=VALUE, the name with dots: `funnel.faults.store_poster.reply=1`.

    Raises:
        SettingsError: a name or value that cannot be; it says what there is.
    """
    for effect in effects:
        name, equals, text = effect.partition("=")
        if not (name and equals):
            raise SettingsError(f"{effect!r} is no NAME=VALUE; use staying.greeting_factor=1")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        settings = _with(settings, name.split("."), value, name=name)
    return settings


def _problems(settings: Settings) -> Iterable[str]:
    if settings.users < 1:
        yield f"users = {settings.users} must be at least 1; the committed sample has 12000"
    if not 0 <= settings.seed < 2**63:
        yield f"seed = {settings.seed} must lie in [0, 2**63); use a small whole number"
    if not _SHORTEST <= settings.days <= _LONGEST:
        yield (
            f"days = {settings.days} must lie in [{_SHORTEST}, {_LONGEST}], so that there is a "
            "month before and after the change; use 365"
        )
    if not 1 <= settings.funnel.window_days <= settings.days // 4:
        yield (
            f"funnel.window_days = {settings.funnel.window_days} must be at least 1 and at most a "
            f"quarter of days = {settings.days}; use a shorter window"
        )
    for part in fields(settings):
        value = getattr(settings, part.name)
        if isinstance(value, _Part):
            yield from value.problems()


def _with(value: Any, path: list[str], new: object, *, name: str) -> Any:
    """Replace what lies at the end of a path of fields and keys."""
    there = _parts_of(value)
    if not path and not there:
        if isinstance(value, float) and type(new) is int:
            return float(new)
        if type(new) is not type(value):
            raise SettingsError(f"{name} = {new!r} must be of the kind of {value!r}; give such one")
        return new
    key = path[0] if path else ""
    if key not in there:
        names = ", ".join(there) or f"no more names: it is {value!r}"
        raise SettingsError(f"{name} names no truth; after {name.removesuffix(key)!r} use {names}")
    inner = _with(there[key], path[1:], new, name=name)
    if isinstance(value, Mapping):
        return {**value, key: inner}
    return replace(value, **{key: inner})


def _parts_of(value: Any) -> Mapping[str, Any]:
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value if isinstance(value, Mapping) else {}
