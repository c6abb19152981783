"""A sale for a box out of reach, carried by hand: the file and the codes hold exactly the signed lines that wait."""

from protocol.courier import read_file
from tests.cloud_server.console_rig import ConsoleRig
from tests.cloud_server.street import box_id
from tests.cloud_server.web.test_refund_pages import sell, sold


def test_a_sale_that_waits_is_carried_as_a_file_or_as_codes(console: ConsoleRig) -> None:
    box, cashier = sold(console)
    assert "The box lacks nothing." in cashier.get(f"/courier/{box_id(1)}")
    console.rig.clock.advance(600_000)
    sell(cashier, "50")
    assert f'href="/courier/{box_id(1)}"' in cashier.text
    cashier.get(f"/courier/{box_id(1)}")
    assert "1 signed command that the box has not fetched" in cashier.text
    assert cashier.text.count("<svg") > 1
    assert "1 / 1" in cashier.text
    answer = cashier.client.get(f"/courier/{box_id(1)}/file")
    assert f'filename="to-box-{box_id(1)}' in answer.headers["content-disposition"]
    lines = [entry.line for entry in read_file(answer.content)]
    assert [line.type_name for line in lines if line is not None][-1] == "command"
    carried = [line for line in lines if line is not None and line.type_name == "command"]
    for line in carried:
        box.apply(line)
    console.rig.settle(box)
    assert not console.rig.breaches()
    assert "The box lacks nothing." in cashier.get(f"/courier/{box_id(1)}")


def test_a_box_that_there_is_not(console: ConsoleRig) -> None:
    console.rig.plan()
    cashier = console.browser("cashier")
    cashier.get("/courier/" + "0" * 32)
    assert cashier.status == 404
    auditor = console.browser("auditor")
    auditor.get(f"/courier/{box_id(1)}")
    assert auditor.status == 403
