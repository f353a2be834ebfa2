"""Uses an installed `pos-notif-client` as a till would: from a directory that is no checkout, with nothing else."""

import json
import subprocess
import sys
from importlib.metadata import distribution, distributions

there = {found.metadata["Name"].lower() for found in distributions()}
assert there == {"pos-notif-client"}, there
client = distribution("pos-notif-client")
assert client.requires in (None, [])
assert client.metadata["License-Expression"] == "MIT"
assert {file.parts[1] for file in client.files if file.parts[0] == "pos_notif_client"} >= {
    "__init__.py", "__main__.py", "flask_socketio.py", "py.typed",
}  # fmt: skip

from pos_notif_client import Salida, flask_socketio  # noqa: E402

assert flask_socketio.NotificadorPedidos
outbox = Salida("salida.db")
outbox.notificar_nuevo_pedido({"id": 1})
outbox.cerrar()
command = [sys.executable, "-m", "pos_notif_client", "estado", "--db", "salida.db"]
state = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
assert state["pendientes"] == 1, state
print("the installed pos-notif-client brings nothing else, stores and tells")
