"""Initials as a cashier types them."""

import pytest

from cloud_server.core.pinyin_initials import pinyin_initials


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ("鲜果铺", "xgp"),
        ("老街面馆", "ljmg"),
        ("A101 小满咖啡", "a101xmkf"),
        ("王建国", "wjg"),
        ("啊", "a"),
        ("座", "z"),
        ("匝", "z"),
        ("杂货", "zh"),
        ("", ""),
        ("—（）", ""),
        ("😀", ""),
    ],
)
def test_initials(text: str, initials: str) -> None:
    assert pinyin_initials(text) == initials
