"""The targets: each is a folder of kernels and a small Python file that emits calls of them."""
