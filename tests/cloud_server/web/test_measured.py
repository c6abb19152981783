"""What a meter measures, in words: every name that a profile can give has one."""

from cloud_server.core.views import LiveValue
from cloud_server.web.measured import measured
from cloud_server.web.show import Show
from protocol.meter_profile.words import PREPAID, QUANTITIES, reported_key


def test_every_name_that_a_profile_can_give_has_a_word() -> None:
    names = [reported_key(name, dimension) for name, dimension in (QUANTITIES | PREPAID).items()]
    names += ["price_peak_micro", "price_flat_micro"]
    show = Show(str, "Asia/Shanghai", "CNY", 0)
    for name in names:
        shown = measured([LiveValue(name=name, value=1_234_567)], show, str)
        words = [word for word, _ in (*shown.values, *shown.more)]
        assert not any("_" in word or word == name for word in words), (name, words)
        assert len(words) + len(shown.phases) == (name not in {"raw_wh", "power_w"}), name


def test_units_and_signs_of_a_few() -> None:
    show = Show(str, "Asia/Shanghai", "CNY", 0)
    values = [
        LiveValue(name="voltage_ab_mv", value=396_100),
        LiveValue(name="energy_a_raw_wh", value=4_321_000),
        LiveValue(name="balance_micro", value=-1_500_000),
        LiveValue(name="overload_open_s", value=90),
        LiveValue(name="purchase_count", value=7),
    ]
    shown = dict(measured(values, show, str).more)
    assert shown == {
        "Voltage AB": "396.1 V",
        "Energy A": "4,321.00 kWh",
        "Balance in the meter": "\u22121.5000 \u00a5",
        "Open after overload, in the meter": "90 s",
        "Number of purchases, in the meter": "7",
    }


def test_a_name_of_a_sites_own_profile_is_shown_without_its_underscores() -> None:
    show = Show(str, "Asia/Shanghai", "CNY", 0)
    assert measured([LiveValue(name="cabinet_door", value=1)], show, str).more == (("cabinet door", "1"),)
