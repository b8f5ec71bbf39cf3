"""The city of the sample: real districts with the counts of annex 1, invented communities.

Annex 1 is printed with 昆明市's work plan of September 2018: per district the urban communities, the converted ones
(村改居) and the quotas of pilots. The other columns of ``DISTRICTS`` are invented and steer the sample's values.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

CITY = "昆明市"
PERIODS = ("2019Q3", "2019Q4")
SIZES = ("kunming", "tiny")
TYPES = {"urban": "城市社区", "converted": "村改居"}

CORE, OUTER, PARK = "主城五区", "郊县市区", "开发度假园区"


@dataclass(frozen=True)
class District:
    """A row of annex 1 and the invented traits of its sample data.

    ``quality`` shifts every score (standard deviations), ``change`` residents' answers in the second quarter;
    ``org`` are mean social organisations by type, ``facility`` square metres per 100 households, ``workers``
    certified social workers at the end of 2017 with the growth of 2018 and 2019.
    """

    name: str
    code: str
    urban: int
    converted: int
    pilots: int
    phase1: int
    candidates: int
    group: str
    quality: float
    change: float
    org: tuple[float, float]
    facility: float
    workers: int
    growth: tuple[float, float]
    file: str

    @property
    def total(self) -> int:
        return self.urban + self.converted


D = District
DISTRICTS = (
    D(
        "五华区",
        "530102",
        65,
        24,
        14,
        4,
        7,
        CORE,
        0.30,
        0.30,
        (12.1, 6.2),
        36,
        412,
        (0.063, 0.055),
        "五华区.xlsx",
    ),
    D(
        "盘龙区",
        "530103",
        51,
        20,
        11,
        4,
        7,
        CORE,
        0.35,
        0.0,
        (12.8, 6.6),
        33,
        388,
        (0.058, 0.049),
        "盘龙区.xlsx",
    ),
    D(
        "官渡区",
        "530111",
        *(45, 71, 19, 4, 7),
        *(CORE, 0.15, 0.28),
        *((10.9, 5.4), 31, 365, (0.044, 0.052)),
        "官渡区(含大板桥街道).xlsx",
    ),
    D(
        "西山区",
        "530112",
        50,
        58,
        17,
        5,
        8,
        CORE,
        0.10,
        0.0,
        (10.6, 5.3),
        29,
        341,
        (0.035, 0.041),
        "西山区.xlsx",
    ),
    D(
        "呈贡区",
        "530114",
        8,
        29,
        6,
        2,
        4,
        CORE,
        0.20,
        0.34,
        (11.5, 5.9),
        41,
        126,
        (0.071, 0.078),
        "呈贡区.xlsx",
    ),
    D(
        "晋宁区",
        "530115",
        6,
        2,
        2,
        1,
        2,
        OUTER,
        -0.10,
        0.0,
        (9.3, 4.6),
        28,
        58,
        (0.034, 0.017),
        "晋宁区.xlsx",
    ),
    D(
        "东川区",
        "530113",
        17,
        18,
        2,
        1,
        2,
        OUTER,
        -0.40,
        -0.26,
        (8.2, 3.8),
        22,
        47,
        (0.021, -0.021),
        "东川区.csv",
    ),
    D(
        "安宁市",
        "530181",
        32,
        3,
        7,
        3,
        5,
        OUTER,
        0.40,
        0.0,
        (12.4, 6.4),
        43,
        158,
        (0.057, 0.066),
        "安宁市.xlsx",
    ),
    D("富民县", "530124", 2, 4, 2, 1, 2, OUTER, -0.15, 0.0, (9.0, 4.9), 31, 29, (0.069, 0.032), "富民县.csv"),
    D(
        "宜良县",
        "530125",
        4,
        62,
        4,
        2,
        4,
        OUTER,
        -0.10,
        0.0,
        (9.6, 4.7),
        27,
        73,
        (0.041, 0.026),
        "宜良县.xlsx",
    ),
    D(
        "嵩明县",
        "530127",
        1,
        35,
        2,
        1,
        2,
        OUTER,
        -0.20,
        0.0,
        (9.4, 4.4),
        26,
        52,
        (0.038, 0.037),
        "嵩明县.csv",
    ),
    D(
        "石林县",
        "530126",
        *(1, 3, 2, 1, 2),
        *(OUTER, 0.05, 0.0),
        *((10.2, 5.2), 33, 38, (0.053, 0.050)),
        "石林彝族自治县.xlsx",
    ),
    D("禄劝县", "530128", 7, 7, 2, 1, 2, OUTER, -0.35, 0.0, (7.9, 3.6), 21, 34, (0.029, 0.000), "禄劝县.csv"),
    D(
        "寻甸县",
        "530129",
        1,
        27,
        2,
        1,
        2,
        OUTER,
        -0.30,
        0.36,
        (8.6, 4.1),
        24,
        41,
        (0.049, 0.070),
        "寻甸县.csv",
    ),
    D(
        "高新区",
        "530102401",
        10,
        13,
        2,
        1,
        2,
        PARK,
        0.25,
        0.0,
        (11.2, 5.6),
        34,
        61,
        (0.066, 0.062),
        "高新区.xlsx",
    ),
    D(
        "经开区",
        "530111402",
        5,
        13,
        2,
        1,
        2,
        PARK,
        0.10,
        0.0,
        (10.4, 5.1),
        30,
        49,
        (0.041, 0.059),
        "经开区.xlsx",
    ),
    D(
        "滇池度假区",
        "530112403",
        4,
        13,
        2,
        1,
        2,
        PARK,
        0.20,
        0.0,
        (11.0, 5.5),
        37,
        44,
        (0.045, 0.043),
        "滇池度假区.xlsx",
    ),
    D(
        "阳宗海风景区",
        "530125404",
        0,
        31,
        2,
        1,
        2,
        PARK,
        -0.25,
        0.0,
        (9.0, 4.0),
        25,
        26,
        (0.038, 0.037),
        "阳宗海风景区.xlsx",
    ),
)
TINY = {"五华区": (4, 2, 2, 1, 2), "盘龙区": (2, 1, 2, 1, 2), "阳宗海风景区": (0, 3, 2, 1, 2)}
"""District -> urban, converted, pilots, phase 1, candidates of the tiny study (12 communities)."""

SAMPLED_SHARE = 0.27
"""Share of the communities outside the candidates that the questionnaire visits; with the candidates one third."""
ISSUED = {"kunming": (50, 300), "tiny": (31, 31)}
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


def build_city(size: str, seed: int) -> City:
    """The communities with their invented size, quality, candidacy and place in the survey's sample."""
    districts = DISTRICTS
    if size == "tiny":
        fields = ("urban", "converted", "pilots", "phase1", "candidates")
        districts = tuple(
            replace(d, **dict(zip(fields, TINY[d.name], strict=True))) for d in DISTRICTS if d.name in TINY
        )
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
    """All candidates (a stratum each), of the others a random sample by type, at least two where they exist."""
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
