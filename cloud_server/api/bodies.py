"""What the staff API takes and gives, as it stands in the OpenAPI document. Shapes only.

Money typed by programs is a text such as "100.00"; money given is micro-units. Instants are UTC milliseconds.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from cloud_server.core.api_token import SCOPES, Scope
from cloud_server.core.roles import Role
from cloud_server.core.views import Badge, CommandState, SaleState
from protocol.limits import INTEGER_MAX
from protocol.records import Contact

IdField = Annotated[StrictStr, Field(max_length=64)]
NameField = Annotated[StrictStr, Field(min_length=1, max_length=100)]
RegisterField = Annotated[StrictInt, Field(ge=0, le=INTEGER_MAX, description="raw, without ratio, in watt-hours")]
DayField = Annotated[StrictStr, Field(max_length=10, examples=["2026-11-22"])]
AmountField = Annotated[StrictStr, Field(max_length=40, examples=["12.00"])]

PointState = Literal["normal", "alarm1", "alarm2", "arrears", "not_opened", "lost"]
"""A point that is measured and sold to nobody (main, public) has not been opened, as far as other programs care."""


class Body(BaseModel):
    """Base of what is taken: unknown fields are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid")


class SalePartIn(Body):
    """One wallet's share of a sale."""

    wallet: IdField
    amount: StrictStr = Field(max_length=40, examples=["40.00"])


class SaleIn(Body):
    """A sale. Without `parts` the account must have one wallet; with them they add up to `amount`."""

    account: IdField
    amount: StrictStr = Field(max_length=40, examples=["100.00"])
    method: StrictStr = Field(max_length=20, examples=["wechat"])
    parts: list[SalePartIn] | None = Field(default=None, max_length=100)
    taken: StrictBool = False
    """The payer's money has been taken already: a sale that a bound of the site would refuse is booked all the same,
    and stays credit of the account at the centre until a person has seen to it."""


class SaleOut(BaseModel):
    """A sale and how far it has come."""

    id: str
    receipt: str
    state: SaleState


class SaleDetail(SaleOut):
    """A sale with what was paid and by whom it was taken."""

    key: str
    """Its idempotency key: a payment provider's own number of the payment."""
    account: str
    amount_micro: int
    method: str
    operator: str
    paid_at: int
    delivered_at: int | None
    on_at: int | None
    balance_after_micro: int | None
    reversed_at: int | None
    parts: list["SalePartOut"]


class SalePartOut(BaseModel):
    """One wallet's share and how far it has come."""

    wallet: str
    amount_micro: int
    state: SaleState
    reason: str | None


class PointOut(BaseModel):
    """A supply point now. A value that is not known is null; `balance_at` and `seen_at` say how old values are."""

    id: str
    number: str
    name: str
    building: str
    box: str
    meter: str | None
    account: str | None
    state: PointState
    badges: list[Badge]
    balance_micro: int | None
    balance_at: int | None
    relay: Contact
    power_w: int | None
    seen_at: int | None


class WalletOut(BaseModel):
    """A wallet of an account. `needs_micro` is what switches supply on again, 0 where nothing is needed."""

    id: str
    box: str
    shops: list[str]
    balance_micro: int | None
    balance_at: int | None
    in_flight_micro: int
    needs_micro: int
    arrears: bool
    in_reach: bool


class AccountOut(BaseModel):
    """An account with its wallets. `credit_micro` is money at the centre that no box was granted."""

    id: str
    number: str
    state: Literal["in_use", "closing", "closed"]
    customer: str
    credit_micro: int
    wallets: list[WalletOut]


class PlanOut(BaseModel):
    """What came of a plan."""

    changed: bool
    configured: list[str]


class BoxOut(BaseModel):
    """A box and how far it has come."""

    box: str
    name: str
    state: str
    fingerprint: str | None
    epoch: int
    seen_at_ms: int | None
    in_reach: bool
    replacement: str | None = None
    """Fingerprint of other hardware that waits to take this place over."""


class ConfirmIn(Body):
    """The fingerprint that the box itself shows."""

    fingerprint: StrictStr = Field(max_length=60)


class OnIn(Body):
    """Whether the meter shall be in service."""

    on: StrictBool


class ModeIn(Body):
    """The mode wanted; `until_ms` ends `protected` or `forced_off` by itself."""

    mode: Literal["prepaid", "protected", "forced_off"]
    until_ms: StrictInt | None = Field(default=None, ge=0, le=2**53 - 1)


class CommandOut(BaseModel):
    """A signed command and how far it has come."""

    box: str
    command: int
    kind: str
    state: CommandState
    reason: str | None


class CommandDetail(CommandOut):
    """The same with what it is about and who asked for it."""

    what: str
    subject: str
    who: str
    issued_at: int
    state_at: int | None


class StaffIn(Body):
    """A person who may sign in."""

    name: StrictStr = Field(max_length=64)
    display_name: StrictStr = Field(max_length=64)
    password: StrictStr = Field(max_length=128)
    roles: list[Role] = Field(min_length=1, max_length=7)


class StaffOut(BaseModel):
    """A person as stored."""

    id: str
    name: str
    display_name: str
    roles: list[Role]


class TokenIn(Body):
    """A token for another program."""

    name: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))
    days: StrictInt = Field(default=90, ge=1, le=400)
    buildings: list[IdField] | None = Field(default=None, min_length=1, max_length=1_000)
    """The buildings that it is limited to; without, it is for the whole site."""


class TokenOut(BaseModel):
    """The token itself, shown this once."""

    token: str
    name: str
    scopes: list[Scope]
    ends_at_ms: int


class TokenRow(BaseModel):
    """A token that was given, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    made_at_ms: int
    made_by: str
    ends_at_ms: int
    revoked_at_ms: int | None
    buildings: list[str] | None
