"""The command line, `pos-notif`."""
