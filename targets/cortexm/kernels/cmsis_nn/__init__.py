"""Kernels that call CMSIS-NN, of which this folder holds nothing."""
