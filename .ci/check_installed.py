"""Runs an installed `pos-notif` as a user would: from a directory that is not the checkout."""

import json
import subprocess
import sys
import urllib.request

command = sys.argv[1]
subprocess.run([command, "user", "create", "Ana", "--role", "manager", "--password", "1234"], check=True)
token = subprocess.run([command, "token", "create", "pos"], check=True, capture_output=True, text=True).stdout.strip()
server = subprocess.Popen([command, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
try:
    url = server.stdout.readline().strip()
    for path in ("/readyz", "/login", "/static/js/notificaciones.js", "/openapi.json", "/docs", "/docs/swagger-ui.css"):
        with urllib.request.urlopen(url + path) as answer:
            assert answer.status == 200, path
    event = {"tipo": "nuevo_pedido", "pedido": {"id": 1}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        url + "/api/notificaciones/eventos", data=json.dumps(event).encode(), headers=headers
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
finally:
    server.terminate()
    code = server.wait(10)
assert code == 0, f"pos-notif serve exited with {code}"
print("the installed pos-notif serves, publishes and stops")
