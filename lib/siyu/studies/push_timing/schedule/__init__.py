"""When to send to whom: the schedule to hand over, and the lots to draw next."""

from siyu.studies.push_timing.schedule.lots import plan_lots
from siyu.studies.push_timing.schedule.plan import plan
from siyu.studies.push_timing.schedule.told import conclude, say_lots, say_schedule

__all__ = ["conclude", "plan", "plan_lots", "say_lots", "say_schedule"]
