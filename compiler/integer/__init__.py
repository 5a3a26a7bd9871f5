"""From a float Graph with `fake_quantize` nodes to integers; the pass `make_integer` starts it."""
