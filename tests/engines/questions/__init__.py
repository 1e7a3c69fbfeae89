"""What each study asks of an engine: by name, a function from a source to what `measure` gives."""

from tests.engines.questions import (
    funnel,
    lures,
    push_timing,
    referral,
    retention,
    targets,
    tiers,
)

QUESTIONS = {
    f"{study.__name__.rpartition('.')[2]}: {name}": ask
    for study in (funnel, retention, push_timing, tiers, lures, referral, targets)
    for name, ask in study.QUESTIONS.items()
}
