"""The log's file, and the threads in which SQLite works on it."""
