"""How quick the console is with two thousand supply points."""
