"""Texts of messages in both languages, the variables that they may name, and filling them in. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cloud_server.core.message_settings import Language
from protocol.units import FEN_MICRO, Micro, Ms

_NAME: Final = re.compile(r"\{(\w*)\}")
TEXT_CHARACTERS_MAX: Final = 500
"""Seven or eight parts in Chinese: more is a letter."""
_MONEY: Final = ("shop", "balance", "at", "pay")
VARIABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "alarm1": ((*_MONEY, "reconnect", "cut"), ("site", "days", "link")),
    "alarm2": ((*_MONEY, "reconnect", "cut"), ("site", "days", "link")),
    "arrears": ((*_MONEY, "needed", "cut"), ("site", "link")),
    "cut_off": ((*_MONEY, "needed"), ("site", "cause", "cut_at", "link")),
    "restored": (("shop", "balance", "at"), ("site", "pay", "reconnect", "cut", "days", "link")),
    "sale": (("shop", "amount", "balance", "at", "receipt"), ("site", "days", "link")),
    "sale_waiting": (("shop", "amount", "balance", "at", "receipt"), ("site", "link")),
    "refund": (("shop", "amount", "balance", "at"), ("site", "days", "link")),
    "reversal": (("shop", "amount", "receipt", "balance", "at"), ("site", "days", "pay", "link")),
    "forecast": ((*_MONEY, "days", "reconnect", "cut"), ("site", "link")),
    "estimated": ((*_MONEY, "estimate", "reconnect", "cut"), ("site", "days", "link")),
    "number_changed": (("tail",), ("site", "at", "pay")),
    "duty": (("what", "where", "since"), ("site", "severity", "step")),
}
"""By occasion: variables that its text must name, and others that it may."""

TEXTS: Final[dict[Language, dict[str, str]]] = {
    "zh-CN": {
        "alarm1": "{site}：{shop}截至{at}电费余额{balance}元，已低于第一提醒额。{days}，最早停电时间{cut}；停电后余"
        "额达{reconnect}元恢复供电。请到{pay}缴费。{link}",
        "alarm2": "{site}：{shop}截至{at}电费余额{balance}元，已低于第二提醒额，即将停电。{days}，最早停电时间{cut}"
        "；停电后余额达{reconnect}元恢复供电。请尽快到{pay}缴费。{link}",
        "arrears": "{site}：{shop}截至{at}已欠费，余额{balance}元，最早停电时间{cut}。缴费{needed}元以上恢复供电。请"
        "到{pay}缴费。{link}",
        "cut_off": "{site}：{shop}已于{cut_at}停电（{cause}），截至{at}余额{balance}元。缴费{needed}元以上恢复供电。"
        "请到{pay}缴费。{link}",
        "restored": "{site}：{shop}已恢复供电，截至{at}余额{balance}元，{days}。请留意电炉、取暖器等发热电器，无人时"
        "请断开。{link}",
        "sale": "{site}：{shop}购电{amount}元已到账，收据{receipt}，截至{at}余额{balance}元，{days}。{link}",
        "sale_waiting": "{site}：{shop}购电{amount}元已收款，收据{receipt}，正在等待送达电表；购电前余额{balance}元"
        "（{at}）。{link}",
        "refund": "{site}：{shop}退电{amount}元已付，截至{at}余额{balance}元。{link}",
        "reversal": "{site}：{shop}收据{receipt}的购电{amount}元已冲正，截至{at}余额{balance}元。如有疑问请"
        "到{pay}。{link}",
        "forecast": "{site}：{shop}截至{at}电费余额{balance}元，{days}，最早停电时间{cut}；停电后余额达{reconnect}元"
        "恢复供电。请到{pay}缴费。{link}",
        "estimated": "{site}：{shop}电费余额估算为{estimate}元（电表暂时失联，最后余额{balance}元，截至{at}）。最早停"
        "电时间{cut}；停电后余额达{reconnect}元恢复供电。请到{pay}缴费。{link}",
        "number_changed": "{site}：本号码不再接收电费通知，已改为尾号{tail}的号码。如非本人办理，请联系{pay}。",
        "duty": "{site}告警（{severity}）：{where} {what}，{since}起，尚无人确认。",
    },
    "en": {
        "alarm1": "{site}: {shop}: balance {balance} as of {at}, below the first warning. {days}, earliest cut "
        "{cut}; after a cut supply is back at {reconnect}. Pay at {pay}. {link}",
        "alarm2": "{site}: {shop}: balance {balance} as of {at}, below the second warning: a cut is near. {days}, "
        "earliest cut {cut}; after a cut supply is back at {reconnect}. Pay soon at {pay}. {link}",
        "arrears": "{site}: {shop} is in arrears: balance {balance} as of {at}, earliest cut {cut}. {needed} or "
        "more restores supply. Pay at {pay}. {link}",
        "cut_off": "{site}: {shop} was cut off at {cut_at} ({cause}), balance {balance} as of {at}. {needed} or "
        "more restores supply. Pay at {pay}. {link}",
        "restored": "{site}: {shop} is supplied again, balance {balance} as of {at}. {days}. Mind cookers, heaters "
        "and other appliances that get hot; switch them off where nobody is. {link}",
        "sale": "{site}: {shop}: {amount} received, receipt {receipt}, balance {balance} as of {at}. {days}. {link}",
        "sale_waiting": "{site}: {shop}: {amount} received, receipt {receipt}; it is on its way to the meter. Balance "
        "before {balance} ({at}). {link}",
        "refund": "{site}: {shop}: {amount} refunded, balance {balance} as of {at}. {link}",
        "reversal": "{site}: {shop}: the sale of {amount}, receipt {receipt}, was reversed; balance {balance} as of "
        "{at}. Questions: {pay}. {link}",
        "forecast": "{site}: {shop}: balance {balance} as of {at}, {days}, earliest cut {cut}; after a cut supply is "
        "back at {reconnect}. Pay at {pay}. {link}",
        "estimated": "{site}: {shop}: balance estimated {estimate}, as of {at} it was {balance} (the meter is out of "
        "reach). Earliest cut {cut}; after a cut supply is back at {reconnect}. Pay at {pay}. {link}",
        "number_changed": "{site}: this number no longer gets messages on electricity; they go to the number ending in "
        "{tail}. If this was not you: {pay}.",
        "duty": "{site} alarm ({severity}): {where} {what} since {since}, not acknowledged.",
    },
}
_WORDS: Final[dict[Language, dict[str, str]]] = {
    "zh-CN": {
        "unknown": "未定", "no_days": "可用天数未知", "days": "照近来用电约可用{n}天",
        "less": "照近来用电不足一天",
        "long": "照近来用电可用两个月以上",
        "arrears": "欠费", "alarm2": "余额不足提醒", "overload": "过载", "forced_off": "管理拉闸", "now": "即刻起",
        "critical": "紧急", "severe": "严重", "warning": "一般", "notice": "提示",
    },
    "en": {
        "unknown": "not known", "no_days": "days left not known", "days": "about {n} days left at this week's use",
        "less": "less than a day left at this week's use",
        "long": "more than two months left at this week's use", "arrears": "arrears",
        "alarm2": "low balance", "overload": "overload", "forced_off": "switched off by the office", "now": "any time",
        "critical": "critical", "severe": "severe", "warning": "warning", "notice": "notice",
    },
}  # fmt: skip
CAUSES: Final = {"overload_latched": "overload"}
SAMPLE: Final[dict[str, str]] = {
    "site": "测试商业街", "shop": "A101 张记面馆", "balance": "4.96", "at": "11-22 14:05", "needed": "15.04",
    "reconnect": "20.00", "cut": "11-23 09:00", "cut_at": "11-22 14:05", "pay": "物业收费处，8:30-20:00",
    "days": "照近来用电约可用2天", "link": "https://centre.example:18443/my/0123456789ABCDEFGHIJKL", "amount": "100.00",
    "receipt": "S1-20261122-1-0042", "cause": "欠费", "estimate": "3.20", "tail": "0188", "what": "数据采集箱失联",
    "where": "A1 数据采集箱", "since": "11-22 13:40", "severity": "严重", "step": "1",
}  # fmt: skip
"""Values that a preview shows, as long as they come in real life."""


@dataclass(frozen=True, slots=True)
class TextMistake:
    """What is wrong with a text: a code, and what it is about."""

    code: str
    about: str


def text_mistakes(occasion: str, text: str) -> list[TextMistake]:
    """All of them: unknown and missing variables, braces that are no variable, characters that nobody can read."""
    must, may = VARIABLES[occasion]
    named = _NAME.findall(text)
    found = [TextMistake("unknown_variable", name) for name in dict.fromkeys(named) if name not in (*must, *may)]
    found += [TextMistake("missing_variable", name) for name in must if name not in named]
    rest = _NAME.sub("", text)
    if "{" in rest or "}" in rest:
        found.append(TextMistake("brace", rest[max(rest.find("{"), rest.find("}")) :][:10]))
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") and character != "\n" for character in text):
        found.append(TextMistake("control_character", ""))
    if not 0 < len(text) <= TEXT_CHARACTERS_MAX:
        found.append(TextMistake("length", str(len(text))))
    return found


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in; nothing in a value is read as a variable."""
    return _NAME.sub(lambda match: values.get(match[1], ""), text).strip()


def word(language: Language, name: str) -> str:
    """A word that variables are made from."""
    return _WORDS[language][name]


def cause_words(language: Language, cause: str) -> str:
    """Why a supply was cut."""
    return _WORDS[language].get(CAUSES.get(cause, cause), cause)


def money_text(micro: Micro) -> str:
    """An amount with two decimals, rounded down to the fen, with a minus that every telephone knows."""
    fen = micro // FEN_MICRO
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def moment_text(at_ms: Ms, zone: ZoneInfo) -> str:
    """Month, day, hour, minute in the site's zone: 11-22 14:05."""
    return datetime.fromtimestamp(at_ms // 1000, zone).strftime("%m-%d %H:%M")


def days_text(language: Language, zero_at_ms: Ms | None, now_ms: Ms, *, known: bool) -> str:
    """How long it will last, in words."""
    if not known:
        return word(language, "no_days")
    if zero_at_ms is None:
        return word(language, "long")
    days = (zero_at_ms - now_ms) // 86_400_000
    return word(language, "less") if days < 1 else word(language, "days").format(n=days)
