"""Quantization: from a float Graph and calibration data to an annotated Graph."""
from .options import Calibration, QuantizeOptions
from .quantize import quantize

__all__ = ["Calibration", "QuantizeOptions", "quantize"]
