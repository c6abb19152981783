"""Where a limit on size does not hold, each with its reason. Short, and kept short: an entry that is not needed any
more fails `test_sizes`.
"""

LONG_MODULES: dict[str, str] = {}
"""path -> why this module reads better whole."""

LONG_FUNCTIONS: dict[str, str] = {}
"""path::qualified.name -> why this function reads better whole."""
