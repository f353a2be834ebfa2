"""Phones that are rung with the browser closed: one more reader of the log, by Web Push and ntfy."""
