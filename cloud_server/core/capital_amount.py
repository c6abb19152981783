"""An amount of money in capital characters (大写), as receipts in China carry it. Pure.

Source: 票据法 and 支付结算办法, annex 1 (how to fill in amounts): 零 for gaps, 整 after yuan or jiao.
"""

from typing import Final

from protocol.units import FEN_MICRO, Micro

_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿", "万亿")


def capital_amount(micro: Micro) -> str:
    """Write micro-units of yuan: 1_234_500_000 -> "壹仟贰佰叁拾肆元伍角整"; a minus is 负; below a fen is cut off."""
    fen = abs(micro) // FEN_MICRO
    yuan, jiao, rest = fen // 100, fen // 10 % 10, fen % 10
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif rest and yuan:
        text += "零"
    if rest:
        text += f"{_DIGITS[rest]}分"
    if not text:
        text = "零元"
    return f"{'负' if micro < 0 and fen else ''}{text}{'' if rest else '整'}"


def _whole(number: int) -> str:
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    for index in reversed(range(len(groups))):
        group = groups[index]
        if group:
            gap = "零" if text and group < 1_000 else ""
            text += gap + _group(group) + _GROUPS[index]
    return text


def _group(number: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
            gap = False
        else:
            gap = bool(text)
    return text
