"""What the log's tables are asked and told, in whatever thread has the connection."""
