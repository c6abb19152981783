"""Numbers that look random and are the same at every run: noise of voltages and loads.

A function of seed and slot of time, so that what a meter shows does not depend on how often it is asked.
"""

_MASK = (1 << 64) - 1


def scattered(seed: int, slot: int, what: int = 0) -> float:
    """A number in [-1, 1) for this seed, slot and purpose (SplitMix64, Steele, Lea, Flood 2014)."""
    state = (seed * 0x9E3779B97F4A7C15 + slot * 0xBF58476D1CE4E5B9 + what * 0x94D049BB133111EB) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / float(1 << 52) - 1.0
