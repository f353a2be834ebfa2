"""Runs an installed `pos-notif` as a user would: from a directory that is not the checkout."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from importlib.metadata import metadata

command = sys.argv[1]

# Whoever reads the long description has no checkout and no address of one: only whole addresses can be followed.
about = metadata("pos-notif").json
assert about["license_expression"] == "MIT"
assert "## A short tour" in about["description"]
assert re.findall(r"!?\[[^\]]*\]\((?!https?:)[^)]*\)|\.venv", about["description"]) == []

demo = subprocess.Popen([command, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True)
try:
    with urllib.request.urlopen(demo.stdout.readline().strip() + "/login") as answer:
        assert answer.status == 200
finally:
    demo.send_signal(signal.SIGINT)
    code = demo.wait(30)
assert code == 0, f"pos-notif demo exited with {code}"

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
print("the installed pos-notif runs its demo, serves, publishes and stops")
