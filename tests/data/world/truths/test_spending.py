"""The truths about spending are those of the settings."""

from __future__ import annotations

from siyu.data.world.people import PLACES
from siyu.data.world.settings import Settings
from siyu.data.world.truths.spending import state_spending


def test_the_cost_per_person_is_stated_for_every_touchpoint() -> None:
    truths = {truth.id: truth.value for truth in state_spending(Settings())}
    assert list(truths) == [f"spending.cost_per_person.{touchpoint}" for _, touchpoint in PLACES]
    # 88 impressions at 2.4 fen; the time that a member of staff takes.
    assert truths["spending.cost_per_person.short_video"] == 2.112
    assert truths["spending.cost_per_person.staff_share"] == 4.5
