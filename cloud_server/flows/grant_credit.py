"""A grant that no sale stands behind: made with its step, signed at once where its box takes commands."""

from typing import Literal

from cloud_server.core.fleet import Wallet, WalletGrant
from cloud_server.core.mistakes import FieldError
from cloud_server.flows.centre import Centre
from cloud_server.flows.sign_lines import Asker, sign_grant
from cloud_server.ports import Unit
from protocol.units import Micro


def grant_credit(
    centre: Centre, unit: Unit, wallet: Wallet, amount_micro: Micro, cause: Literal["move", "adjustment"], by: Asker
) -> WalletGrant:
    """Hand credit that is at the centre to a wallet, or take some away (below 0); the grant as it was made."""
    box = unit.fleet.box(wallet.box)
    grant = WalletGrant(
        grant=centre.new_id(),
        wallet=wallet.wallet,
        box=wallet.box,
        account=wallet.account,
        amount_micro=amount_micro,
        cause=cause,
        made_at_ms=centre.clock.wall_ms(),
        operator=by.operator,
        key=by.key,
        second=by.second,
    )
    unit.ledger.add_grants([grant])
    if box is not None and box.takes_commands:
        sign_grant(centre, unit, box, grant, None, [grant])
    return grant


def wallet_of(unit: Unit, account: str, named: str | None, field: str = "wallet") -> Wallet | FieldError:
    """The wallet that a step means: the one named, or the only one that is not closed."""
    usable = {w.wallet: w for w in unit.fleet.wallets_of_account(account) if w.state != "closed"}
    if named is None and len(usable) != 1:
        message = f"the account has {len(usable)} wallets; name the one that is meant"
        return FieldError(field=field, value="", code="several_wallets", message=message)
    wallet = usable.get(named) if named is not None else next(iter(usable.values()))
    if wallet is None:
        message = "is no wallet of this account that is not closed"
        return FieldError(field=field, value=(named or "")[:40], code="wallet_not_of_account", message=message)
    return wallet
