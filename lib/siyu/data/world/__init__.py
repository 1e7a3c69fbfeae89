"""A simulated pool whose truths are known: every study is proved against it."""

from siyu.data.world.rules import SettingsError
from siyu.data.world.settings import Settings, with_effects
from siyu.data.world.write import write_sample

__all__ = ["Settings", "SettingsError", "with_effects", "write_sample"]
