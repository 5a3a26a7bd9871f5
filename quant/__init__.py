"""Quantization: from a float Graph and calibration data to an annotated Graph."""
from .options import Calibration, Improvement, QuantizeOptions
from .quantize import quantize

__all__ = ["Calibration", "Improvement", "QuantizeOptions", "quantize"]
