"""A whole site in its own processes for benchmarks: the demo's own path, with a street made to measure on."""
