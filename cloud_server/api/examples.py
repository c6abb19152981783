"""One example of every body that the API takes, for its document. A test holds each to its schema.

They stand here together, so that what a newcomer copies tells one story: shop A02 of one street.
"""

from typing import Any, Final

ACCOUNT: Final = "019a1fed600070008000acc000010002"
WALLET: Final = "019a1fed60007000800000f000010002"
OTHER_WALLET: Final = "019a1fed60007000800000f000020002"
METER: Final = "019a1fed60007000800000d000010002"
BOX: Final = "019a1fed60007000800000c000020000"
NOON_MS: Final = 1_795_320_000_000

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "AccountIn": {"number": "A02", "meters": [METER], "customer_name": "张记面馆", "phones": ["13800000102"]},
    "AcknowledgeIn": {"alarms": ["019a1fed600070008000a1a000010002"], "note": "an electrician is on the way"},
    "AdjustmentIn": {"amount": "-12.00", "reason": "CT of 200/5 was entered as 150/5", "from_day": "2026-08-01"},
    "AgainIn": {"typed": [{"meter": METER, "raw_wh": 1_234_567}]},
    "AnswerIn": {"answer": "paid", "note": "the signed slip lies in the safe"},
    "CheckIn": {"note": "compared with the meter's photograph"},
    "ClosingIn": {"reason": "the tenant leaves"},
    "ConfirmIn": {"fingerprint": "3f2a 91c0 77de 1b04"},
    "DayIn": {"day": "2026-11-21"},
    "DecisionIn": {"goes_on": "present", "reason": "the other is an old disk image"},
    "ModeIn": {"mode": "protected", "until_ms": NOON_MS},
    "MoveIn": {"from_wallet": WALLET, "to_wallet": OTHER_WALLET, "amount": "50.00", "reason": "moved next door"},
    "OnIn": {"on": True},
    "ReasonIn": {"reason": "stolen out of the shaft"},
    "RefundIn": {"amount": "60.00", "method": "wechat", "reason": "the tenant leaves"},
    "RelocateIn": {"box": BOX, "bus": "A2-1", "device": "A2-1-3", "unit": 12, "reason": "the shaft is rebuilt"},
    "ReplaceIn": {"old_raw_wh": 1_234_567, "serial": "22110045", "new_raw_wh": 0, "reason": "the display is dark"},
    "HistoryIn": {"last": 4711, "reason": "centre and every backup are lost"},
    "OpenSellingIn": {"reason": "the shaft was called: the box works"},
    "RetireIn": {"reason": "burnt out", "typed": [{"meter": METER, "raw_wh": 1_234_567}]},
    "ReversalIn": {"reason": "amount typed wrong"},
    "SaleIn": {"account": ACCOUNT, "amount": "100.00", "method": "wechat", "taken": True},
    "SettlingIn": {"how": "refund", "method": "cash"},
    "StaffIn": {
        "name": "limei",
        "display_name": "李梅",
        "password": "a sentence that is long",
        "roles": ["cashier"],
    },
    "TillCountIn": {"counted": {"cash": "1830.00", "wechat": "420.50"}},
    "TillOpeningIn": {"float_amount": "200.00"},
    "TokenIn": {"name": "energy-analysis", "scopes": ["readings"], "days": 365},
    "WebhookIn": {"url": "https://gateway.example/tallybox", "events": ["sale.on", "refund.paid"]},
}
