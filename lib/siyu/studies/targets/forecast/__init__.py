"""How many will be added and kept, by touchpoint and week? A forecast, tested on what came."""

from siyu.studies.targets.forecast.conclude import conclude
from siyu.studies.targets.forecast.days import PROMOTIONS
from siyu.studies.targets.forecast.estimate import Forecast, forecast
from siyu.studies.targets.forecast.figures import draw_forecast, draw_test, draw_touchpoints
from siyu.studies.targets.forecast.sentences import say_forecast, say_headline, say_test

__all__ = [
    "PROMOTIONS",
    "Forecast",
    "conclude",
    "draw_forecast",
    "draw_test",
    "draw_touchpoints",
    "forecast",
    "say_forecast",
    "say_headline",
    "say_test",
]
