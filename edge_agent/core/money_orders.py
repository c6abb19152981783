"""Credit that goes back to the centre: reclaim, withdraw, closing of a wallet. The box decides how much comes."""

from collections.abc import Sequence

import msgspec

from edge_agent.core.asked import Asked, close_for_settling
from edge_agent.core.decision import Decision, Steps
from edge_agent.core.intervals import move
from edge_agent.core.meeting import judge_supply
from edge_agent.core.refusal import Refusal
from edge_agent.core.state import WalletRow
from protocol.box_config import WalletConfig
from protocol.commands import Body, CloseWallet, Reclaim, TypedReading, Withdraw
from protocol.records import Reclaimed
from protocol.units import FEN_MICRO


def reclaim(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """Give unused credit back: at most what is asked, never below the floor, in whole fen, on fresh readings."""
    assert isinstance(body, Reclaim)
    if body.reclaim in asked.withdrawn:
        return Refusal("withdrawn", f"reclaim {body.reclaim}")
    if asked.known_money(body.reclaim):
        return Refusal("money_id_known", f"reclaim {body.reclaim}")
    settled = _settle(steps, asked, body.wallet, body.typed)
    if isinstance(settled, Refusal):
        return settled
    row = steps.state.wallets[body.wallet]
    spare_micro = min(body.amount_micro, row.state.book_micro - body.floor_micro)
    amount_micro = spare_micro // FEN_MICRO * FEN_MICRO
    if amount_micro <= 0:
        return Refusal("nothing_to_give", f"book balance {row.state.book_micro}, floor {body.floor_micro}")
    _give(steps, asked, row, body.reclaim, amount_micro)
    judge_supply(asked.place, steps, settled.meters[0], asked.now, asked.command.seq)
    return None


def withdraw(_steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """A reclaim that was answered cannot be withdrawn; one that was refused as withdrawn has been."""
    assert isinstance(body, Withdraw)
    if asked.known_money(body.reclaim):
        return Refusal("money_id_known", f"reclaim {body.reclaim} has been answered")
    return None


def close_wallet(steps: Steps, asked: Asked, body: Body) -> Refusal | None:
    """Last reading, last interval, all money given back, wallet and meters parted. A debt stays in the book."""
    assert isinstance(body, CloseWallet)
    settled = _settle(steps, asked, body.wallet, body.typed)
    if isinstance(settled, Refusal):
        return settled
    row = steps.state.wallets[body.wallet]
    if row.state.book_micro > 0:
        _give(steps, asked, row, body.request, row.state.book_micro)
    row = steps.state.wallets[body.wallet]
    steps.take(Decision(wallets=(msgspec.structs.replace(row, closed=True),)))
    for meter in settled.meters:
        judge_supply(asked.place, steps, meter, asked.now, asked.command.seq)
    return None


def _settle(steps: Steps, asked: Asked, wallet: str, typed: Sequence[TypedReading] | None) -> WalletConfig | Refusal:
    """Close the intervals of all meters of an open wallet, so that book and running balance agree."""
    config = asked.place.wallets.get(wallet)
    if config is None or wallet not in steps.state.wallets:
        return Refusal("unknown_wallet", f"wallet {wallet}")
    if steps.state.wallets[wallet].closed or config.account_state == "closed":
        return Refusal("wallet_closed", f"wallet {wallet}")
    for meter in config.meters:
        register = next((reading for reading in typed or () if reading.meter == meter), None)
        refused = close_for_settling(steps, asked, meter, register)
        if refused is not None:
            return refused
    return config


def _give(steps: Steps, asked: Asked, row: WalletRow, reclaim_id: str, amount_micro: int) -> None:
    after = move(row, -amount_micro)
    record = Reclaimed(
        at_ms=asked.now.wall_ms,
        command=asked.command.seq,
        reclaim=reclaim_id,
        wallet=row.wallet,
        amount_micro=amount_micro,
        book_micro=after.state.book_micro,
    )
    steps.take(Decision(records=(record,), wallets=(after,), money_ids=(reclaim_id,)))
