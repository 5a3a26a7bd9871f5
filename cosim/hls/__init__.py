"""C simulation of projects for high-level synthesis."""
