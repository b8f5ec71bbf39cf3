"""The city of the sample: real districts with the counts of annex 1, invented communities.

Annex 1 is printed with 昆明市's work plan of September 2018 (昆发〔2018〕14号): per district the urban
communities, the converted ones (村改居) and the quotas of pilots. It stands in districts.csv; the columns
after ``group`` there are invented.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

CITY = "昆明市"
PERIODS = ("2019Q3", "2019Q4")
SIZES = ("kunming", "tiny")
TYPES = {"urban": "城市社区", "converted": "村改居"}


@dataclass(frozen=True)
class District:
    """A row of districts.csv: annex 1, and the invented traits that steer the sample's data.

    ``quality`` shifts every score (standard deviations), ``change`` the answers of the second quarter;
    ``org_*`` are mean social organisations by type, ``facility`` is square metres per 100 households,
    ``workers`` are certified social workers at the end of 2017, ``growth_*`` their yearly growth. ``home`` is
    the county whose census counts.
    """

    name: str
    code: str
    home: str
    urban: int
    converted: int
    pilots: int
    phase1: int
    group: str
    candidates: int
    quality: float
    change: float
    org_urban: float
    org_converted: float
    facility: float
    workers: int
    growth_2018: float
    growth_2019: float
    file: str

    @property
    def total(self) -> int:
        return self.urban + self.converted


def read_districts() -> tuple[District, ...]:
    """The 18 districts in the order of annex 1."""
    table = pd.read_csv(Path(__file__).with_name("districts.csv"), dtype={"code": "str", "home": "str"})
    return tuple(District(**row) for row in table.to_dict("records"))  # type: ignore[misc]


FULL_NAMES = {
    "石林县": "石林彝族自治县",
    "禄劝县": "禄劝彝族苗族自治县",
    "寻甸县": "寻甸回族彝族自治县",
    "滇池度假区": "昆明滇池国家旅游度假区",
}
"""Longer names that some senders use; the register knows them as aliases."""
ANNEX_NAMES = {"官渡区": "官渡区(含大板桥街道)"}
TINY = {"五华区": (4, 2, 2, 1, 2), "盘龙区": (2, 1, 2, 1, 2), "阳宗海风景区": (0, 3, 2, 1, 2)}
"""District -> urban, converted, pilots, phase 1, candidates of the tiny study (12 communities)."""

SAMPLED_SHARE = 0.27
"""Share of the other communities that the questionnaire visits; with the candidates one third."""
ISSUED = {"kunming": (50, 300), "tiny": (28, 28)}
"""Questionnaires a community, and at least so many a district."""

_URBAN = ("锦云翠明春安福瑞华祥康宁怡景和新永兴金银桂梅兰竹", "泽园苑泉湾岭庭坊桥台阁里洲屏岚城")
_CONVERTED = ("大小上下前后东西南北老新石沙水白红青黄高柳松杨梨麦荷茶棠", "坝营屯庄塘箐堡甸冲寨垭墩桥溪窑坪")
TRAP = "合计坊"
"""A community whose name begins like a total row."""


@dataclass(frozen=True)
class City:
    """What the generator knows about the sample city; ``communities`` has one row each."""

    size: str
    seed: int
    districts: tuple[District, ...]
    communities: pd.DataFrame

    def of(self, district: str) -> pd.DataFrame:
        return self.communities[self.communities["district"] == district]

    @property
    def candidates(self) -> pd.DataFrame:
        return self.communities[self.communities["candidate"]]

    def rated(self, period: str) -> pd.DataFrame:
        """Candidates whose sheets exist: the first quarter is a trial round with fewer."""
        return self.candidates if period == PERIODS[-1] else self.candidates[self.candidates["trial"]]


def stream(seed: int, *keys: object) -> np.random.Generator:
    """A random stream of its own for each purpose, so that parts do not disturb each other."""
    return np.random.default_rng([seed, *(zlib.crc32(str(k).encode()) for k in keys)])


def _names(kind: str, seed: int) -> list[str]:
    firsts, seconds = _URBAN if kind == "urban" else _CONVERTED
    names = [a + b for a in firsts for b in seconds]
    stream(seed, "names", kind).shuffle(names)
    return [n + "社区" for n in names]


def _choose(frame: pd.DataFrame, district: District, rng: np.random.Generator) -> pd.Series:
    """Candidates: the better communities apply, not only the best."""
    wish = frame["quality"] + rng.normal(0, 0.5, len(frame))
    best = wish.sort_values(ascending=False).index[: district.candidates]
    return pd.Series(frame.index.isin(best), index=frame.index)


def _small(district: District) -> District:
    urban, converted, pilots, phase1, candidates = TINY[district.name]
    return replace(
        district, urban=urban, converted=converted, pilots=pilots, phase1=phase1, candidates=candidates
    )


def build_city(size: str, seed: int) -> City:
    """The communities with their invented size, quality, candidacy and place in the survey's sample."""
    districts = read_districts()
    if size == "tiny":
        districts = tuple(_small(d) for d in districts if d.name in TINY)
    pools = {kind: iter(_names(kind, seed)) for kind in TYPES}
    parts = []
    for d in districts:
        rng = stream(seed, "communities", d.name)
        kinds = ["urban"] * d.urban + ["converted"] * d.converted
        frame = pd.DataFrame({"district": d.name, "type": kinds, "name": [next(pools[k]) for k in kinds]})
        if d.name == "官渡区":
            frame.loc[d.urban - 1, "name"] = TRAP + "社区"
        urban = frame["type"] == "urban"
        n = len(frame)
        frame["unit"] = d.name + "/" + frame["name"]
        width = 2 if len(d.code) > 6 else 3
        frame["code"] = [f"{d.code}S{i:0{width}d}"[:12] for i in range(1, n + 1)]
        center = np.where(urban, 2300, 1250)
        frame["households"] = np.rint(center * np.exp(rng.normal(0, 0.32, n))).astype(int)
        frame["population"] = np.rint(frame["households"] * rng.uniform(2.35, 2.95, n)).astype(int)
        frame["adults"] = np.rint(frame["population"] * rng.uniform(0.80, 0.86, n)).astype(int)
        frame["quality"] = d.quality + rng.normal(0, 0.45, n)
        frame["candidate"] = _choose(frame, d, rng)
        frame["trial"] = frame["candidate"]
        late = frame.index[frame["candidate"]][max(2, round(d.candidates * 0.65)) :]
        frame.loc[late, "trial"] = False
        parts.append(_sample(frame, d, size, rng))
    communities = pd.concat(parts, ignore_index=True)
    return City(size, seed, districts, communities)


def _sample(frame: pd.DataFrame, d: District, size: str, rng: np.random.Generator) -> pd.DataFrame:
    """All candidates (a stratum each), and a random sample of the others by type: two or more."""
    frame = frame.assign(stratum="", in_stratum=0, sampled=False)
    own = frame["candidate"]
    frame.loc[own, "stratum"] = frame.loc[own, "unit"] + "·申报"
    frame.loc[own, "in_stratum"] = 1
    frame.loc[own, "sampled"] = True
    for kind, label in TYPES.items():
        rest = frame.index[~own & (frame["type"] == kind)]
        if not len(rest):
            continue
        frame.loc[rest, "stratum"] = f"{d.name}·{label}·抽样"
        frame.loc[rest, "in_stratum"] = len(rest)
        take = min(len(rest), max(2, round(len(rest) * SAMPLED_SHARE)))
        frame.loc[rng.choice(rest, take, replace=False), "sampled"] = True
    each, least = ISSUED[size]
    issued = max(each, -(-least // int(frame["sampled"].sum())))
    frame["issued"] = np.where(frame["sampled"], issued, 0)
    return frame
