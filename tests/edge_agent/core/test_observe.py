"""A meter in observe: what is told of it, and what is not."""

from protocol.commands import InService
from protocol.records import Relay, Would
from tests.edge_agent.core.street import METERS, Street


def test_a_reading_that_grows_old_says_nothing_of_what_would_be_done() -> None:
    """Found by the simulation: each passing minute told `would close`, each reading `would open` again."""
    street = Street()
    for raw_wh in (1_000, 1_010, 1_020):
        street.read(0, raw_wh)
    assert street.told()[-1] == "would open (arrears)"
    told = len(street.of(Would))
    for _ in range(5):
        street.at_s += 120
        street.tick()
        street.read(0, 1_030)
    assert len(street.of(Would)) == told


def test_back_in_observe_nothing_is_wanted_and_that_is_told() -> None:
    """Found by the simulation: the centre went on believing what had been wanted before."""
    street = Street()
    street.read(0, 1_000)
    street.grant(0, 20)
    street.in_service(0)
    street.read(0, 1_000)
    street.command(InService(meter=METERS[0], on=False))
    last = street.of(Relay)[-1]
    assert isinstance(last, Relay)
    assert (last.wanted, last.seen) == ("unknown", "closed")
    assert street.state.meters[METERS[0]].wanted == "unknown"
    told = len(street.of(Relay))
    street.command(InService(meter=METERS[0], on=False))
    assert len(street.of(Relay)) == told, "nothing changed, nothing is told"
