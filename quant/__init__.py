"""Quantization: from a float Graph and calibration data to an integer Graph."""
