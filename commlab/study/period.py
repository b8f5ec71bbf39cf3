"""One period of a study: clean tables, city-wide results, and what people ask of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from commlab.errors import ParameterError, StudyError
from commlab.store import ProcessedFolder, json_hash
from commlab.study.raw import code_hash, has_files, input_hashes, report_hashes, stamps
from commlab.study.results import RESULTS, period_end
from commlab.study.staged import bring_up_to_date, computed
from commlab.tables import CONTRACTS, empty, previous_period

if TYPE_CHECKING:
    from commlab.study.facade import Study
    from commlab.study.trace import Trace
    from commlab.survey import SurveyDesign

__all__ = ["Period"]

# What a report depends on -> the hash of it that inputs.json notes.
_SHARED = {"register": "register", "study": "study.yaml", "framework": "framework"}


class Period:
    """One period of a study: its clean tables and its city-wide results.

    Examples
    --------
    >>> period = cl.open_study().period("2019Q4")        # doctest: +SKIP
    >>> period.measures, period.responses, period.ledger # doctest: +SKIP
    >>> period.satisfaction(by="type")                   # doctest: +SKIP
    >>> period.satisfaction(by=["district", "age_band"]) # doctest: +SKIP
    >>> period.scores(), period.ranks(), period.change() # doctest: +SKIP
    >>> period.trace(period.districts[0], "total")       # doctest: +SKIP
    """

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name = study, name
        self.folder = ProcessedFolder(study.root, name)
        self._results: dict[str, pd.DataFrame] = {}
        self._tables: dict[str, pd.DataFrame] = {}

    def __repr__(self) -> str:
        return f"Period({self.name} of {self.study.title['zh']})"

    @property
    def end(self) -> pd.Timestamp:
        return period_end(self.name)

    # -- cleaning ------------------------------------------------------------------------------------------------

    def clean(self, *, force: bool = False, reading: Callable[[], object] = bool) -> None:
        """Read this period's raw files into ``data/processed`` where anything they depend on changed.

        The period before is read first where it has changed: this one's figures are compared with it. ``reading`` is
        called before anything is read.
        """
        before = self.previous
        if before is not None and has_files(self.study.root, before.name):
            before.clean(reading=reading)
        touched = stamps(self.study.config, self.name)
        hashes = input_hashes(self.study.config, self.study.register, self.name)
        note = self.folder.read_inputs()
        if not force and note and note.get("hashes") == hashes and self.folder.tables():
            return
        reading()
        from commlab.study.clean import write_period

        study = self.study
        with self.folder.lock(doing=f"check {self.name}"):
            write_period(
                study.config,
                study.register,
                study.framework,
                self.name,
                hashes=hashes,
                before=note or {},
                anew=force,
            )
            if stamps(self.study.config, self.name) != touched:
                self.folder.unsettle(tables=True)
                raise StudyError(
                    f"files in data/raw/{self.name} were changed while they were read; wait until all are there, then check again"
                )
        self._tables.clear()
        self._results.clear()
        for cached in (
            "_note",
            "_stage_key",
            "_report_inputs",
            "failed",
            "outstanding",
            "districts",
            "answers",
            "design",
            "_places",
            "communities",
        ):
            self.__dict__.pop(cached, None)

    @cached_property
    def _note(self) -> dict[str, Any]:
        note = self.folder.read_inputs()
        if note is None or not note.get("hashes"):  # none: a run was killed while it wrote
            raise StudyError(
                f"{self.name} has not been checked yet; run `commlab check {self.name}` (or `make reports`)"
            )
        if note["hashes"].get("code") != code_hash():
            raise StudyError(
                f"data/processed/{self.name} was written by another version of commlab; run `commlab check` again"
            )
        return note

    def table(self, name: str) -> pd.DataFrame:
        """A clean table of this period; an empty frame of the contract where no file feeds it."""
        if name in ("units", "unit_changes"):
            return getattr(self.study.register, name)
        if name == "evidence":
            return self.result("evidence")
        if name not in self._tables:
            self._note  # noqa: B018  says what to do where the period has not been checked
            stored = self.folder.table_path(name).is_file()
            if not stored and name not in CONTRACTS:
                raise ParameterError(f"no table is called {name!r}; known: {', '.join(CONTRACTS)}")
            self._tables[name] = self.folder.read_table(name) if stored else empty(name)
        return self._tables[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in CONTRACTS:
            return self.table(name)
        raise AttributeError(f"a period has no {name!r}; its tables are {', '.join(CONTRACTS)}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *CONTRACTS})

    @cached_property
    def communities(self) -> pd.DataFrame:
        """Wide view of ``measures``: a row a community, a column a metric (``metric/item`` for checked points)."""
        rows = self.measures[self.measures["unit"].isin(self.study.register.communities["unit"])]
        key = rows["metric"] + ("/" + rows["item"]).fillna("")
        wide = rows.assign(key=key).pivot_table(
            index="unit", columns="key", values="value", aggfunc="last", dropna=False
        )
        wide.columns.name = None
        return self.study.register.communities.merge(wide.reset_index(), on="unit", how="left")

    @property
    def status(self) -> pd.DataFrame:
        """Who sent what: period, unit, input, label_zh, label_en, state, files, rows, message."""
        return self.table_raw("status")

    @property
    def questions(self) -> pd.DataFrame:
        """Names in this period's files that a person has to settle, with the nearest units and where they stand."""
        from commlab.study.review import read_questions

        return read_questions(self.study.root, self.name)

    def table_raw(self, name: str) -> pd.DataFrame:
        self._note  # noqa: B018
        return self.folder.read_table(name)

    @cached_property
    def failed(self) -> dict[str, str]:
        """District -> why it cannot be reported (errors in its files)."""
        return self._blocked("failed")

    @cached_property
    def outstanding(self) -> dict[str, str]:
        """District -> what it has not sent."""
        return self._blocked("outstanding")

    def _blocked(self, state: str) -> dict[str, str]:
        # A district goes on without what its study does not require.
        rows = self.status[
            (self.status["state"] == state)
            & (self.status["required"] | (state == "failed"))
            & self.status["unit"].isin(self.study.register.districts)
        ]
        return rows.groupby("unit", sort=False)["message"].agg("; ".join).to_dict()

    @cached_property
    def districts(self) -> tuple[str, ...]:
        """Districts that can be reported, in register order."""
        blocked = {*self.failed, *self.outstanding}
        return tuple(d for d in self.study.register.districts if d not in blocked)

    @property
    def items(self) -> dict[str, int]:
        """Survey item -> points on its scale, in the questionnaire's order."""
        return dict(self._note["items"])

    def files_of(self, district: str) -> list[str]:
        """Raw files behind a district's report: its own and those of the whole city."""
        return [f["file"] for f in self._note["files"] if f["district"] in (district, None)]

    # -- results ---------------------------------------------------------------------------------------------------

    @cached_property
    def previous(self) -> Period | None:
        """The period before this one of the same kind, where the study has it."""
        name = previous_period(self.name, list(self.study.config.periods))
        return self.study.period(name) if name else None

    @property
    def checked_before(self) -> Period | None:
        """The period before, where it has been checked."""
        return self.previous if self.previous and self.previous.folder.read_inputs() else None

    @property
    def hashes(self) -> dict[str, str]:
        """What the clean tables rest on, by kind: hashes of raw files, register, study.yaml, framework, code."""
        return dict(self._note["hashes"])

    @cached_property
    def _stage_key(self) -> str:
        # Rank draws and weights depend on the framework file; everything else on the clean tables' inputs.
        before = self.checked_before.hashes if self.checked_before else None
        return json_hash({"inputs": self.hashes, "previous": before, "code": code_hash()})

    def build(self, *, force: bool = False) -> bool:
        """Compute and store the city-wide results where anything they rest on changed; True where it did.

        Only the parts of them whose tables changed are computed (``force``: all).

        Raw files that changed since they were read, of this period and of the one before, are read again first.
        """
        self.clean()
        if self.previous:
            self.previous.clean()
        key = self._stage_key
        note = self.folder.read_stage()
        if not force and note and note.get("key") == key:
            return False
        self._results = bring_up_to_date(self, key, force=force)
        self.__dict__.pop("_report_inputs", None)
        return True

    def result(self, name: str) -> pd.DataFrame:
        """A city-wide result (see ``commlab.study.stage``): read where it is fresh, computed in memory otherwise."""
        if name not in RESULTS:
            raise ParameterError(f"no result is called {name!r}; known: {', '.join(RESULTS)}")
        if name not in self._results:
            note = self.folder.read_stage()
            if note and note.get("key") == self._stage_key:
                self._results[name] = self.folder.read_result(name)
            else:
                self._results.update(computed(self))
        return self._results[name]

    def district(self, name: str) -> str:
        """A district that this period can report; ParameterError where it failed, is outstanding or unknown."""
        unit = self.study.district(name)
        for why, blocked in (("has errors", self.failed), ("is outstanding", self.outstanding)):
            if unit in blocked:
                raise ParameterError(f"{unit} {why} in {self.name}: {blocked[unit]}")
        return unit

    # -- what people ask -------------------------------------------------------------------------------------------

    @cached_property
    def answers(self) -> pd.DataFrame:
        """Valid answers with district, type, street, stratum and base weight: the data of ``design``."""
        from commlab.study.groups import answers_of

        return answers_of(self)

    @cached_property
    def design(self) -> SurveyDesign:
        """The survey design of the period's valid answers."""
        from commlab.study.estimates import design_of

        if self.answers.empty:
            raise StudyError(f"{self.name} has no valid answers inside the survey frame")
        return design_of(self.answers, lonely=self.study.config.choices.lonely)

    def indicator_weights(self) -> pd.DataFrame:
        """Local and global weight of every node, and where it comes from."""
        return self.result("weights")

    def satisfaction(
        self, by: str | Sequence[str] | None = "district", *, weighting: str = "design"
    ) -> pd.DataFrame:
        """Satisfaction per item with standard errors, as far as the offices may see it.

        Parameters
        ----------
        by : {"district", "community", "street", "type", None} or one of sex, age_band, education, tenure, hukou
            ``None``: the city. Groups are computed on the spot; groups of people also within districts:
            ``["district", "sex"]``. No other breakdown is given: what crosses it could tell a person (R6).
        weighting : {"design", "raked", "all"}
            Base weights; raked to the census; all answers, excluded ones too. The latter two for city and districts.

        Returns
        -------
        DataFrame
            As of ``survey.satisfaction``, and ``rule`` (why a figure is blank, else "") and ``bound`` ("<=", ">="
            where the estimate is only a bound, else ""). Of communities n, index and satisfied share.

        Raises
        ------
        ParameterError
            If the breakdown or weighting is not one of those that are shown; the message names them.
        """
        from commlab.study.groups import grouped, which

        asked, level = which(by, lambda: self.answers, weighting)
        if not level:
            return grouped(self, asked)
        rows = self.result("satisfaction")
        return _named_by(rows[(rows["level"] == level) & (rows["weighting"] == weighting)], level)

    @cached_property
    def _places(self) -> pd.DataFrame:
        from commlab.study.groups import place_decisions

        return place_decisions(self)

    def scores(self, of: str = "district") -> pd.DataFrame:
        """Scores of every node: of ``"district"`` profiles or of ``"candidate"`` communities."""
        return self._set("scores", of)

    def ranks(self, of: str = "district") -> pd.DataFrame:
        """Ranks and scores with the intervals of joint draws."""
        return self._set("ranks", of)

    def leaf_scores(self, of: str = "district") -> pd.DataFrame:
        """Score of every part of every standard, with its source."""
        return self._set("leaves", of)

    def _set(self, name: str, of: str) -> pd.DataFrame:
        if of not in ("district", "candidate"):
            raise ParameterError(f"scores are of 'district' or 'candidate', not {of!r}")
        rows = self.result(name)
        if rows.empty:
            return rows
        return rows[rows["set"] == of].drop(columns="set").reset_index(drop=True)

    def rank_drivers(self) -> pd.DataFrame:
        """Sobol indices of what drives the districts' ranks (see ``scoring.sensitivity``)."""
        return self.result("rank_drivers")

    def explained(self) -> pd.DataFrame:
        """Why the districts' totals moved since the previous period (see ``scoring.explain_change``)."""
        return self.result("explained")

    def change(self, by: str | None = "district") -> pd.DataFrame:
        """Change of every item's 0-100 index since the previous period, with its test."""
        rows = self.result("change")
        level = "city" if by is None else by
        if level not in ("city", "district"):
            raise ParameterError(f"change is by None (the city) or 'district', not {by!r}")
        return _named_by(rows[rows["level"] == level], level)

    def trace(self, unit: str, code: str) -> Trace:
        """From a score down to the cells it came from."""
        from commlab.study.trace import trace

        return trace(self, unit, code)

    # -- for the batch ---------------------------------------------------------------------------------------------

    def report_inputs(self, unit: str) -> dict[str, str]:
        """Name -> hash of everything that the report of ``unit`` prints or depends on."""
        known = self._report_inputs
        if unit not in known:
            raise ParameterError(f"{unit!r} is neither the city nor a district of the register")
        return dict(known[unit])

    @cached_property
    def _report_inputs(self) -> dict[str, dict[str, str]]:
        """Unit -> what its report depends on; remembered on disk for as long as no stored file has changed."""
        stage = self.folder.read_stage()
        stored = bool(stage and stage.get("key") == self._stage_key)
        owners = json_hash([*self.study.register.districts, self.study.register.district_of])
        made_from = json_hash({"files": self.folder.mark(), "owners": owners, "code": code_hash()})
        note = self.folder.read_reports()
        if stored and note.get("made_from") == made_from:
            return dict(note["units"])
        units = report_hashes(
            {name: self.result(name) for name in RESULTS},
            {"ledger": self.ledger, "status": self.status},
            {n: str(self._note["hashes"][k]) for n, k in _SHARED.items()},
            register=self.study.register,
            files_of=self.files_of,
        )
        if stored:
            self.folder.write_reports({"made_from": made_from, "units": units})
        return units


def _named_by(rows: pd.DataFrame, level: str) -> pd.DataFrame:
    """Rows of one level with their unit in a column of the level's name, as a grouped estimate has it."""
    out = rows.drop(columns="level").rename(columns={"unit": level})
    return (out.drop(columns=level) if level == "city" else out).reset_index(drop=True)
