"""Words that rows of pages use for states, uses, ways to pay. Values only."""

from typing import Final, Literal

PointState = Literal["normal", "alarm1", "alarm2", "arrears", "not_opened", "lost", "measured"]
STATES: Final[tuple[PointState, ...]] = ("arrears", "alarm2", "alarm1", "lost", "not_opened", "normal", "measured")
"""The states in the order in which they want attention; lost goes before arrears where a point is both. `measured` is a
main or public supply point: measured, and sold to nobody."""
PointUse = Literal["tenant", "main", "public"]
Badge = Literal["overload", "protected", "forced_off", "locked_out", "observe", "held", "deaf"]
LostWith = Literal["box", "bus", "device"]
SaleState = Literal["sold", "waiting", "delivered", "on", "refused", "credit"]
"""`credit`: the money was taken elsewhere, and a bound of the site keeps it at the centre until a person sees to it."""
Method = Literal["cash", "card", "wechat", "alipay", "transfer", "other"]
METHODS: Final[tuple[Method, ...]] = ("cash", "wechat", "alipay", "card", "transfer", "other")
"""In the order of the desk's keys 1 to 6."""
BoxStanding = Literal["planned", "claimed", "waiting", "enrolled"]
CommandState = Literal["queued", "delivered", "done", "refused", "expired"]
AccountState = Literal["in_use", "closing", "closed"]
