"""Dates in all the forms that inputs have."""

import json
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.normalize.conftest import SHANGHAI, article, profile_with, site
from worker.model import DateOrder, DateText, Person
from worker.normalize.dates.parser import parse_date

READABLE = [
    # RFC 822 and 2822, with obsolete zones
    ("Fri, 26 Nov 2021 12:26:04 GMT", "2021-11-26T12:26:04Z", "second"),
    ("26 Nov 21 12:26 UT", "2021-11-26T12:26:00Z", "minute"),
    ("Fri, 26 Nov 2021 12:26:04 EST", "2021-11-26T17:26:04Z", "second"),
    ("Fri, 26 Nov 2021 12:26:04 PDT", "2021-11-26T19:26:04Z", "second"),
    ("Fri, 26 Nov 2021 20:26:04 +0800 (CST)", "2021-11-26T12:26:04Z", "second"),
    ("Fri, 26 November 2021 20:26:04 +08:00", "2021-11-26T12:26:04Z", "second"),
    ("Fri, 26 Nov 2021 12:26:04 BST", "2021-11-26T11:26:04Z", "second"),
    ("Fri, 26 Nov 2021 12:26:04", "2021-11-26T04:26:04Z", "second"),
    ("Fri Nov 26 20:26:04 CST 2021", "2021-11-26T12:26:04Z", "second"),
    ("Fri Nov 26 2021 20:26:04 GMT+0800 (China Standard Time)", "2021-11-26T12:26:04Z", "second"),
    ("26 Nov 2021", "2021-11-25T16:00:00Z", "day"),
    ("Nov 26, 2021", "2021-11-25T16:00:00Z", "day"),
    # ISO 8601
    ("2021-11-26T12:26:04Z", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26t12:26:04z", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26T20:26:04.123+08:00", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26T20:26:04,123+0800", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26T20:26+08:00", "2021-11-26T12:26:00Z", "minute"),
    ("2008-10-22 15:19:26+00:00", "2008-10-22T15:19:26Z", "second"),
    ("2020-11-06 14:30:00+14:30", "2020-11-06T00:00:00Z", "second"),
    ("2021-11-26 12:26:04 UTC", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26 12:26:04 +0000", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26 07:26:04 EST", "2021-11-26T12:26:04Z", "second"),
    ("20211126T122604Z", "2021-11-26T12:26:04Z", "second"),
    ("20211126", "2021-11-25T16:00:00Z", "day"),
    ("2023-02-20", "2023-02-19T16:00:00Z", "day"),
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", "second"),
    # as people write them
    ("周五, 26 11月 2021 20:26:04 +0800", "2021-11-26T12:26:04Z", "second"),
    ("星期五, 26 十一月 2021 20:26:04 +0800", "2021-11-26T12:26:04Z", "second"),
    ("Fri, 26 Nov 2021 8:5:4 GMT", "2021-11-26T08:05:04Z", "second"),
    ("/Date(1637929564000+0800)/", "2021-11-26T12:26:04Z", "second"),
    ("Пт, 26 лис 2021 14:26:04 +0200", "2021-11-26T12:26:04Z", "second"),
    ("pe, 26 marras 2021 14:26:04 +0200", "2021-11-26T12:26:04Z", "second"),
    ("יום ו, 26 נוב 2021 14:26:04 +0200", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26T12:26:04ZZ", "2021-11-26T12:26:04Z", "second"),
    ("2021-11-26T12.26.04Z", "2021-11-26T12:26:04Z", "second"),
    ("8:26 PM GMT+1, November 26, 2021", "2021-11-26T19:26:00Z", "minute"),
    ("جمعه ۵ آذر ۱۴۰۰ - ۲۰:۲۶", "2021-11-26T12:26:00Z", "minute"),
    ("۱۴۰۰/۰۹/۰۵ - ۲۰:۲۶", "2021-11-26T12:26:00Z", "minute"),
    ("5 آذر ماه 1400", "2021-11-25T16:00:00Z", "day"),
    ("۳۰ اسفند ۱۳۹۹", "2021-03-19T16:00:00Z", "day"),
    ("۱ فروردين ۱۴۰۴", "2025-03-20T16:00:00Z", "day"),
    ("3 December 2020, 9.15am GMT", "2020-12-03T09:15:00Z", "minute"),
    ("Thu 3 Dec 2020 09.15 GMT", "2020-12-03T09:15:00Z", "minute"),
    ("Donnerstag, 3. Juli 2018, 14.05 Uhr", "2018-07-03T06:05:00Z", "minute"),
    ("26. november 2021 kl. 20.26", "2021-11-26T12:26:00Z", "minute"),
    ("3.7.2018 14.05", "2018-07-02T16:00:00Z", "day"),
    ("26.11.21, 20:26", "2021-11-26T12:26:00Z", "minute"),
    ("二〇二一年十一月二十六日", "2021-11-25T16:00:00Z", "day"),
    ("二零二一年十月三十日 晚8点", "2021-10-30T12:00:00Z", "minute"),
    ("二○二一年一月廿六日", "2021-01-25T16:00:00Z", "day"),
    ("2022-03-20 12:33:29", "2022-03-20T04:33:29Z", "second"),
    ("2022-3-2 9:05", "2022-03-02T01:05:00Z", "minute"),
    ("2021/11/26", "2021-11-25T16:00:00Z", "day"),
    ("2021/11/26 20:26", "2021-11-26T12:26:00Z", "minute"),
    ("2021.11.26 20:26", "2021-11-26T12:26:00Z", "minute"),
    ("2021年11月26日 20:26", "2021-11-26T12:26:00Z", "minute"),
    ("2021年11月26日20时26分04秒", "2021-11-26T12:26:04Z", "second"),
    ("2021年11月26日 星期五 下午8:26", "2021-11-26T12:26:00Z", "minute"),
    ("2021年1月6日", "2021-01-05T16:00:00Z", "day"),
    ("２０２１年１１月２６日　２０：２６", "2021-11-26T12:26:00Z", "minute"),
    ("2021-11-26 08:26:04 PM", "2021-11-26T12:26:04Z", "second"),
    ("2021年11月26日 20:26 新浪财经", "2021-11-26T12:26:00Z", "minute"),
    # words and zones of many languages
    ("Mar. 5, 2022, 7:05 p.m.", "2022-03-05T11:05:00Z", "minute"),
    ("Mar 5, 2022 12:05 AM", "2022-03-04T16:05:00Z", "minute"),
    ("Saturday 5 March 2022 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("5th of March, 2022", "2022-03-04T16:00:00Z", "day"),
    ("Sept 7, 2022", "2022-09-06T16:00:00Z", "day"),
    ("5. März 2022, 19:05 Uhr", "2022-03-05T11:05:00Z", "minute"),
    ("5 de marzo de 2022", "2022-03-04T16:00:00Z", "day"),
    ("le 1er mars 2022 à 19h05", "2022-03-01T11:05:00Z", "minute"),
    ("Сб, 5 мар 2022 11:05:06 +0000", "2022-03-05T11:05:06Z", "second"),
    ("05.03.2022 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("3/25/2022 7:05 PM", "2022-03-25T11:05:00Z", "minute"),
    ("25/03/2022", "2022-03-24T16:00:00Z", "day"),
    ("2022-03-05T24:00", "2022-03-05T16:00:00Z", "minute"),
    ("Sat, 05 Mar 2022 11:05:06 -0000", "2022-03-05T11:05:06Z", "second"),
    ("SAT, 05 MAR 2022 11:05:06 GMT", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05 11:05:06+00", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05 06:05:06 UTC-5", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05T12:05:06+1:00", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05T06:05:06−05:00", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05T19:05:06+08:00[Asia/Shanghai]", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05 06:05 America/New_York", "2022-03-05T11:05:00Z", "minute"),
    ("Mar 5, 2022 6:05 a.m. ET", "2022-03-05T11:05:00Z", "minute"),
    ("Jul 5, 2022 6:05 a.m. ET", "2022-07-05T10:05:00Z", "minute"),
    ("Sat, 05 Mar 2022 16:35:06 IST", "2022-03-05T11:05:06Z", "second"),
    ("Sat, 05 Mar 2022 22:05:06 AEDT", "2022-03-05T11:05:06Z", "second"),
    ("Sat Mar 05 11:05:06 +0000 2022", "2022-03-05T11:05:06Z", "second"),
    ("2022年3月5日 中午12:05", "2022-03-05T04:05:00Z", "minute"),
    ("2022年3月5日 凌晨1:05", "2022-03-04T17:05:00Z", "minute"),
    ("2022年3月5日 晚7:05", "2022-03-05T11:05:00Z", "minute"),
    ("2022年3月5日(土) 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("2022. 3. 5. 오후 7:05", "2022-03-05T11:05:00Z", "minute"),
    ("令和4年3月5日", "2022-03-04T16:00:00Z", "day"),
    ("20220305190506", "2022-03-05T11:05:06Z", "second"),
    ("1.646478306e9", "2022-03-05T11:05:06Z", "second"),
    # other scripts, calendars and spellings
    ("วันที่ 5 มีนาคม พ.ศ. 2565 เวลา 19:05 น.", "2022-03-05T11:05:00Z", "minute"),
    ("5 มี.ค. 65", "2022-03-04T16:00:00Z", "day"),
    ("25/03/2565 19:05", "2022-03-25T11:05:00Z", "minute"),
    ("٥ مارس ٢٠٢٢ ٧:٠٥ م", "2022-03-05T11:05:00Z", "minute"),
    ("5 آذار 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 تشرين الثاني 2022", "2022-11-04T16:00:00Z", "day"),
    ("۵ مارس ۲۰۲۲", "2022-03-04T16:00:00Z", "day"),
    ("५ मार्च २०२२, 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("5 במרץ 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 tháng 3 năm 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 Tháng Ba, 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 tháng 3, 2022 7:05 CH", "2022-03-05T11:05:00Z", "minute"),
    ("5 Μαρτίου 2022 7:05 μ.μ.", "2022-03-05T11:05:00Z", "minute"),
    ("2022 m. kovo 5 d.", "2022-03-04T16:00:00Z", "day"),
    ("2022. gada 5. marts", "2022-03-04T16:00:00Z", "day"),
    ("5. ožujka 2022.", "2022-03-04T16:00:00Z", "day"),
    ("5 сакавіка 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 maart 2022 om 19.05 uur", "2022-03-05T11:05:00Z", "minute"),
    ("zaterdag 5 maart 2022 19:05 uur", "2022-03-05T11:05:00Z", "minute"),
    ("5. maaliskuuta 2022 klo 19.05", "2022-03-05T11:05:00Z", "minute"),
    ("5 Mar 2022 pukul 18.05 WIB", "2022-03-05T11:05:00Z", "minute"),
    ("5 thg 3, 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 มี.ค. 2565 19.05 น.", "2022-03-05T11:05:00Z", "minute"),
    ("Mar 5, 2022 6:05 AM Eastern Time", "2022-03-05T11:05:00Z", "minute"),
    ("Jul 5, 2022 3:05 a.m. Pacific", "2022-07-05T10:05:00Z", "minute"),
    ("5. März 2022, 12:05 Uhr MEZ", "2022-03-05T11:05:00Z", "minute"),
    ("05.03.2022 14:05 МСК", "2022-03-05T11:05:00Z", "minute"),
    ("Mar 5 2022 07:05:06:123PM", "2022-03-05T11:05:06Z", "second"),
    ("令和四年三月五日", "2022-03-04T16:00:00Z", "day"),
    ("2022年3月5日 19点半", "2022-03-05T11:30:00Z", "minute"),
    ("2022-03-05T1905+0800", "2022-03-05T11:05:00Z", "minute"),
    ("2022-03-05-08:00", "2022-03-04T16:00:00Z", "day"),  # XML Schema's date
    ("05MAR2022 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("Mar.5,2022", "2022-03-04T16:00:00Z", "day"),
    ("3/25/22", "2022-03-24T16:00:00Z", "day"),
    # months, halves of the day and zones of more languages
    ("5 d'abril de 2022", "2022-04-04T16:00:00Z", "day"),
    ("5 septembar 2022. 19:05", "2022-09-05T11:05:00Z", "minute"),
    ("5 iul. 2022", "2022-07-04T16:00:00Z", "day"),
    ("2022. febr. 5.", "2022-02-04T16:00:00Z", "day"),
    ("5 மார்ச் 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 مارچ، 2022", "2022-03-04T16:00:00Z", "day"),
    ("5. listopada 2022.", "2022-10-04T16:00:00Z", "day"),
    ("5 listopada 2022", "2022-11-04T16:00:00Z", "day"),
    ("5 मार्च 2022 7:05 अपराह्न", "2022-03-05T11:05:00Z", "minute"),
    ("5 Mac 2022 7:05 PTG", "2022-03-05T11:05:00Z", "minute"),
    ("2022年3月5日 夜7時05分", "2022-03-05T11:05:00Z", "minute"),
    ("\u200e25\u200e/\u200e3\u200e/\u200e2022 19:05", "2022-03-25T11:05:00Z", "minute"),
    ("มีนาคม 25, 2022, 19:05", "2022-03-25T11:05:00Z", "minute"),
    ("5 Mar 2022 11:05:06 Greenwich Mean Time", "2022-03-05T11:05:06Z", "second"),
    ("5 Jul 2022 13:05:06 Central European Summer Time", "2022-07-05T11:05:06Z", "second"),
    ("2022-03-05 11:05:06 Etc/UTC", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05 06:05 US/Eastern", "2022-03-05T11:05:00Z", "minute"),
    ("2022年7月5日 07:05（美东时间）", "2022-07-05T11:05:00Z", "minute"),
    # what programs write
    ("06:05 05.03.2022 -0500", "2022-03-05T11:05:00Z", "minute"),
    ("2022-03-05T06:05:06-05:00:00", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05T06:05:06:-0500", "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05T11:05:06.Z", "2022-03-05T11:05:06Z", "second"),
    ("Sat, 05 Mar 2022 06:05:06 EST-05:00", "2022-03-05T11:05:06Z", "second"),
    ("Sat, 05 Mar 2022 06:05:06 --0500", "2022-03-05T11:05:06Z", "second"),
    ("05-MAR-22 07.05.06.123456 PM", "2022-03-05T11:05:06Z", "second"),
    ("5 Mar 2022 19.05.06", "2022-03-05T11:05:06Z", "second"),
    ("5 mars 2022, 19 h 05 min 06 s", "2022-03-05T11:05:06Z", "second"),
    ("2022:03:05 19:05:06", "2022-03-05T11:05:06Z", "second"),
    ("20220305_190506", "2022-03-05T11:05:06Z", "second"),
    ("1646478306123456789", "2022-03-05T11:05:06Z", "second"),
    # the first of two; a day of the week that fits one order alone
    ("25/03/2022 19:05 (updated 26 Mar 2022)", "2022-03-25T11:05:00Z", "minute"),
    ("5 Mar 2022, updated 19:05, 6 Mar 2022, 20:05", "2022-03-05T11:05:00Z", "minute"),
    ("Mar. 5, 2022 Updated Mar. 6, 2022, 9:05 a.m. ET", "2022-03-04T16:00:00Z", "day"),
    ("Sat, 03/05/2022 - 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("sam, 05/03/2022 - 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("Thứ Bảy, ngày 05/03/2022, 18:05 (GMT+7)", "2022-03-05T11:05:00Z", "minute"),
    ("Quinta-feira, 10/03/2022 às 19h05", "2022-03-10T11:05:00Z", "minute"),
    ("السبت 05/03/2022 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("cumartesi, 05/03/2022", "2022-03-04T16:00:00Z", "day"),
    ("sabato 05/03/2022", "2022-03-04T16:00:00Z", "day"),
    # zones of single countries, a zone in quotes
    ("Sat, 05 Mar 2022 16:05:06 UZT", "2022-03-05T11:05:06Z", "second"),
    ("Sat, 05 Mar 2022 19:05:06 ULAT", "2022-03-05T11:05:06Z", "second"),
    ("Sat, 05 Mar 2022 23:50:06 CHAST", "2022-03-05T11:05:06Z", "second"),
    ('Sat, 05 Mar 2022 11:05:06 "GMT"', "2022-03-05T11:05:06Z", "second"),
    ("2022-03-05 19:05 1000 reads", "2022-03-05T11:05:00Z", "minute"),
    ("March 5, 2022 12:00 noon", "2022-03-05T04:00:00Z", "minute"),
    ("2022年三月五日", "2022-03-04T16:00:00Z", "day"),
    ("二零二二年三月五日十九时五分", "2022-03-05T11:05:00Z", "minute"),
    ("2022年三月五日下午七点半", "2022-03-05T11:30:00Z", "minute"),
    # Azeri, Kazakh, Georgian, Basque and Swahili
    ("2022-ci il 5 mart, 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("2022 жылғы 5 наурыз", "2022-03-04T16:00:00Z", "day"),
    ("2022 წლის 5 მარტი", "2022-03-04T16:00:00Z", "day"),
    ("2022ko martxoaren 5a", "2022-03-04T16:00:00Z", "day"),
    ("5 Machi 2022", "2022-03-04T16:00:00Z", "day"),
    # Mongolian, Welsh, Irish, the Latvian locative
    ("2022 оны 03 сарын 05", "2022-03-04T16:00:00Z", "day"),
    ("2022 оны 3-р сарын 05-ны 19:05", "2022-03-05T11:05:00Z", "minute"),
    ("5 Mawrth 2022", "2022-03-04T16:00:00Z", "day"),
    ("5 Deireadh Fómhair 2022", "2022-10-04T16:00:00Z", "day"),
    ("2022. gada 5. martā", "2022-03-04T16:00:00Z", "day"),
    # since 1970
    ("1637929564123456", "2021-11-26T12:26:04Z", "second"),
    ("1637929564", "2021-11-26T12:26:04Z", "second"),
    ("1637929564123", "2021-11-26T12:26:04Z", "second"),
    ("1637929564.5", "2021-11-26T12:26:04Z", "second"),
]


@pytest.mark.parametrize(("text", "expected", "precision"), READABLE)
def test_a_readable_date(text: str, expected: str, precision: str) -> None:
    """Each form gives its moment in UTC (naive ones by the source's zone) and its precision."""
    read = parse_date(text, SHANGHAI)
    assert read is not None
    assert (read.rfc3339(), read.precision) == (expected, precision)


@pytest.mark.parametrize(
    "text",
    [
        "", "Invalid Date", "yesterday", "刚刚", "2021", "2021-11", "04/05/2021", "11-26 20:26",
        "3天前", "26 Nov 2021 20:26 XYZ", "2021年11月26日 晚上12:30", "2021-11-26 20:26 AM",
        "2021-02-30", "Tue, 30 Feb 2021 10:00:00 GMT", "2021-13-01", "2021-11-26 25:00",
        "0000-00-00 00:00:00", "0001-01-01 00:00:00 GMT", "0000-01-01", "9999-12-31", "2101-01-01",
        "1970-01-01T00:00:00Z", "0", "99999999999999999999", "2021-11-26T12:00:00+99:00",
        "25/03/22", "Sun, 03/05/2022", "05/03/2565", "1400/09/05", "۳۰ اسفند ۱۴۰۰",
        "2022 ගිම් 5 09.05.06", "v22.03.05", "May", "may the 4th", "5 Mar 2022 19:05:06 CST6",
        "5 Mar 2022 19:05:06 EST5EDT", "5 Mar 2022 19:05:06 0800", "٣٣٣٣٣٣٣٣٣", "1" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    """Impossible dates and words are unknown, with a warning; nothing becomes "now"."""
    assert parse_date(text, SHANGHAI) is None
    made = article(date=text)
    assert made.date is made.date_published is made.date_source is None
    assert made.date_precision == "unknown"
    assert made.warnings


def test_an_article_without_a_date_has_a_warning() -> None:
    """A missing date is no error and is never made up."""
    made = article()
    assert made.date_published is None
    assert made.warnings == ("date_missing: no usable date, keyed by title and content",)


def test_the_key_date_is_of_one_zone() -> None:
    """`date` is in the key's zone whatever the source's; a date without a time stays itself."""
    late = article(date="Fri, 26 Nov 2021 17:00:00 GMT")
    assert (late.date, late.date_published) == ("2021-11-27", "2021-11-26T17:00:00Z")
    tokyo = profile_with(time_zone=ZoneInfo("Asia/Tokyo"))
    assert article(date="2021-11-26 00:30:00", profile=tokyo).date == "2021-11-25"
    assert article(date="2021-11-26", profile=tokyo).date == "2021-11-26"
    assert article(date="2021-11-26 00:30", profile=profile_with(key_zone=UTC)).date == "2021-11-25"


def test_the_first_date_that_says_something_counts() -> None:
    """Dates are tried in order of trust, and the record says which it was."""
    made = article(
        dates=(DateText("Invalid Date", "front-matter:date"), DateText("2021-11-26", "file-name"))
    )
    assert (made.date, made.date_source) == ("2021-11-26", "file-name")
    assert made.warnings == (
        "date_unreadable: date not understood: Invalid Date (front-matter:date)",
    )


def test_a_future_date_is_kept_with_a_warning() -> None:
    """A date after the file was seen is published unchanged, with a warning."""
    made = article(date="2031-01-01T00:00:00Z", first_seen_at="2022-05-01T08:00:00Z")
    assert made.date == "2031-01-01"
    assert "future" in made.warnings[0]


def test_cst_is_the_zone_of_the_source() -> None:
    """CST means Chicago's time in RFC 822, but China's where the source is there."""
    text = "Fri, 26 Nov 2021 12:00:00 CST"
    for zone, expected in (("Asia/Shanghai", "04:00:00"), ("America/Chicago", "18:00:00")):
        read = parse_date(text, ZoneInfo(zone))
        assert read is not None
        assert read.rfc3339() == f"2021-11-26T{expected}Z"


def test_a_page_is_read_in_its_sites_zone() -> None:
    """A rule's zone reads the naive dates of the site's pages, not those of a mirror's file."""
    fields = {"sites": site(time_zone="Asia/Tokyo"), "authors": (Person("某站"),)}
    page = article(date="2021-11-26 09:00:00", parser="page", **fields)
    mirrored = article(date="2021-11-26 09:00:00", **fields)
    assert page.date_published == "2021-11-26T00:00:00Z"
    assert mirrored.date_published == "2021-11-26T01:00:00Z"


def test_the_time_of_a_day() -> None:
    """A date without a time gets the time that another candidate says for that day; not another
    day's, and not that of a change."""

    def published(*dates: tuple[str, str]) -> tuple[str | None, str, str | None]:
        made = article(dates=tuple(DateText(text, origin) for text, origin in dates))
        return made.date_published, made.date_precision, made.date_source

    day = ("2021-11-26", "meta:publishdate")
    alone = ("2021-11-25T16:00:00Z", "day", "meta:publishdate")
    assert published(day, ("2021年11月26日08:41", "text")) == (
        "2021-11-26T00:41:00Z", "minute", "text",
    )  # fmt: skip
    assert published(day, ("2021-11-27 08:41", "text")) == alone
    assert published(day, ("2021-11-26 08:41", "text:changed")) == alone


def test_the_date_of_a_change() -> None:
    """`date_modified` is the first readable one of its candidates, in UTC."""
    modified = (DateText("?", "x"), DateText("2021-11-27 08:00", "front-matter:updated"))
    assert article(modified=modified).date_modified == "2021-11-27T00:00:00Z"


def test_the_order_of_a_source_decides_ambiguous_dates() -> None:
    """`04/05/2021` is no date by itself; a source says which order its dates have."""
    assert parse_date("Vienna, 04/06/2021", SHANGHAI, None) is None  # `vie` is a Friday
    days = [parse_date("04/05/2021", SHANGHAI, order) for order in (None, *DateOrder)]
    assert [day and day.calendar_date(SHANGHAI) for day in days] == [
        None, "2021-05-04", "2021-04-05",
    ]  # fmt: skip
    profile = profile_with(date_order=DateOrder.MONTH_FIRST)
    assert article(date="04/05/2021", profile=profile).date == "2021-04-05"
    assert "not understood" in article(date="04/05/2021").warnings[0]


CASES = Path(__file__).parents[3] / "shared" / "cases" / "dates.json"


@pytest.mark.skipif(not CASES.is_file(), reason="the shared cases are not here")
def test_the_shared_dates() -> None:
    """Texts that feeds and pages hold, each as a person would read it."""
    for case in json.loads(CASES.read_text("utf-8")):
        read = parse_date(case["text"], SHANGHAI)
        is_day = read is not None and read.precision == "day"
        written = read and (read.calendar_date(SHANGHAI) if is_day else read.rfc3339())
        assert written == case["right"], case["text"]
