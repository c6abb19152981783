"""The straight line through measured points. Pure."""

from collections.abc import Sequence


def slope_a_step(points: Sequence[tuple[float, float]]) -> float:
    """How much y grows for each one of x, by least squares; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
