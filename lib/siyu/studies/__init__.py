"""The studies: each measures in the engine, estimates on small tables, and draws."""
