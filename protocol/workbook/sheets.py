"""PURE: the sheets and columns of the import workbook, in both languages, with what each may hold and an example.

The template is written from this table and a filled workbook is read by it, so the two cannot part. What a row means
for the plan stands in `rows`.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["zh_CN", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh_CN", "en")


def plain(text: str) -> str:
    """Full-width digits and signs as plain ones, no blanks around."""
    return unicodedata.normalize("NFKC", text).strip()


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language == "zh_CN" else self.en

    def both(self) -> frozenset[str]:
        """Both, as they are compared: without regard to capitals and to the width of signs."""
        return frozenset({plain(self.zh).casefold(), plain(self.en).casefold()})


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Amount:
    """A decimal number of at least `least` and at most `most`, given on in millionths."""

    least: int
    most: int
    places: int = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed list: the plan's word for each, and what people write."""

    words: tuple[tuple[str | int, Words], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Any text; `several` are parted by commas or semicolons, at most that many. A `name` stays as it is written;
    elsewhere full-width digits are taken as plain ones, so that one number is one number."""

    several: int = 1
    name: bool = False


@dataclass(frozen=True, slots=True)
class Ratio:
    """A transformer ratio: `200/5`, or `40`."""


@dataclass(frozen=True, slots=True)
class Date:
    """A day, as Excel's date or as 2026-01-31."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of day, parted by commas: `08:00, 18:00`."""


Kind = Whole | Amount | Choice | Text | Ratio | Date | Times


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `absent` is what an empty cell means; without it the cell must be filled."""

    name: str
    words: Words
    kind: Kind
    note: Words
    examples: tuple[str, ...]
    absent: object = ...

    @property
    def required(self) -> bool:
        """An empty cell is a mistake."""
        return self.absent is ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name in both languages and its columns, from left to right."""

    name: str
    words: Words
    columns: tuple[Column, ...]


OWN: Final = object()
"""What an empty cell means where it follows from the rest of the row: see the column's note."""
SUPPLY: Final = Choice((("closed", Words("供电", "on")), ("open", Words("断电", "off"))))
USE: Final = Choice(
    (("tenant", Words("商户", "tenant")), ("main", Words("总表", "main")), ("public", Words("公共", "public")))
)
PARITY: Final = Choice((("N", Words("无", "none")), ("E", Words("偶", "even")), ("O", Words("奇", "odd"))))
BAUDS: Final = Choice(tuple((baud, Words(str(baud), str(baud))) for baud in (1200, 2400, 4800, 9600, 19200, 38400)))
PHASES: Final = Choice(((1, Words("单相", "1")), (3, Words("三相", "3"))))
AMOUNT_MAX: Final = 10_000_000
"""Ten million of the currency: more in one cell is a slip of the finger."""

SITE: Final = Sheet(
    "site",
    Words("站点", "Site"),
    (
        Column("site", Words("站点编号", "Site id"), Text(), Words(
            "centre.toml 中 [site] 的 id；用 --dir 生成的模板已填好",
            "the id under [site] in centre.toml; a template made with --dir has it"), ("",)),
        Column("name", Words("站点名称", "Site name"), Text(name=True), Words(
            "显示在所有页面", "shown on every page"), ("",)),
        Column("zone", Words("时区", "Time zone"), Text(), Words("例如 Asia/Shanghai", "such as Asia/Shanghai"),
               ("Asia/Shanghai",), "Asia/Shanghai"),
        Column("currency", Words("币种", "Currency"), Text(), Words("ISO 4217", "ISO 4217"), ("CNY",), "CNY"),
        Column("interval_minutes", Words("计费间隔（分钟）", "Interval (minutes)"), Whole(1, 1440), Words(
            "每隔多久记录一次电量与电费", "how often energy and charge are recorded"), ("30",), 30),
        Column("unopened_supply", Words("未开户时", "Supply before an account is open"), SUPPLY, Words(
            "未开户的表供电或断电", "whether a meter without an account is on or off"), ("",), "closed"),
        Column("trip_notice_minutes", Words("断电预告（分钟）", "Notice before a cut (minutes)"),
               Whole(0, 10_080), Words(
            "报警 2 之后至少多久才断电", "least time between alarm 2 and the cut"), ("60",), 0),
    ),
)  # fmt: skip

BOXES: Final = Sheet(
    "boxes",
    Words("采集箱", "Boxes"),
    (
        Column("box", Words("采集箱", "Box"), Text(), Words("每个电井一个", "one for each shaft"), ("A1", "A1")),
        Column("building", Words("楼栋", "Building"), Text(name=True), Words("", ""), ("东街", "东街")),
        Column("bus", Words("总线", "Bus"), Text(), Words(
            "与采集箱 box.toml 中的名称一致；一箱多条总线写多行",
            "as named in the box's box.toml; one row for each bus"), ("A1-1", "A1-2")),
        Column("baud", Words("波特率", "Baud"), BAUDS, Words("", ""), ("9600", "9600"), 9600),
        Column("parity", Words("校验", "Parity"), PARITY, Words("", ""), ("", ""), "N"),
        Column("stop_bits", Words("停止位", "Stop bits"), Whole(1, 2), Words("", ""), ("", ""), 1),
    ),
)  # fmt: skip

TARIFFS: Final = Sheet(
    "tariffs",
    Words("电价", "Tariffs"),
    (
        Column("tariff", Words("电价方案", "Tariff"), Text(), Words(
            "分时电价每个费率写一行", "one row for each rate"), ("商铺", "分时", "分时")),
        Column("starts_at", Words("启用日期", "From"), Date(), Words("", ""), ("2026-01-01",) * 3),
        Column("rate", Words("费率", "Rate"), Choice((
            ("flat", Words("平", "flat")), ("sharp", Words("尖", "sharp")), ("peak", Words("峰", "peak")),
            ("valley", Words("谷", "valley")))), Words("尖、峰、平、谷", "sharp, peak, flat or valley"),
            ("平", "峰", "谷")),
        Column("price_micro", Words("单价（元/千瓦时）", "Price per kWh"), Amount(0, 1_000, places=6), Words("", ""),
               ("0.95", "1.22", "0.39")),
        Column("times", Words("开始时间", "Begins at"), Times(), Words(
            "每天从几点起用此费率；只有一个费率时留空；节假日另订时段请用 TOML",
            "times of day at which this rate begins; empty for a single rate; calendars of seasons and "
            "holidays are written in TOML"), ("", "08:00", "00:00, 22:00"), ()),
    ),
)  # fmt: skip

METERS: Final = Sheet(
    "meters",
    Words("电表", "Meters"),
    (
        Column("meter", Words("表号", "Meter"), Text(), Words("全站不重复", "once in the site"), ("101", "102")),
        Column("bus", Words("总线", "Bus"), Text(), Words("见采集箱页", "one of the sheet Boxes"), ("A1-1", "A1-2")),
        Column("unit", Words("表地址", "Address"), Whole(1, 247), Words("Modbus 地址", "Modbus unit id"), ("1", "1")),
        Column("profile", Words("型号", "Model"), Text(), Words("见型号页", "one of the sheet Models"),
               ("acrel_adf400l_1ph", "acrel_dtsy1352")),
        Column("serial", Words("出厂编号", "Serial number"), Text(), Words(
            "读到别的编号时停止计费并报警", "a meter that says another is held and alarmed"),
            ("202600000101", "202600000102"), None),
        Column("device", Words("表箱", "Cabinet"), Text(), Words(
            "多用户表同一机柜写同一名称；空着即为单独一只", "one name for all users of a multi-user cabinet; "
            "empty: a meter by itself"), ("1 号柜", ""), OWN),
        Column("number", Words("商铺号", "Shop number"), Text(), Words("", ""), ("101", "102")),
        Column("shop", Words("商铺名", "Shop"), Text(name=True), Words("", ""), ("老王面馆", "东方茶庄")),
        Column("use", Words("用途", "Use"), USE, Words("商户、总表或公共", "tenant, main or public"), ("", ""),
               "tenant"),
        Column("phases", Words("相数", "Phases"), PHASES, Words("", ""), ("单相", "三相"), 1),
        Column("rated_a", Words("额定电流（A）", "Rated current (A)"), Whole(1, 10_000), Words("", ""), ("40", "80")),
        Column("ct", Words("电流互感器", "CT ratio"), Ratio(), Words("200/5 或 40", "200/5 or 40"), ("", ""), (1, 1)),
        Column("pt", Words("电压互感器", "PT ratio"), Ratio(), Words("", ""), ("", ""), (1, 1)),
        Column("tariff", Words("电价方案", "Tariff"), Text(), Words("见电价页", "one of the sheet Tariffs"),
               ("商铺", "分时")),
        Column("overload_kw", Words("过载（千瓦）", "Overload (kW)"), Amount(0, 10_000, places=3), Words(
            "超过此功率 60 秒即断电 5 分钟；空着不判", "above it for 60 s: off for 5 minutes; empty: not judged"),
            ("8.8", ""), None),
    ),
)  # fmt: skip

CUSTOMERS: Final = Sheet(
    "customers",
    Words("用户", "Customers"),
    (
        Column("account", Words("户号", "Account"), Text(), Words(
            "一户的表分属两个采集箱时写两行", "two rows where its meters hang on two boxes"), ("2026101", "2026102")),
        Column("customer", Words("用户", "Customer"), Text(name=True), Words("", ""), ("王建国", "葛文华")),
        Column("phones", Words("手机", "Phones"), Text(several=3), Words("最多三个", "at most three"),
               ("13800000101", "13800000102, 13800000103"), ()),
        Column("meters", Words("表号", "Meters"), Text(several=64), Words(
            "共用一个余额的表，逗号分隔", "the meters that share one balance, parted by commas"), ("101", "102")),
        Column("alarm1_micro", Words("报警 1（元）", "Alarm 1"), Amount(-AMOUNT_MAX, AMOUNT_MAX), Words(
            "余额到此发出第一次提醒", "balance of the first warning"), ("50", "50")),
        Column("alarm2_micro", Words("报警 2（元）", "Alarm 2"), Amount(-AMOUNT_MAX, AMOUNT_MAX), Words(
            "余额到此发出第二次提醒", "balance of the second warning"), ("10", "10")),
        Column("credit_limit_micro", Words("透支额（元）", "Credit limit"), Amount(0, AMOUNT_MAX), Words(
            "余额低于零多少才断电", "how far below zero before the cut"), ("", ""), 0),
        Column("daily_fee_micro", Words("每日费用（元）", "Daily fee"), Amount(0, 100_000), Words("", ""), ("", ""), 0),
        Column("opening_micro", Words("期初余额（元）", "Opening balance"), Amount(-AMOUNT_MAX, AMOUNT_MAX), Words(
            "旧系统带来的余额，只入账一次", "brought from the old system; booked once"), ("120.00", "85.50"), 0),
    ),
)  # fmt: skip

SHEETS: Final = (SITE, BOXES, TARIFFS, METERS, CUSTOMERS)
MODELS: Final = Words("型号", "Models")
"""The sheet of the template that lists the meter models that are known; it is not read."""
