"""The event log: one writer, its transactions, the newest events in memory, and what makes it provable."""
