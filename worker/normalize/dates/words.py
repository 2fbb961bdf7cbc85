"""The words of dates: months, time zones and parts of the day, as people and programs write them.

Sources: CLDR's month names; RFC 822 (zones of North America); the IANA time zone database for the
other abbreviations. An abbreviation that several zones share has the reading that is most common in
news feeds; a source's own zone is asked first (:func:`worker.normalize.dates.parser.parse_date`).
"""

from typing import Final

_MONTH_NAMES = """
january jan januar januari janvier janv enero ene janeiro gennaio gen jänner jän января янв январь
  січня січ stycznia sty styczeń ledna leden ocak oca ianuarie ian január ιανουαρίου ιαν tammikuuta
  студзеня януари јануар қаңтар sausio janvāris jaanuar siječnja januára janúar gener яну tammi xan
  xaneiro yan yanvar januarie janar јануари јан сту студзень січень ιανουάριος sij siječanj sausis
  jaan
february feb februar februari février févr fév fevrier febrero fevereiro fev febbraio feber
  февраля фев февр февраль лютого лют lutego lut luty února únor şubat şub februarie február
  φεβρουαρίου φεβ helmikuuta лютага февруари фебруар ақпан vasario februāris veebruar veljače
  februára febrúar febrer helmi febr febreiro fevral φεβρουάριος лютий люты феб vasaris veebr velj
  veljača shkurt úno peb pebrero
march mar märz mär mrz maerz mars marzo março marco maart mrt марта март мар березня бер marca
  marzec března březen mart martie március μαρτίου μαρ marts maaliskuuta maret сакавіка наурыз kovo
  märts ožujka març maalis bře kovas marec marso márc ožu ožujak μάρ μάρτιος березень берез сак
  сакавік mac
april apr avril avr abril abr aprile апреля апр апрель квітня квіт kwietnia kwi kwiecień dubna
  duben nisan nis aprilie április απριλίου απρ huhtikuuta красавіка април сәуір balandžio aprīlis
  aprill travnja apríla кві huhti aprel aprili apríl balandis prill travanj ápr απρίλιος квітень
  красавік
may mai mayo maio maggio mag mei мая май травня трав maja maj května květen mayıs május μαΐου μαϊ
  toukokuuta мај мамыр gegužės maijs svibnja mája maí maig тра touko gegužė kvě máj svi svibanj μάι
  μάιος μαΐ травень
june jun juni juin junio junho giugno giu июня июн июнь червня черв czerwca cze czerwiec června
  červen haziran haz iunie június ιουνίου ιουν kesäkuuta чэрвеня юни јун маусым birželio jūnijs
  juuni lipnja júna júní juny чер kesä birželis hunyo iun iyun junie junij jún jūn lipanj qershor
  xuño čvn čer ιούν ιούνιος червень чэр чэрвень јуни
july jul juli juillet juil julio julho luglio lug июля июл июль липня лип lipca lip lipiec
  července červenec temmuz tem iulie július ιουλίου ιουλ heinäkuuta ліпеня юли јул шілде liepos
  jūlijs juuli srpnja júla júlí juliol heinä juill hulyo iul iyul julai julie julij júl jūl korrik
  liepa srpanj xullo čvc ιούλ ιούλιος липень ліп ліпень јули
august aug août aout agosto ago augustus augusti августа авг август серпня серп sierpnia sie
  sierpień srpna srpen srp ağustos ağu augusztus αυγούστου αυγ elokuuta agustus жніўня тамыз
  rugpjūčio augusts kolovoza ágúst agost ogos сер elo agosti augusta avg avgust avqust gusht kolovoz
  rugp rugpjūtis ágú αύγ αύγουστος жнівень серпень agu
september sep sept septembre septiembre setiembre setembro set settembre sett сентября сен сент
  сентябрь вересня вер września wrz wrzesień září eylül eyl septembrie szeptember σεπτεμβρίου σεπ
  syyskuuta верасня септември септембар қыркүйек rugsėjo septembris rujna septembra syys rugs
  rugsėjis rujan sentabr sentyabr septemba septembar setembre setyembre shtator szept zář
  σεπτέμβριος верасень вересень верес сеп
october oct oktober okt octobre octubre outubro out ottobre ott октября окт октябрь жовтня жовт
  października paź październik října říjen ekim eki octombrie október οκτωβρίου οκτ lokakuuta
  кастрычніка октомври октобар қазан spalio oktobris oktoober októbra жов loka oktabr oktoba oktobar
  oktubre oktyabr spalis tetor říj οκτώβριος жовтень кастрычнік
november nov novembre noviembre novembro ноября ноя нояб ноябрь листопада лист listopada lis
  listopad listopadu kasım kas noiembrie νοεμβρίου νοε marraskuuta лістапада ноември новембар қараша
  lapkričio novembris studenoga studenog novembra nóvember лис ное marras lapkritis nobyembre
  novemba novembar noy noyabr nëntor nóv studeni νοέ νοέμβριος листопад листоп лістапад нов
december dec dezember dez décembre déc diciembre dic dezembro dicembre декабря дек декабрь грудня
  груд гру grudnia gru grudzień prosince prosinec aralık ara decembrie δεκεμβρίου δεκ desember des
  joulukuuta снежня декември децембар желтоқсан gruodžio decembris detsember prosinca decembra joulu
  decembar decembro dek dekabr desemba desembre dets dhjetor disember disyembre gruodis prosinac
  δεκέμβριος грудень дец снежань
"""


def _months() -> dict[str, int]:
    rows = _MONTH_NAMES.replace("\n  ", " ").strip().splitlines()
    return {name: number for number, row in enumerate(rows, 1) for name in row.split()}


MONTHS: Final = _months()
"""Month names in lower case, without a full stop, to 1 … 12. `listopad` is Polish and Czech."""

ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
"""Eras to the year before their first."""

MORNING: Final = (
    "上午",
    "午前",
    "早上",
    "清晨",
    "凌晨",
    "早晨",
    "朝",
    "오전",
    "새벽",
    "아침",
    "am",
)
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
}  # fmt: skip
"""Zone abbreviations in lower case to minutes east of UTC."""

REGIONS: Final = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}  # fmt: skip
"""Abbreviations that follow a region's summer time, to the region."""

PLACES: Final = {
    "北京时间": "Asia/Shanghai", "北京時間": "Asia/Shanghai", "台北時間": "Asia/Taipei",
    "香港时间": "Asia/Hong_Kong", "东京时间": "Asia/Tokyo", "日本时间": "Asia/Tokyo",
    "日本時間": "Asia/Tokyo", "韩国时间": "Asia/Seoul", "首尔时间": "Asia/Seoul",
    "美东时间": "America/New_York", "美國東部時間": "America/New_York",
    "美国东部时间": "America/New_York", "纽约时间": "America/New_York",
    "伦敦时间": "Europe/London", "格林尼治时间": "UTC", "莫斯科时间": "Europe/Moscow",
}  # fmt: skip
"""Times of a place, anywhere in the text, to the zone."""

WEEKDAYS: Final = {
    name: number
    for row in ("mon tue wed thu fri sat sun", "lun mar mer jeu ven sam dim", "lun mar mié jue vie")
    for number, name in enumerate(row.split())
}
"""How days of the week begin, from Monday: they settle the order of `Fri, 05/07/2021`."""
