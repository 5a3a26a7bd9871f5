"""Kernels that all cores of a cluster run, each on its slice."""
