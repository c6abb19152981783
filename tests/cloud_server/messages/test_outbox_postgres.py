"""The outbox and what surrounds it on PostgreSQL: the same rows, the same story."""

from pathlib import Path

import pytest

from cloud_server.core.alarm_views import AlarmFilter
from cloud_server.flows.alarm_life import clear_alarm, raise_alarm
from cloud_server.flows.customer_page import CustomerPages
from cloud_server.flows.read_alarms import AlarmOffice
from protocol.records import Subject
from tests.cloud_server.messages.outbox_rig import served_street
from tests.cloud_server.site_rig import CASHIER
from tests.cloud_server.street import account_id, box_id, meter_id
from tests.postgres_server import PostgresServer

HOUR = 3_600_000


@pytest.mark.postgres
def test_the_whole_story(tmp_path: Path, postgres_server: PostgresServer, postgres_template: str) -> None:
    with served_street(tmp_path, database=postgres_server.make_database(postgres_template)) as rig:
        rig.site.sell("30.00")
        rig.site.settle(rig.boxes[1])
        for _ in range(26):
            rig.site.clock.advance(HOUR)
            rig.boxes[1].now_ms = rig.site.clock.now_ms
            rig.boxes[1].use(meter_id(1, 2), 100, HOUR)
            rig.heard()
        assert rig.foresee() == 1
        rig.alarm("alarm2")
        rig.relay("open", "arrears", shop=3)
        rig.heard()
        rig.simulated.manners.refuse = {2: 500}
        rig.turn()
        rig.site.clock.advance(6_000)
        rig.turn()
        rig.listen()
        assert sorted((row.occasion, row.state.value) for row in rig.rows()) == [
            ("alarm2", "delivered"),
            ("cut_off", "delivered"),
            ("sale", "delivered"),
        ]
        page = rig.desk.outbox()
        assert (page.counts, len(page.rows)) == ({"delivered": 3}, 3)
        assert page.parts_today == len(rig.simulated.taken)
        token = rig.links.url_now(account_id(1, 2)).rpartition("/")[2]
        mine = CustomerPages(rig.site.centre, rig.links).page(token, "here")
        assert mine is not None
        assert mine.wallets[0].is_foreseen
        assert rig.links.revoke(account_id(1, 2), CASHIER) == 1
        rig.settings(on=False)
        assert rig.desk.save_text("duty", "zh-CN", "{what} {where} {since}", CASHIER) == []
        assert rig.desk.save_text("duty", "zh-CN", None, CASHIER) == []
        assert rig.site.breaches() == []


@pytest.mark.postgres
def test_the_life_of_alarms(tmp_path: Path, postgres_server: PostgresServer, postgres_template: str) -> None:
    with served_street(tmp_path, database=postgres_server.make_database(postgres_template)) as rig:
        office, now_ms = AlarmOffice(rig.site.centre), rig.site.clock.now_ms
        subject = Subject(box=box_id(1), meter=meter_id(1, 1))
        with rig.site.store.write() as unit:
            assert raise_alarm(unit, "relay_deaf", now_ms, subject)
            assert clear_alarm(unit, "relay_deaf", now_ms + 1_000, subject)
            assert raise_alarm(unit, "relay_deaf", now_ms + 2_000, subject)
            assert raise_alarm(unit, "finding", now_ms, Subject(box=box_id(1)))
        entries = {entry.kind: entry for entry in office.page(AlarmFilter()).entries}
        assert entries["relay_deaf"].times == 2
        assert office.settle([entry.alarm for entry in entries.values()], "核", CASHIER) == 1
