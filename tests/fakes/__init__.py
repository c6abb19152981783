"""Fakes that implement ports; each is held against the real one by a suite in tests/contracts."""
