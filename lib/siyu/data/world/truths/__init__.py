"""What is true of the simulated pool: from its settings, never from the drawn data."""
