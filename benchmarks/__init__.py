"""What we measure: each part prints a ratio to a limit or to a peer measured in the same run.

A benchmark is a module here that runs as `python -m benchmarks.NAME`, or a package with its own `__main__`. It exits
with a code other than 0 when what it promises does not hold.
"""
