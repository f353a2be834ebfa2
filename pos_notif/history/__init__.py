"""Looking back: which rows of the log are asked for, and what they look like outside."""
