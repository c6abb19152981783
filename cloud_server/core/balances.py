"""What balances follow from ledger sums and signed lines: of a wallet, of an account, of what is on its way. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud_server.core import accounts
from protocol.units import Micro


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What a customer's account comes to: credit at the centre, on its way, and in wallets as of the last batches."""

    credit_micro: Micro
    in_flight_micro: Micro
    wallets_micro: Micro

    @property
    def total_micro(self) -> Micro:
        return self.credit_micro + self.in_flight_micro + self.wallets_micro


def of_account(account: str, wallets: Iterable[str], sums: Mapping[str, Micro]) -> AccountBalance:
    """Put an account's balance together from the sums of ledger accounts; one never posted to is 0."""
    names = tuple(wallets)
    return AccountBalance(
        credit_micro=sums.get(accounts.customer(account), 0),
        in_flight_micro=sum(sums.get(accounts.in_flight(wallet), 0) for wallet in names),
        wallets_micro=sum(sums.get(accounts.wallet(wallet), 0) for wallet in names),
    )


def accounts_of(account: str, wallets: Iterable[str]) -> tuple[str, ...]:
    """The ledger accounts that `of_account` wants the sums of."""
    names = tuple(wallets)
    return (accounts.customer(account), *map(accounts.in_flight, names), *map(accounts.wallet, names))


@dataclass(frozen=True, slots=True)
class WalletDifference:
    """A wallet whose book balance, as its box says, is not what the ledger has."""

    wallet: str
    box_micro: Micro
    ledger_micro: Micro

    def explained_by(self, taken_micro: Micro) -> bool:
        """Whether it is just what the centre took over from a wallet that is closed."""
        return self.box_micro - self.ledger_micro == taken_micro


def wallet_differences(said: Mapping[str, Micro], sums: Mapping[str, Micro]) -> list[WalletDifference]:
    """Compare a batch's `wallets` line with the ledger's sums after the batch was posted."""
    return [
        WalletDifference(wallet, box_micro, sums.get(accounts.wallet(wallet), 0))
        for wallet, box_micro in sorted(said.items())
        if sums.get(accounts.wallet(wallet), 0) != box_micro
    ]
