"""Words that stand behind numbers: what multiplies them, and what they are counted in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

_MILLIONS = (
    "millionen millón millones milhão milhões milione milioni miljoen miljoner млн миллион миллиона миллионов"
)
_MILLIARDS = (
    "milliard milliards milliarde milliarden miliardo miliardi miljard miljarder млрд миллиард миллиарда"
)

SCALES: Mapping[str, Decimal] = MappingProxyType(
    {
        **dict.fromkeys(("hundred",), Decimal(10**2)),
        **dict.fromkeys(("k", "thousand", "thousands", "tsd"), Decimal(10**3)),
        **dict.fromkeys(("lakh", "lakhs"), Decimal(10**5)),
        **dict.fromkeys(("million", "millions", "mn", "mln", "mio"), Decimal(10**6)),
        **dict.fromkeys(("crore", "crores"), Decimal(10**7)),
        **dict.fromkeys(("billion", "billions", "bn", "bln", "mrd"), Decimal(10**9)),
        **dict.fromkeys(("trillion", "trillions", "tn", "trn"), Decimal(10**12)),
        "dozen": Decimal(12),
        **dict.fromkeys(("tausend", "тыс", "тысяч", "тысячи", "тысяча"), Decimal(10**3)),
        **dict.fromkeys(_MILLIONS.split(), Decimal(10**6)),
        **dict.fromkeys(_MILLIARDS.split(), Decimal(10**9)),
    }
)
"""Word -> what it multiplies by, wherever it stands."""
SCALES_OF_MONEY: Mapping[str, Decimal] = MappingProxyType(
    {
        "K": Decimal(10**3),
        **dict.fromkeys(("M", "m", "MM", "mm"), Decimal(10**6)),
        **dict.fromkeys(("B", "b"), Decimal(10**9)),
        **dict.fromkeys(("T", "t"), Decimal(10**12)),
    }
)
"""Letters that are units as well: metres and minutes, kelvin, bytes, tonnes."""

_UNITS = """
    % ‰ ° $ € £ ¥ ₹ ₩ ₽ ₺ ₪ ₫ ฿ ₴ ₦ ₱ ¢
    percent pct per pp bps USD EUR GBP JPY CHF CNY INR CAD AUD SEK NOK DKK PLN BRL
    dollar dollars euro euros pound pounds cent cents pence yen rupee rupees franc francs kr zł
    st nd rd th
    mm cm dm m km nm µm μm inch inches ft feet foot yd yard yards mi mile miles
    mg g kg t lb lbs oz gram grams kilogram kilograms tonne tonnes ton tons ounce ounces
    ml cl dl l L liter liters litre litres gal gallon gallons cup cups
    ms ns µs μs s sec secs second seconds min mins minute minutes h hr hrs hour hours
    d day days wk wks week weeks mo month months yr yrs y year years am pm AM PM
    bit bits b B byte bytes kB KB MB GB TB PB KiB MiB GiB Kbps Mbps Gbps
    Hz kHz MHz GHz W kW MW GW Wh kWh MWh V kV mV A mA Ah mAh J kJ MJ cal kcal N Pa kPa MPa hPa bar psi K C F °C °F
    mph kph kmh rpm fps px pt dpi dB mol M ha acre acres sqm sqft degrees degree deg rad
    x times pcs pc people persons items item M T
"""
UNITS = frozenset(_UNITS.split())
"""What a number may be followed by and stay the number that it is, also without a space between."""
