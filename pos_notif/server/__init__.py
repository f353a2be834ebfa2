"""The server around the application: sockets, connections, signals, limits, and a stop that ends."""
