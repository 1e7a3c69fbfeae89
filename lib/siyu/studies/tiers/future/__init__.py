"""What will buyers buy, and what is it worth? A forecast per tier, tested on what came since."""

from siyu.studies.tiers.future.conclude import conclude
from siyu.studies.tiers.future.estimate import Forecast, forecast
from siyu.studies.tiers.future.figures import draw_forecast, draw_holdout
from siyu.studies.tiers.future.measure import Measures, measure
from siyu.studies.tiers.future.sentences import (
    say_asleep,
    say_counted,
    say_forecast,
    say_holdout,
    say_tiers,
)

__all__ = [
    "Forecast",
    "Measures",
    "conclude",
    "draw_forecast",
    "draw_holdout",
    "forecast",
    "measure",
    "say_asleep",
    "say_counted",
    "say_forecast",
    "say_holdout",
    "say_tiers",
]
