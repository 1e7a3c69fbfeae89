"""Growth analytics for private-domain traffic: from a merchant's tables to a decision."""

__version__ = "0.1.0"
