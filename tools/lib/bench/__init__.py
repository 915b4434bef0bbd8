"""Measures a release build of strm beside what bounds it. Run by tools/bench and tools/soak."""
