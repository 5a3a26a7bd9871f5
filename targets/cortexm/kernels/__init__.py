"""Kernels of the Cortex-M family that take the place of portable ones."""
