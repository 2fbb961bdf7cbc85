"""The words of dates: months, time zones and parts of the day, as people and programs write them.

Sources: CLDR's month names; RFC 822 (zones of North America); the IANA time zone database for the
other abbreviations. An abbreviation that several zones share has the reading that is most common in
news feeds; a source's own zone comes first (:func:`worker.normalize.dates.parser.parse_date`).
"""

from pathlib import Path
from typing import Final
from unicodedata import normalize

_ROWS = [
    row.split("|") for row in Path(__file__).with_name("months.txt").read_text("utf-8").splitlines()
]
MONTHS: Final = {name: n for n, (names, _) in enumerate(_ROWS, 1) for name in names.split()}
"""Month names in lower case, without a full stop, to 1 … 12. `listopad` is Polish and Czech."""

OTHER_MONTHS: Final = {
    name.replace("_", " "): names.split()[1]
    for names, others in _ROWS
    for name in normalize("NFKC", others).split()
}
"""Names in other scripts, of two words or of two letters, to English ones of three letters."""

ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
"""Eras to the year before their first."""

MORNING: Final = (
    "上午", "午前", "早上", "清晨", "凌晨", "早晨", "朝", "오전", "새벽", "아침", "am",
)  # fmt: skip
NOON: Final = ("中午", "正午", "昼", "낮")
AFTERNOON: Final = ("下午", "午后", "午後", "傍晚", "오후", "petang", "ptg", "pm")
NIGHT: Final = ("晚上", "晚间", "晚間", "夜间", "夜間", "晚", "夜", "밤", "저녁")
"""Parts of the day. At night 5 to 11 are 17 to 23; other hours say nothing certain."""

ZONES: Final = {
    "utc": 0, "gmt": 0, "ut": 0, "z": 0, "wet": 0,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
    "ast": -240, "adt": -180, "nst": -210, "ndt": -150,
    "brt": -180, "art": -180, "clt": -240, "clst": -180, "cot": -300, "pet": -300, "vet": -240,
    "bst": 60, "west": 60, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "met": 60, "mest": 120,
    "eet": 120, "eest": 180, "msk": 180, "msd": 240, "trt": 180, "sast": 120, "wat": 60,
    "cat": 120, "eat": 180, "idt": 180,
    "gst": 240, "irst": 210, "pkt": 300, "ist": 330, "npt": 345, "ict": 420, "wib": 420,
    "wita": 480, "wit": 540, "bjt": 480, "hkt": 480, "sgt": 480, "myt": 480, "pht": 480,
    "awst": 480, "jst": 540, "kst": 540,
    "acst": 570, "acdt": 630, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
    "hdt": -540, "sst": -660, "bot": -240, "gyt": -240, "uyt": -180, "brst": -120, "azot": -60,
    "cvt": -60, "samt": 240, "azt": 240, "mut": 240, "aft": 270, "irdt": 270, "uzt": 300,
    "tjt": 300, "tmt": 300, "mvt": 300, "yekt": 300, "kgt": 360, "btt": 360, "omst": 360,
    "mmt": 390, "krat": 420, "hovt": 420, "irkt": 480, "ulat": 480, "phst": 480, "bnt": 480,
    "yakt": 540, "tlt": 540, "vlat": 600, "chst": 600, "pgt": 600, "lhst": 630, "magt": 660,
    "sbt": 660, "vut": 660, "pett": 720, "fjt": 720, "mht": 720, "chast": 765, "tot": 780,
    "chadt": 825,
}  # fmt: skip
"""Zone abbreviations in lower case to minutes east of UTC."""

REGIONS: Final = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}  # fmt: skip
"""Abbreviations that follow a region's summer time, to the region."""

PLACES: Final = {
    f"{place}{time}": area
    for area, places in (
        ("Asia/Shanghai", "北京"), ("Asia/Taipei", "台北"), ("Asia/Tokyo", "东京 東京 日本"),
        ("Asia/Seoul", "首尔 韩国"), ("America/New_York", "美东 美東 美国东部 美國東部 纽约"),
        ("Europe/London", "伦敦 倫敦"), ("Europe/Moscow", "莫斯科"),
    )
    for place in places.split() for time in ("时间", "時間")
}  # fmt: skip
"""Times of a place, anywhere in the text, to the zone."""
