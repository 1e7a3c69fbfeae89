"""Does a tier cause spending? Members just above a threshold against those just below."""
