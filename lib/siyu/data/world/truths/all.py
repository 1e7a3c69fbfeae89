"""All that is true of the simulated pool."""

from __future__ import annotations

from siyu.data.world.settings import Settings
from siyu.data.world.truths.buying import state_buying
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.funnel import state_funnel
from siyu.data.world.truths.groups import state_groups
from siyu.data.world.truths.habits import state_habits
from siyu.data.world.truths.lures import state_lures
from siyu.data.world.truths.points import state_points
from siyu.data.world.truths.pushing import state_pushing
from siyu.data.world.truths.referral import state_referral
from siyu.data.world.truths.returns import state_returns
from siyu.data.world.truths.spending import state_spending
from siyu.data.world.truths.staying import state_staying
from siyu.data.world.truths.tiering import state_tiering

_STATE = (
    state_funnel,
    state_staying,
    state_habits,
    state_lures,
    state_referral,
    state_pushing,
    state_buying,
    state_tiering,
    state_groups,
    state_points,
    state_spending,
    state_returns,
)


def compute_truths(settings: Settings) -> list[Truth]:
    """State every planted truth; they do not depend on `users` and `seed`."""
    return [truth for state in _STATE for truth in state(settings)]
