"""Real processes, real lines, a real browser."""
