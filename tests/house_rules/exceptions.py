"""Where a rule does not hold, each with its reason. Short, and kept short: what is not needed any more fails."""

LONG_MODULES: dict[str, str] = {}
"""path -> why this module reads better whole."""

LONG_FUNCTIONS: dict[str, str] = {}
"""path::qualified.name -> why this function reads better whole."""

FLOATS = {"edge_agent/core/polling.py": "a pause is jittered by a chance number; no money and no energy in it"}
"""path -> why a pure module may count in floats."""
