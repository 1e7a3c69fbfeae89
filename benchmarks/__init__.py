"""The measured comparisons: how fast a study is next to the fastest peers, on the same files."""
