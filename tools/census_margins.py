"""Derive data/register/margins.csv from a census workbook of county tables.

Usage: python tools/census_margins.py WORKBOOK [OUTPUT]

The workbook has a row per county with its 6-digit code in 区划代码, and counts by sex and five-year
age in columns such as 男_20到24岁 (Seventh National Population Census 2020, yearbook tables). The
numbers it gives are committed, so that a study never needs the workbook.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sampledata.places import read_districts

SOURCE = "第七次全国人口普查(2020)分县资料 {code}"
SEXES = {"男": "male", "女": "female"}
SHARE_18_19 = 2 / 5
"""Of the band 15-19 two of five years of age are adults (ASSUMPTIONS.md)."""
BANDS = {
    "18-24": ("15到19岁", "20到24岁"),
    "25-34": ("25到29岁", "30到34岁"),
    "35-44": ("35到39岁", "40到44岁"),
    "45-54": ("45到49岁", "50到54岁"),
    "55-64": ("55到59岁", "60到64岁"),
    "65+": ("65到69岁", "70到74岁", "75到79岁", "80到84岁", "85岁以上"),
}


def margins(census: pd.DataFrame) -> pd.DataFrame:
    """unit, sex, age_band, population, source: adults of each district; parks take those of their county.

    Raises
    ------
    ValueError
        If a column or a county is missing.
    """
    columns = [f"{zh}_{age}" for zh in SEXES for band in BANDS.values() for age in band]
    lacking = [c for c in ("区划代码", *columns) if c not in census]
    if lacking:
        raise ValueError(f"the census table has no column {', '.join(lacking[:5])}")
    counties = census.set_index("区划代码")
    absent = sorted({d.home for d in read_districts()} - set(counties.index))
    if absent:
        raise ValueError(f"the census table has no row for the counties {', '.join(absent)}")
    rows = []
    for district in read_districts():
        code = district.home
        source = SOURCE.format(code=code) + (" 所在县区" if code != district.code else "")
        for zh, sex in SEXES.items():
            for band, ages in BANDS.items():
                counts = [
                    float(counties.loc[code, f"{zh}_{age}"]) * (SHARE_18_19 if age == "15到19岁" else 1)
                    for age in ages
                ]
                rows.append((district.name, sex, band, round(sum(counts)), source))
    return pd.DataFrame(rows, columns=["unit", "sex", "age_band", "population", "source"])


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    default = Path(__file__).resolve().parents[1] / "data/register/margins.csv"
    output = Path(arguments[1]) if len(arguments) == 2 else default
    try:
        census = pd.read_excel(arguments[0], engine="calamine", dtype={"区划代码": "str"})
        table = margins(census)
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    table.to_csv(output, index=False, lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
