"""Kernels for cores with a scalar float unit."""
