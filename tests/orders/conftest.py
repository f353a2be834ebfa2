"""The restaurant of `test_actions.py`, for the other modules here that act on orders."""

from __future__ import annotations

from tests.orders.test_actions import floor

__all__ = ["floor"]
