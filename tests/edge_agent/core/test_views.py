"""What the box shows of a balance: nothing before it knows, for the centre and for whoever stands before it."""

from edge_agent.core.measured import RelayPosition
from edge_agent.core.views import live_values
from tests.edge_agent.core.street import METERS, YUAN, Street, box_config, meter_config, wallet_config


def shown(street: Street) -> dict[str, int | None]:
    return {line.meter: line.balance_micro for line in live_values(street.place, street.state)}


def two_of_one_wallet() -> Street:
    """A shop of two meters with 30 yuan, started again: neither has been read since."""
    config = box_config(meters=(meter_config(0), meter_config(1)), wallets=(wallet_config(0, (0, 1)),))
    street = Street(config)
    for index in (0, 1):
        street.read(index, 0)
    street.grant(0, 30)
    street.begin_anew(RelayPosition.CLOSED)
    street.at_s = 60
    return street


def test_a_balance_is_shown_once_every_meter_of_the_wallet_was_read() -> None:
    street = two_of_one_wallet()
    assert shown(street) == {}
    street.read(0, 2_000)
    assert shown(street) == {METERS[0]: None}, "what the other one has drawn is not known yet"
    street.read(1, 3_000)
    assert shown(street) == dict.fromkeys(METERS[:2], 25 * YUAN)


def test_a_lost_meter_keeps_no_balance_back() -> None:
    street = two_of_one_wallet()
    street.read(0, 2_000)
    street.lose(1)
    assert shown(street) == {METERS[0]: 28 * YUAN}
