"""The truths about chat groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from siyu.data.contract import CHANNELS
from siyu.data.world.rules import each_outside, outside, unlike

KINDS = ("福利群", "会员群", "秒杀群")
FLASH = KINDS.index("秒杀群")
"""The kind that is opened for some days only."""


def _joins() -> Mapping[str, Mapping[str, float]]:
    rows = ((0.50, 0.42, 0.62, 0.26), (0.20, 0.18, 0.24, 0.08), (0.26, 0.22, 0.20, 0.12))
    return {
        kind: dict(zip(CHANNELS, row, strict=True)) for kind, row in zip(KINDS, rows, strict=True)
    }


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The truths about groups."""

    joins: Mapping[str, Mapping[str, float]] = field(default_factory=_joins)
    """Share of the members of each channel who join a group of each kind if they stay."""
    delay_days: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(KINDS, (3.0, 45.0, 20.0), strict=True))
    )
    """Mean days from the addition to joining (秒杀群: to waiting for the next one); above 0.

    Those who join on the day of the addition do so soon; the others at the hours of the day.
    """
    capacity: int = 200
    """People who join a group before the next one is opened; at least 1."""
    flash_every_days: int = 21
    """Days from one opening of 秒杀群 to the next; at least 1."""
    flash_open_days: int = 6
    """Days after which a 秒杀群 is closed; at least 3."""
    leave_per_day: float = 0.0025
    """Hazard per day of leaving a group, before its first ad."""
    ads_factor: float = 2.5
    """What the first ad in a group makes of that hazard, from then on; above 0."""
    lurkers: float = 0.62
    """Share of the stays in which the person never writes, however long it lasts."""
    messages_per_day: float = 0.35
    """Mean messages per day of the others; 0 or more."""
    messages_shape: float = 0.4
    """Shape of the gamma distribution of their rates; small means a heavy tail; above 0."""
    advertisers: float = 0.005
    """Share of members who post nothing but ads in their groups."""
    ads_per_day: float = 0.7
    """Ads per day of an advertiser; 0 or more."""
    removed_after_days: float = 14.0
    """Mean days until an advertiser is moved out; above 0."""
    dead: float = 0.25
    """Share of the lasting groups that fall silent for good."""
    dead_days: tuple[float, float] = (30.0, 120.0)
    """From and until how many days after its opening such a group falls silent; above 0."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from unlike("grouping.joins", self.joins, KINDS)
        for kind, shares in self.joins.items():
            yield from each_outside(f"grouping.joins.{kind}", shares, CHANNELS, most=1)
        yield from each_outside("grouping.delay_days", self.delay_days, KINDS, above=0)
        for name in ("lurkers", "advertisers", "dead"):
            yield from outside(f"grouping.{name}", getattr(self, name), most=1)
        for name in ("leave_per_day", "messages_per_day", "ads_per_day"):
            yield from outside(f"grouping.{name}", getattr(self, name))
        for name in ("ads_factor", "messages_shape", "removed_after_days"):
            yield from outside(f"grouping.{name}", getattr(self, name), above=0)
        for name, least in (("capacity", 1), ("flash_every_days", 1), ("flash_open_days", 3)):
            if getattr(self, name) < least:
                yield f"grouping.{name} = {getattr(self, name)} must be at least {least}; give more"
        if not 0 < self.dead_days[0] <= self.dead_days[1]:
            yield f"grouping.dead_days = {self.dead_days} must be above 0 and rise; give (30, 120)"
