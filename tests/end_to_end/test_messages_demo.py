"""The whole product in its own processes: a shop's money runs low, and its telephone hears of it in the right words."""

import json
import re
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from provisioning.demo.folder import free_port
from tests.end_to_end.running_demo import RunningDemo, wait_until

pytestmark = pytest.mark.xdist_group("demo")

DRY_WATTS = 32_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    running = RunningDemo(tmp_path_factory.mktemp("messages") / "state")
    try:
        running.start("--port", str(free_port(0, set())))
        yield running
    finally:
        if running.process is not None:
            running.end()


def heard(demo: RunningDemo, number: str) -> list[str]:
    """Messages that a shop's telephone holds."""
    messages: list[dict[str, Any]] = demo.control.messages()["messages"]
    return [each["text"] for each in messages if each["to"] == f"138{int(number):08}"]


def test_a_shop_at_alarm_2_and_cut_off_is_told_what_to_do(demo: RunningDemo) -> None:
    number = next(n for n, point in demo.points().items() if point["state"] in ("normal", "alarm1") and n == "101")
    demo.control.load(number, DRY_WATTS)
    wait_until(lambda: demo.relay(number) == "open", 100, "the shop is dark")
    wait_until(lambda: any("停电（欠费）" in text for text in heard(demo, number)), 40, "the message on the cut")
    text = next(text for text in heard(demo, number) if "停电（欠费）" in text)
    for piece in ("滨江商业街：101 ", "元以上恢复供电", "物业收费处", "截至", "余额"):
        assert piece in text, text
    assert len([each for each in heard(demo, number) if "停电（欠费）" in each]) == 1


def test_the_link_in_the_message_opens_the_shops_own_page(demo: RunningDemo) -> None:
    text = next(text for text in heard(demo, "101") if "停电（欠费）" in text)
    (path,) = re.findall(r"https://127\.0\.0\.1:\d+(/my/[\w-]{22})", text)
    with httpx.Client(
        base_url=demo.facts["url"], verify=ssl.create_default_context(cafile=demo.facts["ca_file"])
    ) as client:
        page = client.get(path, headers={"Accept-Language": "zh-CN"})
        assert page.status_code == 200
        assert "101" in page.text
        assert client.get(path[:-1] + ("A" if path[-1] != "A" else "B")).status_code == 404


def test_a_killed_centre_tells_nothing_twice(demo: RunningDemo) -> None:
    before = heard(demo, "101")
    demo.control.kill("centre")
    demo.control.start("centre")
    wait_until(lambda: bool(demo.points()), 60, "the centre is back")
    demo.sell("101", "100.00")
    wait_until(lambda: any("已恢复供电" in text for text in heard(demo, "101")), 60, "the message on the light")
    after = heard(demo, "101")
    assert [text for text in after if "停电（欠费）" in text] == [text for text in before if "停电（欠费）" in text]
    restored = next(text for text in after if "已恢复供电" in text)
    assert "发热电器" in restored
    parts = [json.loads(line) for line in (demo.state / "messages.jsonl").read_text().splitlines()]
    places = [(part["recipient"], part["reference"], part["n"]) for part in parts if part["of"] > 1]
    assert len(places) == len(set(places))
