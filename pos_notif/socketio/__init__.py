"""Socket.IO over websocket, the protocol alone: packets, Engine.IO, sockets. It knows no order."""
