"""What is done with a whole log, beside or instead of the service."""
