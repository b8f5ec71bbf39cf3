"""Study and Period: the facade that ties the floors together.

>>> import commlab as cl
>>> period = cl.open_study().period("2019Q4")          # doctest: +SKIP
>>> period.satisfaction(by="district")                 # doctest: +SKIP
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from commlab.errors import ParameterError, StudyError, listing
from commlab.framework import Framework, load_framework
from commlab.study.config import StudyConfig, find_study, read_config
from commlab.study.period import Period
from commlab.study.register import Register, read_register

__all__ = ["CheckResult", "Study", "open_study"]


def open_study(path: str | Path = ".") -> Study:
    """Open the study at ``path`` or in the nearest folder above it.

    Raises
    ------
    StudyError
        If there is no study.yaml, or it is faulty (all faults are named).

    Examples
    --------
    >>> open_study("nowhere/at all")
    Traceback (most recent call last):
    commlab.errors.StudyError: ...
    >>> study = open_study()                             # doctest: +SKIP
    """
    return Study(find_study(path))


@dataclass(frozen=True)
class CheckResult:
    """What ``check`` found.

    ``table`` has a row a district or office and input: period, unit, input, state (``read``, ``outstanding``,
    ``failed``, ``carried``), files, rows, notes, warnings, errors, message. ``ledger`` is the ledger of all periods;
    ``settled`` how many names people answered since the last check, ``decided`` how many answers keyed in two ways.

    Examples
    --------
    >>> result = cl.open_study().check(["2019Q4"])       # doctest: +SKIP
    >>> result.table, result.errors, result.exit_code    # doctest: +SKIP
    """

    table: pd.DataFrame
    ledger: pd.DataFrame
    settled: int = 0
    decided: int = 0

    @property
    def outstanding(self) -> pd.DataFrame:
        """What is required and has not been sent."""
        return self.table[(self.table["state"] == "outstanding") & self.table["required"]]

    @property
    def errors(self) -> pd.DataFrame:
        return self.ledger[self.ledger["severity"] == "error"]

    @property
    def exit_code(self) -> int:
        """1 where the data have errors or something needed is outstanding, else 0."""
        return int(bool(len(self.errors) or len(self.outstanding)))


class Study:
    """A study folder: what it is about, its register, its periods.

    Parameters
    ----------
    root : path
        The folder that holds study.yaml.

    Examples
    --------
    >>> study = cl.open_study()                          # doctest: +SKIP
    >>> study.periods, study.newest, study.title, study.sample # doctest: +SKIP
    >>> study.district("五华")                           # doctest: +SKIP
    '五华区'
    >>> study.check().outstanding                        # doctest: +SKIP
    >>> study.period().satisfaction(by="district")       # doctest: +SKIP
    >>> study.panel("social_org_n", level="type")        # doctest: +SKIP
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        self.config: StudyConfig = read_config(self.root)
        self._periods: dict[str, Period] = {}

    def __repr__(self) -> str:
        return f"Study({self.config.title['zh']}, {self.config.periods[0]} to {self.config.periods[-1]})"

    @property
    def title(self) -> dict[str, str]:
        return dict(self.config.title)

    @property
    def sample(self) -> bool:
        """Whether the data are fabricated: every output then carries the mark."""
        return self.config.sample

    @property
    def periods(self) -> tuple[str, ...]:
        return self.config.periods

    @property
    def newest(self) -> str:
        return self.config.periods[-1]

    @cached_property
    def framework(self) -> Framework:
        """The framework that study.yaml names, with the study's goalposts and without its weights."""
        try:
            return self._printed.with_goalposts(self.config.goalposts)
        except ParameterError as error:
            raise StudyError(f"study.yaml: {error}") from None

    @cached_property
    def _printed(self) -> Framework:
        beside = self.root / self.config.framework
        try:
            return load_framework(beside if beside.is_file() else self.config.framework)
        except ParameterError:
            raise StudyError(
                f"study.yaml: framework {self.config.framework!r} is neither bundled with commlab nor a file in {self.root.name}/"
            ) from None

    @cached_property
    def register(self) -> Register:
        return read_register(
            self.root,
            city=self.config.city,
            period=self.newest,
            quotas=self.config.quotas,
        )

    def period(self, name: str | None = None) -> Period:
        """A period of the study; the newest by default.

        Raises
        ------
        ParameterError
            If study.yaml does not list it; near names are suggested.
        """
        name = str(name or self.newest)
        if name not in self.config.periods:
            near = difflib.get_close_matches(name, self.config.periods, n=2, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ParameterError(
                f"period {name!r} is not in study.yaml (it has {', '.join(self.config.periods)}){hint}"
            )
        if name not in self._periods:
            self._periods[name] = Period(self, name)
        return self._periods[name]

    def district(self, name: str) -> str:
        """The canonical name of a district, given by any of its names; ParameterError with near names otherwise."""
        from commlab.intake import match_names

        known = self.register.districts
        if name in known:
            return name
        if name:
            units = self.register.units
            found = match_names([name], units[units["unit"].isin(known)], aliases=self.register.aliases)
            if found["how"].iloc[0] in ("code", "exact", "alias", "normalised"):
                return str(found["matched"].iloc[0])
        near = difflib.get_close_matches(name, known, n=2, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the study has {'、'.join(known)}"
        raise ParameterError(f"district {name!r} is not in the register; {hint}")

    def check(
        self,
        periods: Iterable[str] | None = None,
        *,
        progress: Callable[[str], None] | None = None,
        reading: Callable[[], object] = bool,
        force: bool = False,
    ) -> CheckResult:
        """Read and clean the raw files of the named periods (default: all) into ``data/processed``.

        A period whose raw files, register, study.yaml and code did not change is not read again. What people answered
        in the tables of questions (``data/processed/<period>/review.csv``) is taken into the register first. ``progress``
        is told each period's name, ``reading`` is called before one is read.

        Returns
        -------
        CheckResult
            The table of who sent what, and the ledger.
        """
        from commlab.study.verdicts import take_verdicts

        names = [self.period(name).name for name in periods or self.config.periods]
        settled = self._take_answers()
        decided = take_verdicts(self.config, self.register, self.config.periods)
        tables, ledgers = [], []
        for name in names:
            period = self.period(name)
            if progress:
                progress(name)
            period.clean(force=force, reading=reading)
            tables.append(period.status)
            ledgers.append(period.ledger)
        return CheckResult(
            pd.concat(tables, ignore_index=True),
            pd.concat(ledgers, ignore_index=True),
            settled=settled,
            decided=decided,
        )

    def _take_answers(self) -> int:
        from commlab.intake import Register as Names
        from commlab.study.review import open_path, take_answers

        if not any(open_path(self.root, name).is_file() for name in self.config.periods):
            return 0
        register = self.register
        names = Names(register.units, register.aliases, register.unit_changes)
        settled = take_answers(self.root, self.config.periods, names)
        if settled:
            self.__dict__.pop("register")
        return settled

    def panel(self, metric: str, *, level: str = "district") -> pd.DataFrame:
        """One metric over all periods: period, as_of, unit, value; stocks and flows are summed over communities.

        Parameters
        ----------
        metric : str
            As in the framework's dictionary: ``social_org_n``.
        level : {"district", "community", "city", "street", "type"}
            What a row is; a metric that is measured at this level is given as it is.

        Raises
        ------
        ParameterError
            If no period has the metric, the level is unknown, or a ratio would have to be summed.
        """
        register = self.register
        above: dict[str, Mapping[str, str]] = {
            "district": register.district_of,
            "community": {},
            "city": dict.fromkeys(register.district_of, self.config.city),
            **{name: of.dropna().to_dict() for name, of in register.places.items()},
        }
        if level not in above:
            raise ParameterError(f"a panel's level is one of {', '.join(above)}; not {level!r}")
        measures = pd.concat([self.period(name).measures for name in self.config.periods], ignore_index=True)
        found = measures[measures["metric"] == metric]
        if found.empty:
            near = difflib.get_close_matches(metric, measures["metric"].unique(), n=2, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ParameterError(f"no period has the metric {metric!r}{hint}")
        at = found["unit"].map(register.units.set_index("unit")["level"])
        if (at == level).any():
            found = found[at == level]
        else:
            # Of a metric that several levels have, one is summed.
            below = ("community", "compound") if level in ("city", "district") else ("community",)
            levels = ("district", *below) if level == "city" else below
            found = found[at == next((n for n in levels if (at == n).any()), at.iloc[0])]
            if metric in self.framework.metrics and self.framework.metrics[metric].kind == "ratio":
                raise ParameterError(f"{metric!r} is a ratio; ask for its parts and divide")
            found = found.assign(unit=found["unit"].map(dict(above[level]))).dropna(subset="unit")
        if found.empty:
            raise ParameterError(
                f"{metric!r} is not measured of what a {level} could be summed of; it is of {listing(at.unique())}"
            )
        out = found.groupby(["period", "as_of", "unit"], as_index=False)["value"].sum(min_count=1)
        return out.sort_values(["as_of", "unit"], ignore_index=True)
