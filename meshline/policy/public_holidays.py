"""Public holidays by country and region, as the `holidays` library computes them.

Pure: a country and a year in, days with their names out; neither network nor rows. A place that
the library does not know (any more) has no public holidays; `is_known` says so beforehand.
"""

import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import holidays
from holidays.registry import COUNTRIES

# A century of one place is computed in about 20 ms, once a process.
FIRST_YEAR, LAST_YEAR = 2000, 2100
_SMALL_WORDS = {"And", "Of", "The"}
_NONE: Mapping[date, str] = MappingProxyType({})


@lru_cache(maxsize=4096)
def of_year(country: str, region: str, year: int) -> Mapping[date, str]:
    """One year's public holidays, by day; English names where the library has them."""
    if not is_known(country, region):
        return _NONE
    place = _place(country)
    # Outside of its years the library has nothing but a warning.
    if not place.start_year <= year <= place.end_year:
        return _NONE
    with warnings.catch_warnings():
        # India's movable feasts are known until 2035; what is fixed goes on after that.
        warnings.simplefilter("ignore")
        found = holidays.country_holidays(
            country, subdiv=region or None, years=year, expand=False, language="en_US"
        )
    return MappingProxyType(dict(sorted(found.items())))


@lru_cache(maxsize=256)
def all_days(country: str, region: str) -> frozenset[date]:
    """Every public holiday of a place that a deadline could meet."""
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return frozenset(day for year in years for day in of_year(country, region, year))


def is_known(country: str, region: str = "") -> bool:
    """Whether there is such a country and, if one is given, such a region of it."""
    return country in countries() and (not region or region in regions(country))


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """Names by code (ISO 3166-1 alpha-2), in the order of their names."""
    named = {words[1]: _name(module) for module, words in COUNTRIES.items()}
    return MappingProxyType(dict(sorted(named.items(), key=lambda pair: pair[1])))


@lru_cache(maxsize=256)
def regions(country: str) -> Mapping[str, str]:
    """The names by code of a country's regions that have public holidays of their own."""
    if country not in countries():
        return MappingProxyType({})
    place = _place(country)
    names: dict[str, str] = {}
    for name, code in place.subdivisions_aliases.items():
        names.setdefault(code, name)
    return MappingProxyType({code: names.get(code, code) for code in place.subdivisions})


def region_code(country: str, words: str) -> str:
    """The code of a region that somebody named by its code or its name; empty if there is none."""
    wanted = words.strip().casefold()
    known = regions(country)
    by_code = (code for code in known if code.casefold() == wanted)
    by_name = (code for code, name in known.items() if name.casefold() == wanted)
    return next(by_code, "") or next(by_name, "")


def name_of(country: str, region: str = "") -> str:
    """Such as "Berlin, Germany"; codes where there is no name."""
    name = countries().get(country, country)
    return f"{regions(country).get(region, region)}, {name}" if region else name


@lru_cache(maxsize=256)
def _place(country: str) -> Any:
    return holidays.country_holidays(country)


def _name(module: str) -> str:
    """ "isle_of_man" as people write it."""
    words = module.replace("_", " ").title().split()
    small = [word.lower() if word in _SMALL_WORDS else word for word in words]
    return " ".join(small)
