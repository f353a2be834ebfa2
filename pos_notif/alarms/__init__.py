"""Which alarm is due, and the task that raises it."""
