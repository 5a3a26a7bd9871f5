"""Kernels for cores with the CORE-V extensions of CV32E40P: products of four bytes, loops without branches, loads that step on."""
