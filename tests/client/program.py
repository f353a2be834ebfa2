"""Programs that use the client in processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "client"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CLIENT)}
