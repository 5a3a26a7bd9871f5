"""Projects for high-level synthesis, written by hls4ml."""
