"""When to send to whom: the schedule to hand over, and the lots to draw next."""

from siyu.studies.push_timing.schedule.plan import plan, plan_lots

__all__ = ["plan", "plan_lots"]
