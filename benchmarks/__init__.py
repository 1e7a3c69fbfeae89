"""The measured comparisons: how fast the studies are next to the fastest peers, on the same files."""
