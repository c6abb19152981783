"""The modem driver against a modem on a pty that is as strict as a real one and misbehaves as it is told."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_server.messages.gsm_modem import GsmModem
from cloud_server.messages.modem_port import ModemSettings, Patience
from cloud_server.ports.messages import LeftBehind, NotKnown, NotSent, OnePart, PartFate
from provisioning.simulator.gsm_modem import SimulatedModem

QUICK = Patience(command_s=0.4, pin_s=0.5, prompt_s=0.4, sending_s=0.8, probe_s=0.1, tries=2)
NOISE = ("+CREG: 1", "RING", "^RSSI: 21", '+CMTI: "SM",3', "OKAY", "+CSQN: 12,99")


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedModem]:
    with SimulatedModem(tmp_path / "modem", tmp_path / "taken.jsonl") as modem:
        yield modem


@pytest.fixture
def modem(simulated: SimulatedModem, tmp_path: Path) -> Iterator[GsmModem]:
    made = GsmModem(ModemSettings(port=str(simulated.link), patience=QUICK, refused_pin=tmp_path / "refused"))
    yield made
    made.close()


def part(text: str = "余额不足", **how: int) -> OnePart:
    given = {"reference": 7, "of": 1, "n": 1, "validity_min": 1_440} | how
    return OnePart(number="+8613800010203", text=text, wide=not text.isascii(), **given)


def nothing() -> None:
    return


def reports(modem: GsmModem, count: int) -> list[PartFate]:
    found: list[PartFate] = []
    until = time.monotonic() + 30
    while len(found) < count and time.monotonic() < until:
        found += modem.reports(0.05)
    return found


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("noise", [(), NOISE])
def test_sends_and_hears_what_became_of_it(
    simulated: SimulatedModem, modem: GsmModem, echo: bool, noise: tuple[str, ...]
) -> None:
    simulated.manners.echo = echo
    simulated.manners.noise = noise
    assert modem.open() == LeftBehind()
    assert modem.state().sends
    assert modem.state().signal_dbm == -71
    handed: list[int] = []
    numbers = [
        modem.send(part(text, of=2, n=n), lambda: handed.append(len(simulated.taken)))
        for n, text in enumerate(("您的余额", "只剩五元[€]"), 1)
    ]
    assert handed == [0, 1]
    assert [each.number for each in simulated.taken] == numbers
    assert simulated.messages() == [("+8613800010203", "您的余额只剩五元[€]")]
    fates = reports(modem, 2)
    assert [(fate.number, fate.fate) for fate in fates] == [(numbers[0], "delivered"), (numbers[1], "delivered")]
    assert abs(fates[0].accepted_at_ms - simulated.taken[0].at_ms) <= 1_000


def test_reports_that_come_straight_where_the_modem_keeps_none(simulated: SimulatedModem, modem: GsmModem) -> None:
    simulated.manners.stores_reports = False
    simulated.manners.status = 0x46
    modem.open()
    number = modem.send(part(), nothing)
    (fate,) = reports(modem, 1)
    assert (fate.number, fate.fate, fate.status) == (number, "failed", 0x46)
    assert "AT+CNMI=2,0,0,1,0" in simulated.commands


def test_reports_that_came_while_nobody_listened_are_found(simulated: SimulatedModem, modem: GsmModem) -> None:
    simulated.manners.report_s = 0.2
    modem.open()
    number = modem.send(part(), nothing)
    modem.close()
    time.sleep(0.5)
    modem.open()
    assert [fate.number for fate in reports(modem, 1)] == [number]
    assert "AT+CMGD=1" in simulated.commands
    modem.open()
    assert modem.reports(0.1) == []


def test_a_report_between_a_command_and_its_answer(simulated: SimulatedModem, modem: GsmModem) -> None:
    modem.open()
    modem.send(part("一"), nothing)
    time.sleep(0.1)
    modem.send(part("二"), nothing)
    assert len(reports(modem, 2)) == 2


def test_a_network_that_takes_its_time(simulated: SimulatedModem, modem: GsmModem) -> None:
    simulated.manners.network_s = 0.5
    modem.open()
    assert modem.send(part(), nothing) == 1


def test_no_prompt_means_not_sent(simulated: SimulatedModem, modem: GsmModem) -> None:
    modem.open()
    simulated.manners.no_prompt = 1
    with pytest.raises(NotSent, match="no prompt within"):
        modem.send(part(), lambda: pytest.fail("handed over without a prompt"))
    assert not modem.is_open()
    assert modem.state().problem == "silent"
    modem.open()
    assert modem.send(part(), nothing) == 1


@pytest.mark.parametrize(("code", "lasting"), [(500, False), (38, False), (1, True), (304, True)])
def test_a_refusal_at_part_2(simulated: SimulatedModem, modem: GsmModem, code: int, lasting: bool) -> None:
    simulated.manners.refuse = {2: code}
    modem.open()
    modem.send(part("一", of=2, n=1), nothing)
    with pytest.raises(NotSent, match=f"CMS ERROR {code}") as found:
        modem.send(part("二", of=2, n=2), nothing)
    assert found.value.lasting is lasting
    assert modem.is_open()
    modem.send(part("二", of=2, n=2), nothing)
    assert simulated.messages() == [("+8613800010203", "一二")]


def test_a_network_timeout_is_not_known(simulated: SimulatedModem, modem: GsmModem) -> None:
    simulated.manners.refuse = {1: 332}
    modem.open()
    with pytest.raises(NotKnown, match="332"):
        modem.send(part(), nothing)


def test_an_answer_that_never_comes_is_not_known(simulated: SimulatedModem, modem: GsmModem) -> None:
    simulated.manners.lose_answer = 1
    modem.open()
    with pytest.raises(NotKnown, match="no answer within"):
        modem.send(part(), nothing)
    assert len(simulated.taken) == 1


@pytest.mark.parametrize(("manner", "taken"), [("cut_before_take", 0), ("cut_after_take", 1)])
def test_power_goes_after_the_last_key(simulated: SimulatedModem, modem: GsmModem, manner: str, taken: int) -> None:
    modem.open()
    setattr(simulated.manners, manner, 1)
    with pytest.raises(NotKnown):
        modem.send(part(), nothing)
    assert len(simulated.taken) == taken
    assert modem.state().problem in ("no_port", "silent")
    with pytest.raises(NotSent, match="no_port"):
        modem.open()
    simulated.power(on=True)
    assert modem.open() == LeftBehind()
    assert len(reports(modem, taken)) == taken


def test_power_goes_at_the_prompt(simulated: SimulatedModem, modem: GsmModem) -> None:
    modem.open()

    def cut() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        modem.send(part(), cut)
    assert not modem.is_open()
    modem.open()
    assert simulated.taken == []


def test_a_prompt_left_open_by_a_killed_run_is_found(simulated: SimulatedModem, tmp_path: Path) -> None:
    killed = GsmModem(ModemSettings(port=str(simulated.link), patience=QUICK))
    killed.open()
    assert killed._line is not None
    killed._line.prompt("AT+CMGS=19", 1)
    killed._line.write(b"0031000D91683108108300F00008A70465AD")
    killed.close()
    after = GsmModem(ModemSettings(port=str(simulated.link), patience=QUICK))
    assert after.open() == LeftBehind(at_prompt=True)
    after.close()


def test_an_answer_that_comes_to_the_next_run_is_found(simulated: SimulatedModem) -> None:
    simulated.manners.network_s = 0.5
    killed = GsmModem(ModemSettings(port=str(simulated.link), patience=QUICK))
    killed.open()
    assert killed._line is not None
    killed._line.prompt("AT+CMGS=19", 1)
    killed._line.write(b"0031000D91683108108300F00008A70465AD7535\x1a")
    killed.close()
    after = GsmModem(ModemSettings(port=str(simulated.link), patience=QUICK))
    assert after.open() == LeftBehind(number=1)
    assert after.send(part(), nothing) == 2
    after.close()


def test_pin_is_given_and_a_wrong_one_never_twice(simulated: SimulatedModem, modem: GsmModem, tmp_path: Path) -> None:
    simulated.manners.pin = "4711"
    with pytest.raises(NotSent, match="pin_wanted"):
        modem.open()
    wrong = ModemSettings(port=str(simulated.link), patience=QUICK, pin="0815", refused_pin=tmp_path / "refused")
    for _ in range(3):
        with pytest.raises(NotSent, match="pin_refused") as found:
            GsmModem(wrong).open()
        assert "0815" not in str(found.value)
    assert simulated.commands.count('AT+CPIN="0815"') == 1
    right = GsmModem(
        ModemSettings(port=str(simulated.link), patience=QUICK, pin="4711", refused_pin=tmp_path / "refused")
    )
    right.open()
    assert right.send(part(), nothing) == 1
    right.close()


def test_registration_and_signal_are_watched(simulated: SimulatedModem, modem: GsmModem) -> None:
    modem.open()
    simulated.manners.registered = False
    assert (modem.look().problem, modem.state().sends) == ("not_registered", False)
    simulated.manners.registered, simulated.manners.signal = True, 3
    assert (modem.look().problem, modem.state().sends) == ("weak_signal", True)
    simulated.manners.signal = 99
    assert (modem.look().problem, modem.state().signal_dbm) == ("", None)
    simulated.manners.silent = 1
    assert modem.look().problem == "silent"
    assert not modem.is_open()


def test_a_modem_that_is_not_there(tmp_path: Path) -> None:
    modem = GsmModem(ModemSettings(port=str(tmp_path / "none"), patience=QUICK))
    with pytest.raises(NotSent, match="no_port"):
        modem.open()
    assert modem.state().problem == "no_port"


def test_a_number_that_cannot_be_is_refused_for_good(simulated: SimulatedModem, modem: GsmModem) -> None:
    modem.open()
    bad = OnePart(number="138-0001", text="x", reference=1, of=1, n=1, validity_min=60, wide=False)
    with pytest.raises(NotSent) as found:
        modem.send(bad, nothing)
    assert found.value.lasting
