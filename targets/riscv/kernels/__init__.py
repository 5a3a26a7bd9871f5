"""Kernels of RISC-V cores."""
