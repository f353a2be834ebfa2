"""The way from the log to whoever reads: streams, polls, sockets, downloads, and who is connected."""
