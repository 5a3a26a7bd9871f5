"""add.sv for a difference."""
from __future__ import annotations

from .add import cycles, folds, instance

__all__ = ["cycles", "folds", "instance"]
