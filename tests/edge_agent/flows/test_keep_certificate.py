"""When a certificate is renewed, how often it is asked for, and when a person hears of it."""

from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.core.state import Now
from edge_agent.flows.keep_certificate import ALARM_BEFORE_MS, ASK_AGAIN_MS, RENEW_BEFORE_MS, CertificateKeeper
from edge_agent.ports import CertificateRenewed, RenewalFailed
from protocol.units import DAY_MS
from tests.edge_agent.rig import Rig, rig

MINUTE_MS = 60_000


@dataclass
class Asked:
    """Remembers what it was asked."""

    dates: list[bool] = field(default_factory=list)

    def ask(self, *, trust_dates: bool) -> None:
        self.dates.append(trust_dates)


def minutes(a: Rig, keeper: CertificateKeeper, count: int) -> None:
    for _ in range(count):
        a.clock.go_on(MINUTE_MS)
        keeper.look()


def alarms(a: Rig) -> bool:
    return "certificate_ending" in a.box.state.marks.alarms


def test_it_is_asked_for_in_time_once_an_hour_until_it_comes(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        asked, shown = Asked(), list[int]()
        ends_ms = a.clock.wall + RENEW_BEFORE_MS + 10 * MINUTE_MS
        keeper = CertificateKeeper(a.box, asked, ends_ms, lambda: shown.append(1))
        minutes(a, keeper, 9)
        assert asked.dates == []
        minutes(a, keeper, 30)
        assert asked.dates == [True], "not asked again while it is asked"
        keeper.take(RenewalFailed("no way"))
        minutes(a, keeper, ASK_AGAIN_MS // MINUTE_MS)
        assert asked.dates == [True, True]
        keeper.take(CertificateRenewed(ends_ms + 397 * DAY_MS))
        assert shown == [1]
        minutes(a, keeper, 120)
        assert asked.dates == [True, True]
        assert not alarms(a)


def test_one_that_nobody_renews_is_an_alarm_until_it_is_renewed(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        keeper = CertificateKeeper(a.box, Asked(), a.clock.wall + ALARM_BEFORE_MS - DAY_MS)
        keeper.look()
        assert not alarms(a), "it may be here within a second"
        keeper.take(RenewalFailed("HTTP 401: revoked"))
        minutes(a, keeper, 1)
        assert alarms(a)
        minutes(a, keeper, 60)
        keeper.take(CertificateRenewed(a.clock.wall + 397 * DAY_MS))
        minutes(a, keeper, 1)
        assert not alarms(a)


def test_a_clock_that_is_not_believed_judges_no_dates(tmp_path: Path) -> None:
    with rig(tmp_path) as a:
        asked = Asked()
        a.clock.wall = 0
        assert not Now(0, 0, a.box.now().sure).sure
        keeper = CertificateKeeper(a.box, asked, DAY_MS)
        minutes(a, keeper, 3)
        assert asked.dates == []
