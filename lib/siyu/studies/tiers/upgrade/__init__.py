"""Does a higher tier make members buy more? Before and after, less what was to be expected."""
