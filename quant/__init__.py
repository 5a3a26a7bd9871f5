"""Quantization: from a float Graph and calibration data to an integer Graph."""
from .options import Calibration, Io, QuantizeOptions
from .quantize import quantize

__all__ = ["Calibration", "Io", "QuantizeOptions", "quantize"]
