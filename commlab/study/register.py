"""The register: what people keep by hand about the units of a study, read once and checked against itself.

A printed table of quotas (study.yaml, ``quotas``) is compared with ``units.csv`` whenever a file of the register has
changed, so that neither can drift from the other; in between, the checked tables are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from commlab import store
from commlab.errors import DataError, StudyError, listing
from commlab.intake import Register as Names
from commlab.intake.against import absent
from commlab.periods import period_key
from commlab.study.config import Quotas
from commlab.study.handkept import read_csv
from commlab.study.naming import LONGEST_NAME, folder_fault, spelt
from commlab.study.raw import code_hash
from commlab.study.review import REMEMBERED, read_answers
from commlab.tables import empty, validate

__all__ = ["Register", "read_register"]

_FOLDER = "data/register"


@dataclass(frozen=True)
class Register:
    """Tables of ``data/register``; every frame may be empty except ``units``."""

    root: Path
    city: str
    units: pd.DataFrame
    aliases: pd.DataFrame
    unit_changes: pd.DataFrame
    margins: pd.DataFrame
    survey_frame: pd.DataFrame
    candidates: pd.DataFrame
    quotas: pd.DataFrame
    tiles: pd.DataFrame

    @property
    def folder(self) -> Path:
        return self.root / _FOLDER

    @cached_property
    def districts(self) -> tuple[str, ...]:
        """The units that reports are made for, whatever a study calls them, in the register's order."""
        return tuple(self.units.loc[self.units["level"] == "district", "unit"])

    @cached_property
    def communities(self) -> pd.DataFrame:
        """unit, name, parent, type, code of every community."""
        rows = self.units[self.units["level"] == "community"]
        return rows[["unit", "name", "parent", "type", "code"]].reset_index(drop=True)

    @cached_property
    def district_of(self) -> dict[str, str]:
        """Community (or street) -> district."""
        parent = dict(zip(self.units["unit"], self.units["parent"], strict=True))
        districts = set(self.districts)
        found = {}
        for unit in parent:
            at: object = unit
            while isinstance(at, str) and at not in districts:
                at = parent.get(at)
            if isinstance(at, str):
                found[unit] = at
        return found

    @cached_property
    def places(self) -> dict[str, pd.Series]:
        """``type`` and, where the study has streets, ``street`` of every community."""
        known = self.communities.set_index("unit")
        streets = self.units.loc[self.units["level"] == "street", "unit"]
        found = {"type": known["type"], "street": known["parent"].where(known["parent"].isin(streets))}
        return {name: of for name, of in found.items() if of.notna().any()}

    def frame_of(self, period: str) -> pd.DataFrame:
        """The survey frame of a period; where it has none of its own, the latest earlier one."""
        frame = self.survey_frame
        earlier = [p for p in frame["period"].unique() if period_key(p)[:2] <= period_key(period)[:2]]
        return frame[frame["period"] == max(earlier, key=period_key)] if earlier else frame.iloc[:0]

    def codebook(self, instrument: str) -> Path:
        path = self.folder / "codebooks" / f"{instrument}.yaml"
        if not path.is_file():
            raise StudyError(
                f"{_FOLDER}/codebooks/{instrument}.yaml is missing; study.yaml names that instrument"
            )
        return path

    def files(self) -> list[Path]:
        """Every file of the register; results depend on all of them."""
        return _files(self.folder)


def _csv(folder: Path, name: str, columns: tuple[str, ...], *, required: bool = False) -> pd.DataFrame:
    path = folder / name
    if path.is_file():
        return read_csv(path, f"{_FOLDER}/{name}", columns)
    if required:
        raise StudyError(f"{_FOLDER}/{name} is missing; a study needs it")
    return pd.DataFrame({c: pd.Series(dtype="str") for c in columns})


def _numbers(
    frame: pd.DataFrame, columns: tuple[str, ...], name: str, *, blank: bool = False
) -> pd.DataFrame:
    for column in columns:
        numbers = pd.to_numeric(frame[column], errors="coerce").astype("float64")
        good = (numbers >= 0) & (numbers < np.inf)
        bad = frame.index[~good & ~(frame[column].isna() & blank)]
        if len(bad):
            row = bad[0]
            raise DataError(
                f'column "{column}" needs a number >= 0, found {frame.loc[row, column]!r}',
                file=f"{_FOLDER}/{name}",
                cell=f"row {row + 2}",
            )
        frame[column] = numbers.astype("float64")
    return frame


def _tiles(folder: Path) -> pd.DataFrame:
    """unit, column, row: where a district's tile stands on the map; row 0 is in the north. Empty without a file."""
    name = "tiles.csv"
    tiles = _numbers(_csv(folder, name, ("unit", "column", "row")), ("column", "row"), name)
    for row in tiles.index[tiles[["column", "row"]].mod(1).ne(0).any(axis=1)]:
        raise DataError("column and row need whole numbers", file=f"{_FOLDER}/{name}", cell=f"row {row + 2}")
    for columns, what in ((["unit"], "stand twice"), (["column", "row"], "share a place")):
        twice = tiles[tiles.duplicated(columns, keep=False)]
        if len(twice):
            raise DataError(f"units {what}: {listing(twice['unit'].unique())}", file=f"{_FOLDER}/{name}")
    return tiles


def read_register(root: str | Path, *, city: str, period: str, quotas: Quotas | None = None) -> Register:
    """Read ``data/register`` of a study.

    Parameters
    ----------
    root : path
        The study folder.
    city : str
        Canonical name of the whole; its row in units.csv has level ``city``.
    period : str
        Stands in the ``period`` column of the unit tables.
    quotas : Quotas, optional
        The printed table of places, as study.yaml describes it.

    Raises
    ------
    StudyError
        If a needed file is missing.
    DataError
        If a table breaks its contract, a parent is unknown, no unit is a district, or the printed quotas
        disagree with units.csv.
    """
    root = Path(root)
    memory = store.FrameMemory(root, ".register.frames")
    key = _key(root, city, period, quotas)
    known = memory.read(key)
    if known is not None:
        return Register(root, city, **known[1])
    register = _read(root, city, period, quotas)
    memory.write(key, {name: getattr(register, name) for name in _FRAMES})
    return register


_FRAMES = tuple(f.name for f in fields(Register) if f.name not in ("root", "city"))


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(("~", ".")))


def _key(root: Path, city: str, period: str, quotas: Quotas | None) -> str:
    """What a checked register rests on: its files, the code that reads it, and what it is read for."""
    cache = store.HashCache(root / "data" / "processed" / ".hashes.json")
    files = {p.relative_to(root).as_posix(): cache.hash(p) for p in _files(root / _FOLDER)}
    return store.json_hash(
        {
            "files": files,
            "code": code_hash(),
            "city": city,
            "period": period,
            "quotas": repr(quotas),
        }
    )


def _read(root: Path, city: str, period: str, quotas: Quotas | None) -> Register:
    folder = root / _FOLDER
    units = _csv(folder, "units.csv", ("unit", "level", "parent", "name", "code", "type"), required=True)
    # A study without official codes or short names leaves them blank.
    made = pd.Series([f"S{i + 2:05d}" for i in range(len(units))], index=units.index, dtype="str")
    units["code"] = units["code"].fillna(made)
    nameless = units.index[units["unit"].isna()]
    if len(nameless) or units.empty:
        where = f"row {nameless[0] + 2}" if len(nameless) else None
        raise DataError('column "unit" is blank', file=f"{_FOLDER}/units.csv", cell=where)
    units["name"] = units["name"].fillna(units["unit"].str.rpartition("/")[2])
    units["source"] = [f"{_FOLDER}/units.csv#!{i + 2}:{i + 2}" for i in range(len(units))]
    units = validate("units", _complete("units", units, period))
    _check_names(units)
    _check_tree(units, city)
    changes = _csv(folder, "unit_changes.csv", ("date", "kind", "before", "after", "share"))
    changes["source"] = [f"{_FOLDER}/unit_changes.csv#!{i + 2}:{i + 2}" for i in range(len(changes))]
    _numbers(changes, ("share",), "unit_changes.csv", blank=True)
    changes = validate("unit_changes", _complete("unit_changes", changes, period))
    aliases = _aliases(folder, units, changes)
    margins = _numbers(
        _csv(folder, "margins.csv", ("unit", "sex", "age_band", "population", "source")),
        ("population",),
        "margins.csv",
    )
    frame = _numbers(
        _csv(folder, "survey_frame.csv", ("period", "unit", "stratum", "communities", "adults", "issued")),
        ("communities", "adults", "issued"),
        "survey_frame.csv",
    )
    candidates = _csv(folder, "candidates.csv", ("unit", "applied_on"))
    tiles = _tiles(folder)
    for table, name in (
        (frame, "survey_frame.csv"),
        (candidates, "candidates.csv"),
        (margins, "margins.csv"),
        (tiles, "tiles.csv"),
    ):
        strange = sorted(set(table["unit"].dropna()) - set(units["unit"]))
        if strange:
            raise DataError(
                f"names units that units.csv does not have: {listing(strange)}", file=f"{_FOLDER}/{name}"
            )
    register = Register(
        root, city, units, aliases, changes, margins, frame, candidates, empty("units"), tiles
    )
    return register if quotas is None else replace(register, quotas=_places(register, quotas, period))


def _aliases(folder: Path, units: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """alias, unit, within: other names of units, and the answers of the review table (no unit: declared to be none)."""
    given = _csv(folder, "aliases.csv", ("alias", "unit"))
    known = {*units["unit"], *changes["before"]}
    odd = given[~given["unit"].isin(known)]
    if len(odd):
        told = listing(f"{r.alias} -> {r.unit} (line {r.Index + 2})" for r in odd.itertuples())
        raise DataError(f"names units that units.csv does not have: {told}", file=f"{_FOLDER}/aliases.csv")
    aliases = given.reindex(columns=["alias", "unit", "within"]).astype("str")
    path = folder / "review.csv"
    if not path.is_file():
        return aliases
    answers = read_answers(path, REMEMBERED, Names(units, aliases, changes))
    return pd.concat([aliases, answers], ignore_index=True)


def _complete(table: str, frame: pd.DataFrame, period: str) -> pd.DataFrame:
    frame = frame.assign(period=period)
    for column, kind in empty(table).dtypes.items():
        if column not in frame:
            frame[column] = pd.Series(pd.NA, index=frame.index, dtype="str")
        if str(kind).startswith("datetime"):
            frame[column] = _days(frame[column], f"{_FOLDER}/{table}.csv")
    return frame[list(empty(table).columns)]


def _days(column: pd.Series, file: str) -> pd.Series:
    days = pd.to_datetime(column, errors="coerce", format="ISO8601")
    wrong = column.index[days.isna() & column.notna()]
    if len(wrong):
        told = f'column "{column.name}" needs a date such as 2019-10-08, found {spelt(str(column[wrong[0]]))}'
        raise DataError(told, file=file, cell=f"row {wrong[0] + 2}")
    return days.astype("datetime64[us]")


def _check_names(units: pd.DataFrame) -> None:
    """No line ends in a name; what a district is called also names a folder."""
    file = f"{_FOLDER}/units.csv"
    broken = [
        n
        for n in (*units["unit"], *units["name"])
        if len(n) > LONGEST_NAME or any(c in "\n\r\t\x85\u2028\u2029" for c in n)
    ]
    if broken:
        told = f"names hold a line end or a tab, or more than {LONGEST_NAME} characters: {listing(map(spelt, broken))}"
        raise DataError(told, file=file)
    districts = units.loc[units["level"] == "district", "unit"]
    faults = [fault for fault in map(folder_fault, districts) if fault]
    again = districts[districts.str.casefold().duplicated()]
    faults += [f"{spelt(n)} differs from another district in capital letters only" for n in again]
    if faults:
        raise DataError(
            f"districts give their names to the folders of their reports: {listing(faults)}; call them otherwise",
            file=file,
            faults=faults,
        )


def _check_tree(units: pd.DataFrame, city: str) -> None:
    file = f"{_FOLDER}/units.csv"
    known = set(units["unit"])
    if city not in known:
        raise DataError(f'has no row for the city "{city}" that study.yaml names', file=file)
    if not (units["level"] == "district").any():
        raise DataError(
            'has no unit of level "district": that is the level of what gets a report of its own, be it a county, a '
            "street or a community",
            file=file,
        )
    orphans = units[units["parent"].notna() & ~units["parent"].isin(known)]
    if len(orphans):
        raise DataError(f"parents that are no units: {listing(orphans['parent'].unique())}", file=file)
    rootless = units[units["parent"].isna() & (units["level"] != "city")]
    if len(rootless):
        raise DataError(f"units without a parent: {listing(rootless['unit'])}", file=file)
    clash = units[units["code"].duplicated(keep=False)]
    if len(clash):
        raise DataError(f"codes used twice: {listing(clash['code'].unique())}", file=file)


def _places(register: Register, spec: Quotas, period: str) -> pd.DataFrame:
    """unit, the columns that study.yaml names, source: the printed table of places."""
    from commlab.intake import match_names, read_table

    path, name = register.folder / spec.file, f"{_FOLDER}/{spec.file}"
    if not path.is_file():
        raise StudyError(f"{name} is missing; study.yaml names it under quotas")
    raw = read_table(path, name=name)
    wrong = raw.ledger[raw.ledger["severity"] == "error"]
    if len(wrong):
        raise DataError(str(wrong["message"].iloc[0]), file=name)
    columns = {}
    for column, wanted in spec.columns.items():
        hits = [c for c in raw.frame if wanted.replace(" ", "") in str(c).replace(" ", "")]
        if len(hits) != 1:
            raise DataError(f'expected one column with "{wanted}", found {len(hits)}', file=name)
        columns[hits[0]] = column
    if spec.unit and spec.unit not in raw.frame:
        raise DataError(
            f'has no column "{spec.unit}" of units; found {listing(raw.frame.columns)}', file=name
        )
    quotas = raw.frame.rename(columns=columns)
    first = spec.unit or raw.frame.columns[0]
    districts = register.units[register.units["unit"].isin(register.districts)]
    matched = match_names(
        quotas[first].astype("str"), districts.merge(_alias_lists(register), how="left", on="unit")
    )
    missing = matched[matched["matched"].isna()]
    if len(missing):
        raise DataError(f"names no district of units.csv: {listing(missing['name'])}", file=name)
    out = (
        quotas[list(spec.columns)]
        .astype("float64")
        .assign(unit=matched["matched"].to_numpy(), source=raw.source)
    )
    counted = [_counted(register, day) for day in _printed_on(register, period)]
    for column, kind in spec.count.items():
        found = [
            c.get(kind, pd.Series(dtype=float)).reindex(out["unit"]).fillna(0).to_numpy() for c in counted
        ]
        have, printed = found[0], out[column].to_numpy()
        off = np.logical_and.reduce([printed != n for n in found]).nonzero()[0]
        if len(off):
            row = out.iloc[off[0]]
            raise DataError(
                f"{row['unit']}: {row[column]:.0f} {kind} communities are printed, units.csv has {have[off[0]]:.0f}",
                file=name,
            )
    return out[["unit", *spec.columns, "source"]].reset_index(drop=True)


def _printed_on(register: Register, period: str) -> list[str | pd.Timestamp]:
    """When a printed table may have been true: in the study's newest period, or before anything that was entered since."""
    changes = pd.to_datetime(register.unit_changes["date"])
    return [period] if changes.empty else [period, changes.min() - pd.Timedelta(days=1)]


def _counted(register: Register, on: str | pd.Timestamp) -> pd.DataFrame:
    """District x type: communities that exist on a day."""
    inside = register.units[(register.units["level"] == "community") & ~absent(register.units, on)]
    return inside.groupby([inside["unit"].map(register.district_of), "type"]).size().unstack(fill_value=0)


def _alias_lists(register: Register) -> pd.DataFrame:
    lists = register.aliases.groupby("unit")["alias"].agg(list)
    return pd.DataFrame({"unit": lists.index, "aliases": lists.to_numpy()})
