"""Reads TensorFlow Lite files: `file.py` parses, `importer.py` makes the graph, the other files hold a function per operator."""
from __future__ import annotations

from .importer import read_tflite

__all__ = ["read_tflite"]
