"""Kernels for cores with vectors (RVV 1.0), whatever the length of these is."""
