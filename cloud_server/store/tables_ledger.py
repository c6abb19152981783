"""Tables of the ledger, of what the centre signed, and of the audit. Columns only.

Rows of the ledger, of sales, of signed lines and of the audit are only ever added; `GUARDED` names them.
"""

import peewee as pw

from cloud_server.store.database import Guarded
from cloud_server.store.tables_fleet import Table


class LedgerTransaction(Table):
    """One entry; see core.transaction.Transaction."""

    transaction_id = pw.TextField()
    kind = pw.TextField()
    cause = pw.TextField()
    effective_at_ms = pw.BigIntegerField()
    posting_day = pw.TextField()
    who = pw.TextField()
    key = pw.TextField()
    second = pw.TextField(null=True)
    reason = pw.TextField(null=True)
    corrects = pw.TextField(null=True)
    posted_at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "ledger_transaction"
        primary_key = pw.CompositeKey("site", "transaction_id")
        indexes = ((("site", "kind", "cause"), True), (("site", "posting_day"), False))


class Posting(Table):
    """One account of an entry and what comes into it. `posting_day` is its entry's: a wallet is in as many entries as
    its box has batches, and only some days of them are ever asked for."""

    transaction_id = pw.TextField()
    n = pw.IntegerField()
    account = pw.TextField()
    amount_micro = pw.BigIntegerField(constraints=[pw.Check("amount_micro <> 0")])
    posting_day = pw.TextField()

    class Meta:
        table_name = "posting"
        primary_key = pw.CompositeKey("site", "transaction_id", "n")
        indexes = ((("site", "account", "posting_day"), False),)


class AccountBalance(Table):
    """The sum of each ledger account, kept by the same transaction that posts; `verify` compares it. `taken_micro` and
    `given_micro` are what was ever taken from it and came into it, both above zero."""

    account = pw.TextField()
    balance_micro = pw.BigIntegerField()
    taken_micro = pw.BigIntegerField()
    given_micro = pw.BigIntegerField()

    class Meta:
        table_name = "account_balance"
        primary_key = pw.CompositeKey("site", "account")


class Sale(Table):
    """Money taken in; how far it came stands with its grants."""

    sale = pw.TextField()
    receipt = pw.TextField()
    account = pw.TextField()
    amount_micro = pw.BigIntegerField(constraints=[pw.Check("amount_micro > 0")])
    method = pw.TextField()
    operator = pw.TextField()
    operator_name = pw.TextField()
    paid_at_ms = pw.BigIntegerField()
    till_day = pw.TextField()
    key = pw.TextField()
    balance_before_micro = pw.BigIntegerField(null=True)
    balance_before_at_ms = pw.BigIntegerField(null=True)

    class Meta:
        table_name = "sale"
        primary_key = pw.CompositeKey("site", "sale")
        indexes = (
            (("site", "receipt"), True),
            (("site", "account", "paid_at_ms"), False),
            (("site", "paid_at_ms", "sale"), False),
            (("site", "till_day", "operator"), False),
        )


class WalletGrant(Table):
    """Credit handed to a wallet; see core.fleet.WalletGrant. `n` is its place among the parts of its sale."""

    grant_id = pw.TextField()
    wallet = pw.TextField()
    box = pw.TextField()
    account = pw.TextField()
    amount_micro = pw.BigIntegerField()
    cause = pw.TextField()
    sale = pw.TextField(null=True)
    n = pw.IntegerField()
    state = pw.TextField()
    command = pw.BigIntegerField(null=True)
    reason = pw.TextField(null=True)
    made_at_ms = pw.BigIntegerField()
    applied_at_ms = pw.BigIntegerField(null=True)
    on_at_ms = pw.BigIntegerField(null=True)
    book_after_micro = pw.BigIntegerField(null=True)
    undoes = pw.TextField(null=True)
    operator = pw.TextField(null=True)
    key = pw.TextField(null=True)
    second = pw.TextField(null=True)

    class Meta:
        table_name = "wallet_grant"
        primary_key = pw.CompositeKey("site", "grant_id")
        indexes = ((("site", "sale"), False), (("site", "box", "state"), False), (("site", "wallet"), False))


class ReceiptCounter(Table):
    """The last running number of each day and term."""

    day = pw.TextField()
    term = pw.BigIntegerField()
    last = pw.BigIntegerField()

    class Meta:
        table_name = "receipt_counter"
        primary_key = pw.CompositeKey("site", "day", "term")


class ReceiptPrint(Table):
    """Each time a receipt was printed."""

    sale = pw.TextField()
    n = pw.IntegerField()
    at_ms = pw.BigIntegerField()
    who = pw.TextField()

    class Meta:
        table_name = "receipt_print"
        primary_key = pw.CompositeKey("site", "sale", "n")


class Idempotency(Table):
    """What each idempotency key was answered, for ever."""

    key = pw.TextField()
    request_hash = pw.TextField()
    answer = pw.TextField()
    at_ms = pw.BigIntegerField()

    class Meta:
        table_name = "idempotency"
        primary_key = pw.CompositeKey("site", "key")


class SignedLine(Table):
    """Every line that the centre signed, byte for byte. `box` is empty for money lines; `number` is its number in
    its own chain (command seq, epoch, money number). Of a number that was signed twice one line counts, the others
    stand in `void_line`. `journaled` is set once its journal file was flushed."""

    hash = pw.TextField()
    type = pw.TextField()
    box = pw.TextField()
    number = pw.BigIntegerField()
    line = pw.BlobField()
    made_at_ms = pw.BigIntegerField()
    journaled = pw.BooleanField()

    class Meta:
        table_name = "signed_line"
        primary_key = pw.CompositeKey("site", "hash")
        indexes = ((("site", "type", "box", "number", "hash"), True), (("site", "journaled"), False))


class Command(Table):
    """What became of each command."""

    box = pw.TextField()
    seq = pw.BigIntegerField()
    hash = pw.TextField()
    kind = pw.TextField()
    what = pw.TextField()
    subject = pw.TextField()
    who = pw.TextField()
    issued_at_ms = pw.BigIntegerField()
    expires_at_ms = pw.BigIntegerField(null=True)
    until_ms = pw.BigIntegerField(null=True)
    state = pw.TextField()
    state_at_ms = pw.BigIntegerField(null=True)
    reason = pw.TextField(null=True)
    detail = pw.TextField(null=True)

    class Meta:
        table_name = "command"
        primary_key = pw.CompositeKey("site", "box", "seq")
        indexes = (
            (("site", "subject", "issued_at_ms"), False),
            (("site", "issued_at_ms", "box", "seq"), False),
        )


class AuditRow(Table):
    """Who did what, hash-chained."""

    number = pw.BigIntegerField()
    prev = pw.TextField()
    hash = pw.TextField()
    at_ms = pw.BigIntegerField()
    who = pw.TextField()
    action = pw.TextField()
    subject = pw.TextField()
    detail = pw.TextField()

    class Meta:
        table_name = "audit"
        primary_key = pw.CompositeKey("site", "number")


MODELS: tuple[type[pw.Model], ...] = (
    LedgerTransaction, Posting, AccountBalance, Sale, WalletGrant, ReceiptCounter, ReceiptPrint, Idempotency,
    SignedLine, Command, AuditRow,
)  # fmt: skip

GUARDED: tuple[Guarded, ...] = (
    Guarded("ledger_transaction"),
    Guarded("posting"),
    Guarded("sale"),
    Guarded("idempotency"),
    Guarded("signed_line", changeable=("journaled",)),
    Guarded("audit"),
)
