"""The words of dates: months, time zones and parts of the day, as people and programs write them.

Sources: CLDR's month names; RFC 822 (zones of North America); the IANA time zone database for the
other abbreviations. An abbreviation that several zones share has the reading that is most common in
news feeds; a source's own zone is asked first (:func:`worker.normalize.dates.parser.parse_date`).
"""

from typing import Final

_MONTH_NAMES = """
january jan januar januari janvier janv enero ene janeiro gennaio gen jänner jän января янв январь
  січня січ stycznia sty styczeń ledna leden ocak oca ianuarie ian január ιανουαρίου ιαν tammikuuta
  студзеня януари јануар қаңтар sausio janvāris jaanuar siječnja januára janúar gener яну tammi
february feb februar februari février févr fév fevrier febrero fevereiro fev febbraio feber февраля
  фев февр февраль лютого лют lutego lut luty února únor şubat şub februarie február φεβρουαρίου φεβ
  helmikuuta лютага февруари фебруар ақпан vasario februāris veebruar veljače februára febrúar
  febrer helmi
march mar märz mär mrz maerz mars marzo março marco maart mrt марта март мар березня бер marca
  marzec března březen mart martie március μαρτίου μαρ marts maaliskuuta maret сакавіка наурыз kovo
  märts ožujka març maalis
april apr avril avr abril abr aprile апреля апр апрель квітня квіт kwietnia kwi kwiecień dubna duben
  nisan nis aprilie április απριλίου απρ huhtikuuta красавіка април сәуір balandžio aprīlis aprill
  travnja apríla кві huhti
may mai mayo maio maggio mag mei мая май травня трав maja maj května květen mayıs május μαΐου μαϊ
  toukokuuta мај мамыр gegužės maijs svibnja mája maí maig тра touko
june jun juni juin junio junho giugno giu июня июн июнь червня черв czerwca cze czerwiec června
  červen haziran haz iunie június ιουνίου ιουν kesäkuuta чэрвеня юни јун маусым birželio jūnijs
  juuni lipnja júna júní juny чер kesä
july jul juli juillet juil julio julho luglio lug июля июл июль липня лип lipca lip lipiec července
  červenec temmuz tem iulie július ιουλίου ιουλ heinäkuuta ліпеня юли јул шілде liepos jūlijs juuli
  srpnja júla júlí juliol heinä
august aug août aout agosto ago augustus augusti августа авг август серпня серп sierpnia sie
  sierpień srpna srpen ağustos ağu augusztus αυγούστου αυγ elokuuta agustus жніўня тамыз rugpjūčio
  augusts kolovoza ágúst agost ogos сер elo
september sep sept septembre septiembre setiembre setembro set settembre sett сентября сен сент
  сентябрь вересня вер września wrz wrzesień září eylül eyl septembrie szeptember σεπτεμβρίου σεπ
  syyskuuta верасня септември септембар қыркүйек rugsėjo septembris rujna septembra syys
october oct oktober okt octobre octubre outubro out ottobre ott октября окт октябрь жовтня жовт
  października paź październik října říjen ekim eki octombrie október οκτωβρίου οκτ lokakuuta
  кастрычніка октомври октобар қазан spalio oktobris oktoober októbra жов loka
november nov novembre noviembre novembro ноября ноя нояб ноябрь листопада лист listopada lis
  listopad listopadu kasım kas noiembrie νοεμβρίου νοε marraskuuta лістапада ноември новембар қараша
  lapkričio novembris studenoga studenog novembra nóvember лис ное marras
december dec dezember dez décembre déc diciembre dic dezembro dicembre декабря дек декабрь грудня
  груд гру grudnia gru grudzień prosince prosinec aralık ara decembrie δεκεμβρίου δεκ desember des
  joulukuuta снежня декември децембар желтоқсан gruodžio decembris detsember prosinca decembra joulu
"""


def _months() -> dict[str, int]:
    rows = _MONTH_NAMES.replace("\n  ", " ").strip().splitlines()
    return {name: number for number, row in enumerate(rows, 1) for name in row.split()}


MONTHS: Final = _months()
"""Month names in lower case, without a full stop, to 1 … 12. `listopad` is Polish and Czech."""

ERAS: Final = {"令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
"""Eras to the year before their first."""

MORNING: Final = ("上午", "午前", "早上", "清晨", "凌晨", "早晨", "오전", "새벽", "am")
NOON: Final = ("中午", "正午")
AFTERNOON: Final = ("下午", "午后", "午後", "傍晚", "오후", "pm")
NIGHT: Final = ("晚上", "晚间", "晚間", "夜间", "夜間", "晚", "밤")
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
    "awst": 480, "北京时间": 480, "北京時間": 480, "jst": 540, "kst": 540,
    "acst": 570, "acdt": 630, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}  # fmt: skip
"""Zone abbreviations in lower case to minutes east of UTC."""

REGIONS: Final = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}  # fmt: skip
"""Abbreviations that follow a region's summer time, to the region."""
