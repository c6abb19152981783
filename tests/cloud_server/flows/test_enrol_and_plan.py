"""Boxes come in by claim, proof and a person's yes; a plan is taken whole and told to those it concerns."""

import base64
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from cryptography import x509

from cloud_server.core import accounts
from cloud_server.core.enrolment import fingerprint
from cloud_server.core.mistakes import Mistaken, NotFound
from cloud_server.flows import enrol_box, plan_site
from cloud_server.flows.enrol_box import NotTakenIn, TakenIn, Waiting
from protocol.box_config import TariffText, text_hash
from protocol.chain import EMPTY_COMMANDS
from protocol.commands import Configure, Grant, read_body
from protocol.config_text import read_config
from protocol.envelope import Line, check_signature, read_line, seal
from protocol.errors import BadPayload, BadSignature
from protocol.messages import Enrol, Epoch, Keys
from protocol.payload import read_payload, write_payload
from protocol.signing import signing_key
from tests.cloud_server.site_rig import SiteRig
from tests.cloud_server.speaking_box import SpeakingBox, make_box
from tests.cloud_server.street import FLAT_TARIFF, TARIFF, YUAN, account_id, box_id, meter_id, street, wallet_id

DAY_MS = 86_400_000


def claim(rig: SiteRig, box: int = 1) -> dict[str, object]:
    return tomllib.loads(enrol_box.make_claim(rig.centre, box_id(box), "provisioner"))


def hardware(rig: SiteRig, box: int = 1, seed: str = "a") -> SpeakingBox:
    return make_box(rig.site, box_id(box), rig.clock.now_ms, seed)


def test_a_claim_file_holds_what_a_box_needs(rig: SiteRig) -> None:
    rig.plan()
    said = claim(rig)
    assert said["format"] == 1
    assert (said["site"], said["box"], said["box_name"]) == (rig.site, box_id(1), "A1")
    assert said["centre"] == "https://127.0.0.1:18443"
    assert said["root_key"] == rig.centre.authority.root_public.text
    ca = x509.load_pem_x509_certificate(str(said["ca_pem"]).encode())
    assert ca.fingerprint(ca.signature_hash_algorithm or pytest.fail("no hash")).hex() == said["ca_sha256"]
    assert said["expires_at_ms"] == rig.clock.now_ms + DAY_MS
    assert len(str(said["token"])) == 32


def test_a_confirmed_box_gets_certificate_keys_and_epoch(rig: SiteRig) -> None:
    rig.plan()
    box = hardware(rig)
    line = box.enrol_line(str(claim(rig)["token"]))
    asked = enrol_box.ask_to_enrol(rig.centre, line)
    assert asked == Waiting(fingerprint(box.key.public.keyid))
    assert enrol_box.ask_to_enrol(rig.centre, line) == asked
    enrol_box.confirm(rig.centre, box_id(1), asked.fingerprint.upper().replace(" ", ""), "provisioner")
    came = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(came, TakenIn)
    keys_line, epoch_line = came.lines
    root = rig.centre.authority.root_public
    check_signature(keys_line, {root.keyid: root})
    check_signature(epoch_line, rig.centre.authority.command_keys)
    assert read_payload(keys_line.payload, Keys).key_generation == 1
    epoch = read_payload(epoch_line.payload, Epoch)
    assert (epoch.epoch, epoch.why, epoch.config_version, epoch.closes) == (1, "enrolled", 1, None)
    assert (epoch.commands_base.seq, epoch.commands_base.hash) == (EMPTY_COMMANDS.seq, EMPTY_COMMANDS.hash)
    assert [meter.meter for meter in read_config(epoch.config).meters] == [meter_id(1, n) for n in (1, 2, 3)]
    assert {(meter.mode, meter.service, meter.raw_wh) for meter in epoch.state.meters} == {("prepaid", "observe", None)}
    leaf, ca = x509.load_pem_x509_certificates(came.certificate_pem.encode())
    leaf.verify_directly_issued_by(ca)
    assert leaf.subject.rfc4514_string() == f"CN={box_id(1)}"
    assert rig.breaches() == []


def test_a_token_is_for_one_box_one_day_and_one_key(rig: SiteRig) -> None:
    rig.plan()
    token = str(claim(rig)["token"])
    with pytest.raises(NotTakenIn, match="unknown"):
        enrol_box.ask_to_enrol(rig.centre, hardware(rig).enrol_line("f" * 32))
    with pytest.raises(NotTakenIn, match="unknown"):
        enrol_box.ask_to_enrol(rig.centre, hardware(rig, 2).enrol_line(token))
    enrol_box.ask_to_enrol(rig.centre, hardware(rig).enrol_line(token))
    with pytest.raises(NotTakenIn, match="used"):
        enrol_box.ask_to_enrol(rig.centre, hardware(rig, seed="thief").enrol_line(token))
    late = str(claim(rig, 2)["token"])
    rig.clock.advance(DAY_MS + 1)
    with pytest.raises(NotTakenIn, match="expired"):
        enrol_box.ask_to_enrol(rig.centre, hardware(rig, 2).enrol_line(late))


def test_a_new_claim_ends_the_one_before(rig: SiteRig) -> None:
    rig.plan()
    old, new = str(claim(rig)["token"]), str(claim(rig)["token"])
    with pytest.raises(NotTakenIn, match="unknown"):
        enrol_box.ask_to_enrol(rig.centre, hardware(rig).enrol_line(old))
    assert isinstance(enrol_box.ask_to_enrol(rig.centre, hardware(rig).enrol_line(new)), Waiting)


def outcomes(rig: SiteRig, *lines: Line) -> list[object]:
    """What becomes of requests that arrive at the same moment: what each gets, or why it is refused."""
    at_once = threading.Barrier(len(lines))

    def ask(line: Line) -> object:
        at_once.wait(30)
        try:
            return enrol_box.ask_to_enrol(rig.centre, line)
        except NotTakenIn as fault:
            return str(fault)

    with ThreadPoolExecutor(len(lines)) as pool:
        return list(pool.map(ask, lines))


def test_of_two_machines_with_one_claim_at_the_same_moment_one_waits(rig: SiteRig) -> None:
    rig.plan()
    for _ in range(5):
        token = str(claim(rig)["token"])
        lines = [hardware(rig, seed=seed).enrol_line(token) for seed in ("a", "b", "c", "d")]
        came = outcomes(rig, *lines)
        assert sum(isinstance(one, Waiting) for one in came) == 1, came
        assert sum("used" in str(one) for one in came) == 3, came
    assert rig.breaches() == []


def test_two_boxes_come_in_at_the_same_moment_and_one_that_asks_twice_is_one(rig: SiteRig) -> None:
    rig.plan()
    one, two = (hardware(rig, box).enrol_line(str(claim(rig, box)["token"])) for box in (1, 2))
    first, second, again = outcomes(rig, one, two, one)
    assert isinstance(first, Waiting)
    assert isinstance(second, Waiting)
    assert again == first != second


def test_a_stolen_claim_that_is_used_first_ends_with_the_next_claim(rig: SiteRig) -> None:
    """The thief's fingerprint is not the one on the box's own screen: nobody says yes, and a new claim is made."""
    rig.plan()
    thief, box = hardware(rig, seed="thief"), hardware(rig)
    stolen = thief.enrol_line(str(claim(rig)["token"]))
    assert isinstance(enrol_box.ask_to_enrol(rig.centre, stolen), Waiting)
    with pytest.raises(Mistaken, match="the box that asked has"):
        enrol_box.confirm(rig.centre, box_id(1), fingerprint(box.key.public.keyid), "p")
    line = box.enrol_line(str(claim(rig)["token"]))
    asked = enrol_box.ask_to_enrol(rig.centre, line)
    assert isinstance(asked, Waiting)
    enrol_box.confirm(rig.centre, box_id(1), asked.fingerprint, "p")
    assert isinstance(enrol_box.ask_to_enrol(rig.centre, line), TakenIn)
    with pytest.raises(NotTakenIn, match="unknown"):
        enrol_box.ask_to_enrol(rig.centre, stolen)


def bent(box: SpeakingBox, token: str, **fields: object) -> Enrol:
    return msgspec.structs.replace(read_payload(box.enrol_line(token).payload, Enrol), **fields)


def test_both_keys_must_be_proved(rig: SiteRig) -> None:
    rig.plan()
    token = str(claim(rig)["token"])
    box, other = hardware(rig), hardware(rig, seed="other")
    unproved = bent(box, token, csr=other.csr())
    with pytest.raises(NotTakenIn, match="csr_proof"):
        enrol_box.ask_to_enrol(rig.centre, seal("enrol", write_payload(unproved), box.key))
    with pytest.raises(BadSignature):
        enrol_box.ask_to_enrol(rig.centre, seal("enrol", write_payload(bent(box, token)), other.key))
    with pytest.raises(NotTakenIn, match="PEM"):
        enrol_box.ask_to_enrol(rig.centre, seal("enrol", write_payload(bent(box, token, csr="x")), box.key))
    with pytest.raises(BadPayload, match="csr_proof"):
        enrol_box.ask_to_enrol(rig.centre, seal("enrol", write_payload(bent(box, token, csr_proof="!")), box.key))


def test_a_key_of_small_order_is_refused(rig: SiteRig) -> None:
    rig.plan()
    token = str(claim(rig)["token"])
    weak = base64.b64encode(bytes([1]) + bytes(31)).decode()
    enrol = bent(hardware(rig), token, record_key=weak)
    with pytest.raises(BadSignature, match="small order"):
        enrol_box.ask_to_enrol(rig.centre, seal("enrol", write_payload(enrol), signing_key(bytes(32))))


def test_a_record_key_serves_one_place_only(rig: SiteRig) -> None:
    rig.plan()
    first = rig.enrol(1)
    second = hardware(rig, 2)
    second.key = first.key
    with pytest.raises(NotTakenIn, match="served before"):
        enrol_box.ask_to_enrol(rig.centre, second.enrol_line(str(claim(rig, 2)["token"])))


def test_only_the_right_fingerprint_is_confirmed(rig: SiteRig) -> None:
    rig.plan()
    with pytest.raises(NotFound):
        enrol_box.confirm(rig.centre, "9" * 32, "x", "p")
    with pytest.raises(Mistaken, match="only a box that waits"):
        enrol_box.confirm(rig.centre, box_id(1), "x", "p")
    enrol_box.ask_to_enrol(rig.centre, hardware(rig).enrol_line(str(claim(rig)["token"])))
    with pytest.raises(Mistaken, match="the box that asked has"):
        enrol_box.confirm(rig.centre, box_id(1), "0000 0000 0000 0000", "p")
    rig.enrol(2)
    with pytest.raises(Mistaken, match="enrolled"):
        claim(rig, 2)


def test_a_box_renews_its_certificate(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    came = enrol_box.renew(rig.centre, box.renew_line())
    (leaf, _ca) = x509.load_pem_x509_certificates(came.certificate_pem.encode())
    assert leaf.subject.rfc4514_string() == f"CN={box_id(1)}"
    stranger = hardware(rig, 1, "stranger")
    with pytest.raises(NotTakenIn):
        enrol_box.renew(rig.centre, stranger.renew_line())


# --- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_with_mistakes_changes_nothing(rig: SiteRig) -> None:
    wrong = msgspec.structs.replace(street(rig.site), buildings=[], name="x")
    with pytest.raises(Mistaken) as mistaken:
        plan_site.take_plan(rig.centre, wrong, "p")
    assert len(mistaken.value.mistakes) == 8
    with rig.centre.store.read() as unit:
        assert unit.fleet.plan() is None
        assert unit.fleet.boxes() == []


def test_the_same_plan_again_changes_nothing(rig: SiteRig) -> None:
    rig.plan(opening_micro=5 * YUAN)
    with rig.centre.store.read() as unit:
        head = unit.lines.chain_head("money", "", journaled_only=True)
    assert plan_site.take_plan(rig.centre, street(rig.site, opening_micro=5 * YUAN), "p").changed is False
    with rig.centre.store.read() as unit:
        assert unit.lines.chain_head("money", "", journaled_only=True) == head


def test_opening_balances_reach_the_boxes(rig: SiteRig) -> None:
    rig.plan(opening_micro=5 * YUAN)
    assert rig.ledger(accounts.OPENING) == {"opening": -30 * YUAN}
    box = rig.enrol(1)
    rig.settle(box)
    assert box.book == {wallet_id(1, n): 5 * YUAN for n in (1, 2, 3)}
    causes = [body.cause for body in map(read_body, box.taken) if isinstance(body, Grant)]
    assert causes == ["opening"] * 3
    customer = accounts.customer(account_id(1, 2))
    assert rig.ledger(customer, accounts.wallet(wallet_id(1, 2))) == {accounts.wallet(wallet_id(1, 2)): 5 * YUAN}
    assert rig.breaches() == []


def test_a_new_price_is_told_to_boxes_that_have_an_epoch(rig: SiteRig) -> None:
    rig.plan()
    box = rig.enrol(1)
    text = FLAT_TARIFF.replace("800000", "900000").replace("2026-01-01", "2026-12-01")
    newer = TariffText(tariff=TARIFF, version=2, text=text, hash=text_hash(text))
    plan = street(rig.site)
    taken = plan_site.take_plan(rig.centre, msgspec.structs.replace(plan, tariffs=[*plan.tariffs, newer]), "p")
    assert taken.configured == (box_id(1),)
    rig.settle(box)
    (configure,) = [body for body in map(read_body, box.taken) if isinstance(body, Configure)]
    assert configure.config_version == 2
    assert configure.hash == text_hash(configure.config)
    with rig.centre.store.read() as unit:
        row = unit.fleet.box(box_id(1))
        assert row is not None
        assert (row.config_version, row.held_version) == (2, 2)
        raw = unit.lines.line("command", box_id(1), 1)
    assert raw is not None
    check_signature(read_line(raw), rig.centre.authority.command_keys)
    box.use(meter_id(1, 1), 1_000)
    box.seal()
    rig.settle(box)
    assert rig.breaches() == []
