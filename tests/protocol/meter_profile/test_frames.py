"""Questions as bytes: each equal to what an independent library builds, and nothing built that the standard refuses."""

import pytest
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from protocol.meter_profile.frames import read_request, rtu_frame, vendor_request, write_request

_FRAMER = FramerRTU(DecodePDU(False))
_READS = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}


@pytest.mark.parametrize("function", _READS)
@pytest.mark.parametrize(("unit", "address", "count"), [(1, 0, 1), (5, 0x0C, 8), (247, 0xFFFE, 2), (200, 0x1234, 125)])
def test_a_read_is_what_another_library_builds(function: int, unit: int, address: int, count: int) -> None:
    theirs = _FRAMER.buildFrame(_READS[function](address=address, count=count, dev_id=unit))
    ours = read_request(unit, function, address, count)
    assert ours.frame == theirs
    assert ours.reply_length == 5 + ((count + 7) // 8 if function < 3 else 2 * count)


def _their_write(function: int, unit: int, address: int, values: tuple[int, ...]) -> ModbusPDU:
    bits = [value != 0 for value in values]
    match function:
        case 5:
            return WriteSingleCoilRequest(dev_id=unit, address=address, bits=bits)
        case 6:
            return WriteSingleRegisterRequest(dev_id=unit, address=address, registers=list(values))
        case 15:
            return WriteMultipleCoilsRequest(dev_id=unit, address=address, bits=bits)
        case _:
            return WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=list(values))


@pytest.mark.parametrize(
    ("function", "values"),
    [(5, (1,)), (5, (0,)), (6, (0xBEEF,)), (15, (1, 0, 1)), (15, (1,) * 9), (16, (0, 0x447A)), (16, (7,) * 100)],
)
def test_a_write_is_what_another_library_builds(function: int, values: tuple[int, ...]) -> None:
    theirs = _FRAMER.buildFrame(_their_write(function, 17, 0x000E, values))
    assert write_request(17, function, 0x000E, values).frame == theirs


def test_a_maker_s_own_function_is_wrapped_and_nothing_else() -> None:
    asked = vendor_request(5, 0x28, bytes.fromhex("FE0100020400000000"), bytes.fromhex("FE010001"))
    assert asked.frame == _FRAMER.encode(bytes.fromhex("28FE0100020400000000"), 5, 0)
    assert asked.write_echo == bytes.fromhex("FE010001")
    assert asked.reply_length == 8
    assert rtu_frame(1, b"\x03") == _FRAMER.encode(b"\x03", 1, 0)


@pytest.mark.parametrize(
    ("function", "count", "says"),
    [(6, 1, "reads nothing"), (3, 126, "1 to 125"), (1, 2001, "1 to 2000"), (4, 0, "1 to")],
)
def test_no_read_goes_beyond_the_standard(function: int, count: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_request(1, function, 0, count)


@pytest.mark.parametrize(("function", "values"), [(3, (1,)), (5, (1, 0)), (6, (1, 2))])
def test_no_write_by_another_function_or_of_too_many(function: int, values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="writes"):
        write_request(1, function, 0, values)
