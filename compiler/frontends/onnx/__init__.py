"""The reader of float ONNX models: `load` opens the file, `importer` holds the graph in the making, `ops` has one function per op."""
from .read import read_onnx

__all__ = ["read_onnx"]
