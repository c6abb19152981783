"""The agent on the box: polls meters, charges, enforces, remembers; with or without the fibre."""
