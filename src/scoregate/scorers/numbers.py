"""Numbers as people and models write them: read rightly, or not at all.

Read are `1,080.00`, `1 080`, `1'080`, `1_080`, `1.080,00`, `1,08,000`, `-3.5`, `.5`, `½`, `1/2`, `3 1/2`, `2e-3`,
`10^6`, `10⁶`, `3 × 10^8`, `1.2k`, `3 million`, with a sign, a currency, a percent sign (50% reads as 50) or a unit.
What can be read in two ways is no number: ranges (`5–10`, `5 to 10`), dates, times, versions, `1,08`, sums and products
that are not carried out, `5m`, two quantities that are one (`5 hours 30 minutes`). Never is a part of a number taken
for the whole of it. A name that ends in digits (`gpt-4`, `Q3`) is none and is passed over.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from scoregate.records import JSON
from scoregate.scorers.number_words import SCALES, SCALES_OF_MONEY, UNITS

_CURRENCY = (
    r"(?:(?:US|CA|AU|NZ|HK|SG|A|C|R)?\$|[€£¥₹₩₽₺₪₫฿₴₦₱¢]|(?:USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|BRL)\b"
    r"|(?:USD|EUR|GBP|JPY|CHF|CNY|INR)(?=\d)|Rs\.?)"
)
_FRACTIONS = "".join(chr(code) for code in (0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F), 0x2189))
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SPACE = "[ \u00a0]"
_BY = rf"{_SPACE}?(?:×|[xX*·]|\\times|\\cdot){_SPACE}?"
_CLUSTER = rf"""
    (?:[.,]?\d|[{_FRACTIONS}])
    (?:\d
      |[.,'_:/^]\d
      |{_SPACE}(?=[\d{_FRACTIONS}])
      |[{_FRACTIONS}]
      |[⁺⁻]?[{_SUPERSCRIPT}]
      |(?:\^|\*\*)\{{?[-+]?\d+\}}?
      |{_BY}[-+]?\d
      |[eE][-+]?\d
      |{_SPACE}?(?:[-–—±÷+]|\.{{2,3}}|…){_SPACE}?[-+]?{_CURRENCY}?\.?\d
    )*+
"""
_NUMBER = re.compile(
    rf"""
    (?<![\w.,/\\])(?<!\w[-–])
    (?P<sign>[-+–]|(?:minus|negative)\ )?
    (?:(?P<currency>{_CURRENCY}){_SPACE}?)?(?P<inner>[-+]?)
    (?P<cluster>{_CLUSTER})
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
_THREE_DECIMALS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""Of money it may be thousands as well: `€1.080`."""
_GROUPED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?!0)(?P<whole>\d{1,3}(?:,\d{3})+)(?:\.(?P<rest>\d+))?",
        r"(?!0)(?P<whole>\d{1,2}(?:,\d{2})+,\d{3})(?:\.(?P<rest>\d+))?",  # 1,08,000: lakhs and crores
        r"(?!0)(?P<whole>\d{1,3}(?:\.\d{3}){2,})(?:,(?P<rest>\d+))?",
        r"(?!0)(?P<whole>\d{1,3}(?:\.\d{3})+),(?P<rest>\d+)",
        r"(?!0)(?P<whole>\d{1,3}(?P<by>[ \u00a0'_])\d{3}(?:(?P=by)\d{3})*)(?:(?:\.|,(?!\d{3}$))(?P<rest>\d+))?",
    )
)
_POWER = re.compile(
    rf"(?:(?P<factor>.+?){_BY})?10(?:(?:\^|\*\*)\{{?(?P<exponent>[-+]?\d{{1,3}})\}}?|(?P<raised>[⁺⁻]?[{_SUPERSCRIPT}]{{1,3}}))"
)
_FRACTION = re.compile(rf"(?:(?P<whole>\d+){_SPACE})?(?P<above>\d{{1,3}})/(?P<below>\d{{1,4}})")
_SIGN_OF_FRACTION = re.compile(rf"(?:(?P<whole>\d+){_SPACE}?)?(?P<sign>[{_FRACTIONS}])")

_LETTERS = rf"[^\W\d_{_SUPERSCRIPT}{_FRACTIONS}]+"
_WORD = re.compile(
    rf"(?P<gap>{_SPACE}?)(?P<word>°[CF]\b|{_LETTERS}|[%‰°$€£¥₹₩₽₺₪₫฿₴₦₱¢])(?:(?<=m)(?:[²³]|[23]\b))?(?:/{_LETTERS}[²³]?)?"
)
_SPOILED_BEFORE = re.compile(
    r"(?:\b(?:point|comma)|√|sqrt[({]|\}\{|\\frac\{?|[±≤≥^]|[<>]=|\w [<>]|(?:^|[\s(])<"
    r"|[=:(] ?[-–]|\w [+*×÷/]|\b\d*[a-z] [-–]|\b(?:hundred|thousand|[mb]illion)(?: and)?)\s?$"
    r"|(?:[\s(]|^)[—―]$|(?:^|[\s(])>$|\d[(،‧]$"
)
"""What makes the number behind it another one, or no number of its own."""
_SPOILED_BEHIND = re.compile(
    rf"{_SPACE}?(?:and (?:an?|one|two|three) (?:half|quarters?|thirds?|fourths?)\b|squared\b|cubed\b"
    r"|or (?:more|less|fewer)\b)"
    r"|\\(?!text|mathrm|mathbf|[,;!)\]%$ ]|quad|boxed)[a-z]+|[-–]{1,2}(?=\d)|-[A-Za-z]+-?\d|\^|/(?=\d)|\+(?![+\d])"
)
_JOINT = re.compile(
    r"\s?(?:[-–—~〜±÷+*×/^]|:(?!\s)|(?<=\s):|\+/[-–]|(?:, )?or"
    r"|x|X|to|bis|à|through|thru|till|until|point|plus|minus|plus or minus|times|by|divided by"
    r"|of|out of|over|to the(?: power(?: of)?)?|\.{2,3}|…|\\(?:times|cdot|pm|div))\s?"
)
"""Between two numbers: both are parts of one."""
_BETWEEN = re.compile(r"\bbetween\s$")
_MONEY_BEHIND = re.compile(rf"{_SPACE}?{_CURRENCY}")
_BEHIND_WHOLE = re.compile(
    r"\d\s?(?:¢|cents?|pence|minutes?|mins?|seconds?|secs?|inch(?:es)?|ounces?)\b", re.IGNORECASE
)
"""Quantities that are the smaller part of one in two units: `5 dollars and 30 cents`."""
_OF_A_GROUP = 3
"""Digits between two separators of thousands; a number that begins with 0 is none of its own: `1, 000`."""
_LONGEST_JOINT = 24
_UNCLEAR = ("m", "b", "t")
_UNCLEAR_APART = ("K", "M", "B", "T", "b", "mil", "mille")
"""Behind a number: a unit or a multiple, or a multiple that goes on in the next word (`5 mil millones`)."""
_WORDS_READ = 3


@dataclass(frozen=True, slots=True)
class _Found:
    """A number in a text: where it stands with all that belongs to it, and its value, None where it is unclear."""

    start: int
    end: int
    value: Decimal | None


def read_number(value: JSON) -> Decimal | None:
    """The number that a JSON value is, or that a whole text says; None where it is none, NaN or infinite."""
    if isinstance(value, str):
        text = _plain(value).strip().strip("*")
        match = _NUMBER.match(re.sub(rf"^([-+–]){_SPACE}+", r"\1", text))
        if match is None:
            return None
        found = _read(match)
        return found.value if match.string[found.end :].strip() in ("", ".") else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return Decimal(value)
    return Decimal(str(value)) if math.isfinite(value) else None


def last_number(text: str) -> tuple[str, Decimal | None] | None:
    """The last number of a text as it is written there, and its value, None where it is unclear; None without one."""
    plain = _plain(text)
    last = deque(_NUMBER.finditer(plain), maxlen=2)
    if not last:
        return None
    found = _read(last[-1])
    value, before = found.value, plain[max(0, found.start - _LONGEST_JOINT) : found.start]
    if _SPOILED_BEFORE.search(before):
        value = None
    if len(last) == 2 and value is not None and _are_one(plain, _read(last[0]), found):
        value = None
    return plain[found.start : found.end].strip(), value


def _are_one(text: str, former: _Found, found: _Found) -> bool:
    """Whether the last two numbers are a range, a sum or a quantity in two units."""
    if found.start - former.end > _LONGEST_JOINT:
        return False
    between = text[former.end : found.start]
    if not between.strip(" \u00a0"):
        return True
    digits = text[found.start : found.end]
    if between in (", ", ". ") and len(digits) == _OF_A_GROUP and digits.startswith("0"):
        return True
    if between.strip() == "and" and _BEHIND_WHOLE.search(digits):
        return True
    is_range = between.strip() == "and" and _BETWEEN.search(
        text[max(0, former.start - _LONGEST_JOINT) : former.start]
    )
    return bool(is_range) or _JOINT.fullmatch(between) is not None


def _read(match: re.Match[str]) -> _Found:
    text = match.string
    start, end = match.start(), match.end()
    value = _value(match["cluster"])
    money = bool(match["currency"]) or _money_follows(text, end)
    if (match["sign"] and match["inner"]) or (money and _THREE_DECIMALS.fullmatch(match["cluster"])):
        value = None
    for _ in range(_WORDS_READ):
        word = _WORD.match(text, end)
        if word is None:
            break
        name, is_attached = word["word"], not word["gap"]
        scale = _scale(name, is_attached=is_attached, is_money=money or _money_follows(text, word.end()))
        if scale is not None and word.end() == word.end("word"):
            value, end = value and value * scale, word.end()
            continue
        is_unit = name in UNITS or (len(name) > 2 and name.lower() in UNITS)
        if is_attached or is_unit:
            end = word.end()
        # `3D`, `0x1F`: whatever it is, it is not the number alone; `5m`, `5 K`: a unit or a multiple.
        if (is_attached and not is_unit) or name in (_UNCLEAR if is_attached else _UNCLEAR_APART):
            value = None
        break
    if _SPOILED_BEHIND.match(text, end) or text[end : end + 1].isalnum() or text[end : end + 1] == "_":
        value = None
    if value is not None and (match["sign"] or match["inner"] or "") not in ("", "+"):
        value = value.copy_negate()
    return _Found(start, end, value)


def _scale(word: str, *, is_attached: bool, is_money: bool) -> Decimal | None:
    """What a word multiplies by. Single letters are units as well, unless it is about money: `5 K`, `5m`."""
    if word in SCALES_OF_MONEY and (is_money or (word in "KMBT" and is_attached)):
        return SCALES_OF_MONEY[word]
    return SCALES.get(word) or SCALES.get(word.lower() if len(word) > 1 else word)


def _money_follows(text: str, place: int) -> bool:
    return _MONEY_BEHIND.match(text, place) is not None


def _value(cluster: str) -> Decimal | None:
    """The value of the digits alone, None where they can be read in several ways or in none."""
    power = _POWER.fullmatch(cluster)
    if power is not None:
        factor = Decimal(1) if power["factor"] is None else _grouped(power["factor"])
        exponent = int(power["exponent"] or power["raised"].translate(_RAISED))
        return None if factor is None else factor.scaleb(exponent)
    fraction = _FRACTION.fullmatch(cluster)
    if fraction is not None:
        below = Decimal(fraction["below"])
        return None if not below else Decimal(fraction["whole"] or 0) + Decimal(fraction["above"]) / below
    sign = _SIGN_OF_FRACTION.fullmatch(cluster)
    if sign is not None:
        numerator, _, denominator = unicodedata.normalize("NFKC", sign["sign"]).partition("\u2044")
        return Decimal(sign["whole"] or 0) + Decimal(numerator) / Decimal(denominator)
    return _grouped(cluster)


def _grouped(digits: str) -> Decimal | None:
    """The value of digits with separators of thousands, if any, and decimals."""
    if _PLAIN.fullmatch(digits):
        return Decimal(digits)
    for form in _GROUPED:
        match = form.fullmatch(digits)
        if match is not None:
            whole = re.sub(r"\D", "", match["whole"])
            return Decimal(f"{whole}.{match['rest'] or 0}")
    return None


_LATEX_FRACTION = re.compile(r"\\[dt]?frac(?:\{(\d+)\}\{(\d+)\}|(\d)(\d))")
_GRAVE = re.compile(r"(?<=\d)`(?=\d)")
_SIGNS = {
    **dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\ufe63\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u2032\u00b4\uff07"), "'"),
    **dict.fromkeys(map(ord, "\u2044\u2215\u29f8"), "/"),
    **dict.fromkeys(
        map(ord, "\u2009\u202f\u2007\u2008\u2002\u2003\u2004\u2005\u2006\u200a\u205f\u3000"), "\u00a0"
    ),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\ufe0f"), ""),
    ord("\u066b"): ".",
    ord("\u066c"): ",",
    ord("\u22c5"): "·",
    ord("\u2217"): "*",
    ord("\u2715"): "×",
    ord("\u2a2f"): "×",
    **{
        0xFF01 + n: chr(0x21 + n) for n in range(0x5E)
    },  # the wide forms, whose minus and apostrophe stand above too
}


def _plain(text: str) -> str:
    """The text with one sign for each thing that a number may hold, and LaTeX as plain text."""
    if not text.isascii():
        text = text.translate(_SIGNS)
    if "`" in text:
        text = _GRAVE.sub("'", text)
    if "\\" in text or "{,}" in text:
        text = text.replace("{,}", ",").replace("\\,", " ").replace("\\$", "$").replace("\\%", "%")
        text = _LATEX_FRACTION.sub(lambda match: f" {match[1] or match[3]}/{match[2] or match[4]}", text)
        text = re.sub(r"(\d)  ?(?=\d+/\d)", r"\1 ", text)
    return text
