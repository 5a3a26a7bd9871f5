"""The ops, one per file; a file, its class and its kernels share one name."""
