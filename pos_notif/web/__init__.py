"""HTTP: a handler parses, calls one domain function, and encodes. One file per family of routes."""
