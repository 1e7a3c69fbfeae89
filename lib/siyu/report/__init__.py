"""Run the notebooks of a configuration, judge each outcome, and publish the pages."""
