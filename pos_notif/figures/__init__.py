"""A business day's figures."""
