"""What stands on the box itself: `box.toml`, and the claim that provisioning wrote for it.

Every mistake is named at once, with file, key, value and what would be right.
"""

from edge_agent.config.box_file import BoxFile, BusPort, ClockFollows, PortKind, read_box_file
from edge_agent.config.claim import CLAIM_FORMAT, Claim, read_claim
from edge_agent.config.table import FILE_BYTES_MAX, BadConfig

__all__ = [
    "CLAIM_FORMAT",
    "FILE_BYTES_MAX",
    "BadConfig",
    "BoxFile",
    "BusPort",
    "Claim",
    "ClockFollows",
    "PortKind",
    "read_box_file",
    "read_claim",
]
