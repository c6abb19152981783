"""What the exchanges of many boxes will ask one by one, asked at once: the answers are left in the unit's memory.

Changes nothing that a unit sees: each answer is what the gateways of `store` would have found themselves, behind the
same locks. What is left out, or forgotten because rows were changed meanwhile, is asked for when it is wanted.
"""

from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Any

import peewee as pw

from cloud_server.core import accounts
from cloud_server.core.fleet import Box, GrantState
from cloud_server.store import tables_enrolment as te
from cloud_server.store import tables_fleet as tf
from cloud_server.store import tables_history as th
from cloud_server.store import tables_ledger as tl
from cloud_server.store.enrolments import epoch_from_row
from cloud_server.store.fleet import FleetRows, box_from_row
from cloud_server.store.ledger import LedgerRows, grant_from_row
from cloud_server.store.readings import METER_STATE, meter_state, wallet_facts
from cloud_server.store.rows import Rows
from cloud_server.store.tables_memory import HeardBehind, RevokedKey, VoidLine
from protocol.records import Subject


class ManyBoxes(Rows):
    """Satisfies `ports.store.ManyBoxes`."""

    def lock(self, keyids: Sequence[str]) -> dict[str, Box]:
        """Lock the boxes of these record keys, in one order for all units; the boxes by key."""
        e, key = te.Epoch, RevokedKey.keyid
        of_key = dict(self._plain(self._of(e, e.keyid, e.box).where(self._among(e.keyid, keyids))))
        names = sorted(set(of_key.values()))
        rows = self._all(self._locked(self._of(tf.Box).where(self._among(tf.Box.box, names)).order_by(tf.Box.box)))
        boxes = {row["box"]: box_from_row(self._site, row) for row in rows}
        revoked = {row[0] for row in self._plain(self._of(RevokedKey, key).where(self._among(key, keyids)))}
        epochs = self._parted(self._all(self._of(e).where(self._among(e.box, names)).order_by(e.box, e.epoch)))
        for keyid in keyids:
            self._memory.know(("box_of_key", keyid), [(of_key[keyid],)] if keyid in of_key else [])
            self._memory.know(("is_revoked", keyid), keyid in revoked)
        for name in names:
            self._memory.know(("box", name), boxes.get(name))
            self._memory.know(("epochs", name), list(map(epoch_from_row, epochs.get(name, []))))
        return {keyid: boxes[name] for keyid, name in of_key.items() if name in boxes}

    def learn(self, boxes: Sequence[Box]) -> None:
        """What every exchange asks of its box."""
        names = [box.box for box in boxes]
        lost = dict(self._plain(self._lost(names)))
        behind = self._pairs(HeardBehind, (HeardBehind.nonce, HeardBehind.noted_at_ms), names)
        heads = {name: [head] for name, *head in self._plain(self._command_heads(names))}
        for box in boxes:
            standing = {"alarm_id": lost[box.box]} if box.box in lost else None
            self._memory.know(("standing", "box_lost", Subject(box=box.box)), standing)
            self._memory.know(("heard_behind", box.box), behind.get(box.box, []))
            if box.box in heads or box.command_head.seq == 0:
                self._memory.know(("chain_head", "command", box.box, True), heads.get(box.box, []))
        for name, epoch, seq, line_hash in self._plain(self._batch_heads(names)):
            self._memory.know(("batch_hash", name, epoch, seq), [(line_hash,)])

    def learn_to_post(self, boxes: Sequence[Box], unread: Iterable[tuple[str, int]]) -> None:
        """What posting batches asks besides. `unread`: box and version of configurations that are not in memory."""
        names = [box.box for box in boxes]
        parked = self._pairs(th.Batch, (th.Batch.seq,), names, th.IS_WAITING)
        meters = self._pairs(tf.Meter, (tf.Meter.meter,), names)
        grants = self._rows(tl.WalletGrant, names, _not_on())
        states = self._pairs(th.MeterState, METER_STATE, names)
        facts = self._pairs(th.WalletState, (th.WalletState.wallet, th.WalletState.facts), names)
        for name in names:
            self._memory.know(("is_parked", name), name in parked)
            self._memory.know(("meters_of_box", name), {row[0] for row in meters.get(name, [])})
            self._memory.know(("grants_not_on", name), list(map(grant_from_row, grants.get(name, []))))
            self._memory.know(("meter_states", name), dict(starmap(meter_state, states.get(name, []))))
            self._memory.know(("wallet_states", name), {w: wallet_facts(text) for w, text in facts.get(name, [])})
        for name, epoch, newest in self._plain(self._newest(names)):
            self._memory.know(("newest", name, epoch), int(newest or 0))
        self._learn_wallets(names)
        self._learn_configurations(set(unread))

    def _learn_wallets(self, names: Sequence[str]) -> None:
        """The wallets of boxes, and the sums of their accounts."""
        wallets = FleetRows(self._database, self._site, self._scope).wallets_where(self._among(tf.Wallet.box, names))
        for name in names:
            self._memory.know(("wallets_of_box", name), [wallet for wallet in wallets if wallet.box == name])
        LedgerRows(self._database, self._site, self._scope).sums(accounts.wallet(one.wallet) for one in wallets)

    def _learn_configurations(self, wanted: set[tuple[str, int]]) -> None:
        if not wanted:
            return
        c = te.BoxConfiguration
        some = c.box.in_([box for box, _ in wanted]) & c.version.in_(list({version for _, version in wanted}))
        for name, version, *found in self._plain(self._of(c, c.box, c.version, c.hash, c.text).where(some)):
            self._memory.know(("configuration", name, version), [found])

    # --- queries ------------------------------------------------------------------------------------------------

    def _pairs(
        self, table: type[tf.Table], columns: Sequence[Any], boxes: Sequence[str], which: Any = None
    ) -> dict[str, list[list[Any]]]:
        """Columns of a table's rows, by box."""
        box = table.box  # type: ignore[attr-defined]  # all tables asked here have it
        query = self._of(table, box, *columns).where(self._among(box, boxes))
        found: dict[str, list[list[Any]]] = {}
        for name, *values in self._plain(query if which is None else query.where(which)):
            found.setdefault(name, []).append(values)
        return found

    def _rows(self, table: type[tf.Table], boxes: Sequence[str], which: Any = None) -> dict[str, list[dict[str, Any]]]:
        """A table's rows, by box."""
        query = self._of(table).where(self._among(table.box, boxes))  # type: ignore[attr-defined]  # all asked here
        return self._parted(self._all(query if which is None else query.where(which)))

    def _parted(self, rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(row["box"], []).append(row)
        return found

    def _lost(self, boxes: Sequence[str]) -> Any:
        a = th.Alarm
        whole = a.bus.is_null() & a.device.is_null() & a.meter.is_null() & a.wallet.is_null()
        which = (a.kind == "box_lost") & self._among(a.box, boxes) & a.cleared_at_ms.is_null() & whole
        return self._of(a, a.box, a.alarm_id).where(which)

    def _command_heads(self, boxes: Sequence[str]) -> Any:
        """The newest command of each box where it is in the journal, so that none behind it can be newer."""
        line, box = tl.SignedLine, tf.Box
        on = (line.site == box.site) & (line.box == box.box) & (line.number == box.command_seq)
        void = VoidLine.select(VoidLine.hash).where(VoidLine.site == self._site)
        which = self._among(box.box, boxes) & (line.type == "command") & line.hash.not_in(void)
        which &= line.journaled == True  # noqa: E712  # an expression of the query, not a comparison
        return self._of(box, box.box, line.number, line.hash).join(line, on=on).where(which)

    def _batch_heads(self, boxes: Sequence[str]) -> Any:
        line, box = th.BatchLine, tf.Box
        on = (line.site == box.site) & (line.box == box.box) & (line.epoch == box.epoch) & (line.seq == box.batch_seq)
        return (
            self._of(box, box.box, line.epoch, line.seq, line.hash).join(line, on=on).where(self._among(box.box, boxes))
        )

    def _newest(self, boxes: Sequence[str]) -> Any:
        """The greatest number of the batches of each box's epoch: one look into the key for each."""
        line, box = th.BatchLine, tf.Box
        mine = (line.site == box.site) & (line.box == box.box) & (line.epoch == box.epoch)
        newest = line.select(pw.fn.MAX(line.seq)).where(mine)
        return self._of(box, box.box, box.epoch, newest).where(self._among(box.box, boxes))


def _not_on() -> Any:
    """Grants that `LedgerRows.grants_not_on` answers with."""
    g = tl.WalletGrant
    return (g.state == GrantState.APPLIED.value) & g.on_at_ms.is_null() & (g.amount_micro > 0)
