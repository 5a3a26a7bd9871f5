"""Kernels for Helium, the vector extension of Armv8.1-M: M55."""
