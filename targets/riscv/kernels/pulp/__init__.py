"""Kernels for packed halves."""
