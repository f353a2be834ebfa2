"""HTTP: a handler parses, calls one domain function, and encodes. There is one file for each family of routes."""
