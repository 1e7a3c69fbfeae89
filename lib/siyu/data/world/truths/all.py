"""All that is true of the simulated pool."""

from __future__ import annotations

from siyu.data.world.settings import Settings
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.funnel import state_funnel
from siyu.data.world.truths.staying import state_staying


def compute_truths(settings: Settings) -> list[Truth]:
    """State every planted truth; they do not depend on `users` and `seed`."""
    return [truth for state in (state_funnel, state_staying) for truth in state(settings)]
