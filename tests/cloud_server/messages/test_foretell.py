"""Forecasts as rows, and the warnings that come from them."""

from pathlib import Path

import pytest

from cloud_server.flows import foresee
from tests.cloud_server.messages.outbox_rig import served_street
from tests.cloud_server.street import meter_id

HOUR = 3_600_000


def test_a_box_out_of_reach_is_warned_for_from_its_forecast(tmp_path: Path) -> None:
    with served_street(tmp_path) as rig:
        rig.site.sell("30.00")
        rig.site.settle(rig.boxes[1])
        rig.turn()
        # 100 W around the clock: 0.08 an hour.
        for _ in range(48):
            rig.site.clock.advance(HOUR)
            rig.boxes[1].now_ms = rig.site.clock.now_ms
            rig.boxes[1].use(meter_id(1, 2), 100, HOUR)
            rig.heard()
        assert rig.foresee() == 1
        with rig.site.store.read() as unit:
            (row,) = unit.messages.forecasts().values()
        assert row.week_micro == pytest.approx(7 * 24 * 80_000, abs=100_000)
        assert row.zero_at_ms is not None
        left_h = (row.zero_at_ms - rig.site.clock.now_ms) / HOUR
        assert left_h == pytest.approx((30 - 48 * 0.08) / 0.08, rel=0.01)
        rig.site.clock.advance(24 * HOUR * 3)
        rig.turn()
        assert [row.occasion for row in rig.rows()] == ["sale"]
        rig.site.clock.advance(24 * HOUR * 4)
        rig.turn()
        assert [row.occasion for row in rig.rows()] == ["sale", "estimated"]
        text = rig.texts()[-1][1]
        assert "估算为12.72元" in text
        assert "最后余额26.16元，截至11-24 12:00" in text
        rig.turn()
        assert len(rig.rows()) == 2


def test_wallets_of_which_nothing_is_known_do_not_keep_others_from_their_forecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foresee, "AT_ONCE_MAX", 1)
    with served_street(tmp_path) as rig:
        rig.site.sell("30.00", shop=3)
        rig.site.settle(rig.boxes[1])
        for _ in range(26):
            rig.site.clock.advance(HOUR)
            rig.boxes[1].now_ms = rig.site.clock.now_ms
            rig.boxes[1].use(meter_id(1, 3), 100, HOUR)
            rig.heard()
        assert rig.foresee() == 1
        rig.site.clock.advance(1_000)
        assert rig.foresee() == 0
        rig.site.clock.advance(2 * HOUR)
        assert rig.foresee() == 1
