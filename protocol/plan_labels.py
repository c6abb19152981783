"""PURE: from a plan as people write it to the plan that the centre takes, or the list of all its mistakes.

People write labels where the wire wants ids; each label of a kind gets one id, which stays when the plan is changed
and sent again. Reads no file, makes no id and sends nothing: that is `plan_file` and `centre_api`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec

from protocol import box_config, config_text, plan_reasons, site_plan
from protocol.errors import BadTariff
from protocol.ids import is_id
from protocol.reason import Reason
from protocol.site_plan import SitePlan
from protocol.tariff import read_tariff
from protocol.type_reasons import place_in, type_reason

ID_KINDS: Final = frozenset(
    {"site", "building", "box", "bus", "device", "meter", "point", "customer", "account", "wallet", "tariff"}
)
"""Keys of a plan whose value is an id."""
_SHOWN_CHARACTERS: Final = 60
_IDS: Final = re.compile(r"[0-9a-f]{32}")

IdBook = dict[str, dict[str, str]]
"""By kind: the id of each label."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in a plan that cannot be taken: where, what stands there, and what would be right."""

    place: str
    value: str
    right: Reason

    def __str__(self) -> str:
        return f"{self.place}: {self.value}: {self.right}" if self.value else f"{self.place}: {self.right}"


def give_ids(plan: Any, book: IdBook, make_id: Callable[[], str]) -> tuple[Any, IdBook]:
    """The plan with an id for each label, and the book with the labels that were new. `book` stays as it is."""
    grown = {kind: dict(labels) for kind, labels in book.items()}
    return _with_ids(plan, "", grown, make_id), grown


def _with_ids(value: Any, kind: str, book: IdBook, make_id: Callable[[], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_ids(each, key, book, make_id) for key, each in value.items()}
    if isinstance(value, list):
        # Only `meters` of a wallet is a list of ids; its kind is the singular.
        return [_with_ids(each, kind.removesuffix("s"), book, make_id) for each in value]
    if kind in ID_KINDS and isinstance(value, str) and value and not is_id(value):
        labels = book.setdefault(kind, {})
        if value not in labels:
            labels[value] = make_id()
        return labels[value]
    return value


def read_plan(plan: Any, book: IdBook) -> tuple[SitePlan | None, list[Mistake]]:
    """Check a plan whose labels have ids. All mistakes of form are found at once; without any, all of meaning."""
    found = list(_form_mistakes(SitePlan, plan, ""))
    if found:
        return None, [with_labels(each, book) for each in found]
    try:
        read = msgspec.convert(plan, SitePlan)
    except msgspec.ValidationError as fault:
        return None, [Mistake(place_in(str(fault)) or "plan", "", type_reason(str(fault)))]
    found_of = {
        str(one): one for one in (*site_plan.find_mistakes(read), *_tariff_mistakes(read), *_box_mistakes(read))
    }
    mistakes = [with_labels(Mistake("plan", "", reason), book) for reason in found_of.values()]
    return (None if mistakes else read), mistakes


def _tariff_mistakes(plan: SitePlan) -> Iterator[Reason]:
    for tariff in plan.tariffs:
        try:
            read_tariff(tariff.text)
        except BadTariff as fault:
            place = {"name": tariff.tariff, "version": tariff.version}
            yield from (plan_reasons.TARIFF_TEXT(**place, fault=reason) for reason in fault.reasons)


def _box_mistakes(plan: SitePlan) -> Iterator[Reason]:
    """What the box itself would refuse in its configuration."""
    for box in plan.boxes:
        config = box_config.BoxConfig(
            site=plan.settings,
            defaults=plan.defaults,
            buses=box.buses,
            devices=box.devices,
            meters=box.meters,
            wallets=[_wallet(wallet) for wallet in plan.wallets if wallet.box == box.box],
            tariffs=plan.tariffs,
            profiles=plan.profiles,
        )
        yield from (plan_reasons.OF_BOX(box=box.name, fault=reason) for reason in config_text.find_mistakes(config))


def _wallet(wallet: site_plan.WalletPlan) -> box_config.WalletConfig:
    return box_config.WalletConfig(
        wallet=wallet.wallet,
        account=wallet.account,
        account_state="in_use",
        alarm1_micro=wallet.alarm1_micro,
        alarm2_micro=wallet.alarm2_micro,
        credit_limit_micro=wallet.credit_limit_micro,
        reconnect_micro=wallet.reconnect_micro,
        fees=wallet.fees,
        meters=wallet.meters,
    )


def with_labels(mistake: Mistake, book: IdBook) -> Mistake:
    """The same mistake in the words of the person who wrote the plan."""
    made = {made: label for labels in book.values() for label, made in labels.items()}

    def said(text: str) -> str:
        return _IDS.sub(lambda found: made.get(found[0], found[0]), text)

    return Mistake(said(mistake.place), said(mistake.value), mistake.right.renamed(said))


def _form_mistakes(kind: Any, value: Any, place: str) -> Iterator[Mistake]:
    """Compare a value with a type, field by field, and go on after each mistake."""
    bare = _bare(kind)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        yield from _struct_mistakes(bare, value, place)
        return
    element = _element(bare)
    if element is not None and isinstance(value, list):
        inner = [
            mistake
            for number, each in enumerate(value, start=1)
            for mistake in _form_mistakes(element, each, f"{place}[{number}{_name_of(each)}]")
        ]
        yield from inner
        if inner:
            return
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as fault:
        yield Mistake(place or "plan", _shown(value), _right(bare, str(fault)))


def _struct_mistakes(kind: type[msgspec.Struct], value: Any, place: str) -> Iterator[Mistake]:
    if not isinstance(value, Mapping):
        yield Mistake(place or "plan", _shown(value), plan_reasons.TABLE_HERE)
        return
    dot = f"{place}." if place else ""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in fields:
            yield Mistake(f"{dot}{name}", _shown(value[name]), plan_reasons.NOT_KNOWN_HERE(known=", ".join(fields)))
    for name, field in fields.items():
        if name in value:
            yield from _form_mistakes(field.type, value[name], f"{dot}{name}")
        elif field.required:
            yield Mistake(f"{dot}{name}", "", plan_reasons.MISSING)


def _bare(kind: Any) -> Any:
    """The type without its annotation, and without `None` where it may be absent."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    present = [each for each in get_args(kind) if each is not type(None)]
    if type(None) in get_args(kind) and len(present) == 1:
        return _bare(present[0])
    return kind


def _element(kind: Any) -> Any:
    if get_origin(kind) is list:
        return get_args(kind)[0]
    if get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis:
        return get_args(kind)[0]
    return None


def _right(kind: Any, said: str) -> Reason:
    if get_origin(kind) is Literal:
        return plan_reasons.RIGHT_IS_ONE_OF(allowed=", ".join(map(str, get_args(kind))))
    if "[0-9a-f]{32}" in said:
        return plan_reasons.LABEL
    return type_reason(said)


def _name_of(value: Any) -> str:
    """What a person calls this entry, to find it again."""
    if isinstance(value, Mapping):
        for key in ("name", "number"):
            if isinstance(value.get(key), str):
                return f" {value[key]}"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
