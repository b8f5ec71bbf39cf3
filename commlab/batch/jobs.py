"""Which reports a period has, what each depends on, and which of them are due."""

from __future__ import annotations

import contextlib
import functools
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import commlab
from commlab import store
from commlab.batch.notebooks import Parameter, check_parameters, find_notebook, read_parameters
from commlab.batch.reads import Reads
from commlab.errors import ParameterError, StudyError, listing

if TYPE_CHECKING:
    from commlab.study import Period

__all__ = [
    "FORMATS",
    "METHODS",
    "NOTEBOOKS",
    "Job",
    "choose_units",
    "code_inputs",
    "freshness",
    "plan",
    "versions",
]

FORMATS = ("html", "docx", "pdf", "xlsx")
"""What a report can be exported to; the executed notebook always stands beside them."""

CITY, METHODS = "city", "methods"
_DISTRICT_NOTEBOOK = "50-district-report"
_CITY_NOTEBOOK = "60-city-overview"
_METHOD_NOTEBOOKS = ("00-explore", "10-intake", "20-weights", "30-satisfaction", "40-scores")
# Method pages are read on the screen; this one is handed in, too, with its workbook of judgement matrices, and so are
# a study's own notebooks.
_HANDED_IN = {"20-weights": ("docx", "pdf", "xlsx")}
NOTEBOOKS = (*_METHOD_NOTEBOOKS, _DISTRICT_NOTEBOOK, _CITY_NOTEBOOK)
"""The notebooks that every period's reports are made with; a study's own numbered ones come on top."""
# Method notebooks about what not every study asks for, and the tables they tell of.
_NEEDS = {"20-weights": {"judgments", "opinions"}, "30-satisfaction": {"responses"}}
_NUMBERED = re.compile(r"\d\d-[\w-]+")

# Packages whose version can change a report's bytes or numbers.
_PACKAGES = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "matplotlib",
    "seaborn",
    "pyarrow",
    "ipython",
    "papermill",
    "nbformat",
    "jinja2",
    "python-docx",
    "typst",
    "xlsxwriter",
    "fonttools",
    "pylopdf-fonts-zh-cn",
)
_CODE = ("**/*.py", "frameworks/*", "locale/*", "report/assets/**/*")


@dataclass(frozen=True)
class Job:
    """One report: the notebook that makes it, what it depends on, where it goes.

    ``state`` is ``fresh``, ``stale``, ``failed`` or ``missing`` as the plan found it, ``why`` the reason;
    ``blocked`` says why the report cannot be made at all (nothing sent, a broken file).
    """

    unit: str
    kind: str
    period: str
    language: str
    root: Path
    notebook: Path
    stem: str
    formats: tuple[str, ...]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str] = field(repr=False)
    state: str = "missing"
    why: str = ""
    blocked: str = ""

    def record(self) -> dict[str, Any]:
        """The job as JSON holds it, for another process; ``of`` reads it."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: str(v) if isinstance(v, Path) else v for k, v in told.items()}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Job:
        """The job of a record."""
        paths = {k: Path(record[k]) for k in ("root", "notebook")}
        return cls(**{**record, **paths, "formats": tuple(record["formats"])})

    @property
    def fingerprint(self) -> str:
        """One hash of everything that the report depends on."""
        return store.json_hash([dict(self.inputs), dict(self.parameters), self.language])

    @property
    def name(self) -> str:
        """What the progress bar and the status table call it."""
        return f"{METHODS}/{self.stem}" if self.kind == "method" else self.unit

    @property
    def folder(self) -> Path:
        """``reports/<period>/<unit>/``."""
        return self.root / "reports" / self.period / (METHODS if self.kind == "method" else self.unit)

    @property
    def figures(self) -> Path:
        """``figures/<period>/<unit>/``, for English in ``en/`` below it."""
        base = self.root / "figures" / self.period / (self.stem if self.kind == "method" else self.unit)
        return base / "en" if self.language == "en" else base

    @property
    def manifest(self) -> Path:
        return self.folder / self.file("manifest", "json")

    @property
    def failure(self) -> Path:
        """The page that stands where a failed report would."""
        return self.folder / self.file("FAILED", "txt")

    def file(self, what: str, suffix: str) -> str:
        """Name of one of the job's files: ``report.html``, ``report.en.html``, ``20-weights.html``...

        >>> from pathlib import Path
        >>> job = Job("五华区", "district", "2019Q4", "en", Path(), Path(), "report", ("html",), {}, {})
        >>> job.file("report", "html"), job.file("manifest", "json")
        ('report.en.html', 'manifest.en.json')
        """
        stem = what
        if self.kind == "method":
            stem = self.stem if what == "report" else f"{self.stem}.{what}"
        return f"{stem}.en.{suffix}" if self.language == "en" else f"{stem}.{suffix}"


def plan(
    period: Period,
    *,
    units: Iterable[str] | None = None,
    formats: Iterable[str] = FORMATS,
    language: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    force: bool = False,
) -> list[Job]:
    """List the reports of a period with their state; check everything that can be checked before a run.

    Parameters
    ----------
    period : Period
        Its city-wide results are stored (``period.build()``).
    units : iterable of str, optional
        Districts, ``city``, ``methods``. Default: all of them.
    formats : iterable of str
        Among ``html docx pdf xlsx``.
    language : {"zh", "en"}, optional
        Default: the study's.
    parameters : mapping, optional
        More parameters for the notebooks.
    force : bool
        Call everything stale.

    Returns
    -------
    list of Job
        The city first, then the districts in the study's order, then the method notebooks.

    Raises
    ------
    ParameterError
        For an unknown unit, format, language or parameter.
    StudyError
        If a notebook is missing or damaged, or the results have not been stored.
    """
    study = period.study
    language = language or study.config.language
    if language not in ("zh", "en"):
        raise ParameterError(f"language is zh or en, found {language!r}")
    wanted = tuple(dict.fromkeys(formats))
    strange = [f for f in wanted if f not in FORMATS]
    if strange:
        raise ParameterError(f"unknown format {listing(strange)}; known: {', '.join(FORMATS)}")
    chosen = choose_units(period, units)
    root = Path(study.root)
    cache = store.HashCache(root / "data" / "processed" / ".hashes.json")
    common = _common_inputs(root, cache)
    blocked = {
        **{u: f"outstanding: {why}" for u, why in period.outstanding.items()},
        **period.failed,
    }
    readers = {entry.reader for entry in study.config.inputs}
    found: dict[str, Path] = {}
    takes: dict[str, Mapping[str, Parameter]] = {}
    reads = Reads(period, cache)
    jobs = []
    for unit in chosen:
        for kind, name in _notebooks_of(unit, root, readers):
            first = name not in found
            if first:
                found[name] = find_notebook(root, name)
                takes[name] = read_parameters(found[name])
            notebook = found[name]
            given = _parameters(takes[name], kind, unit, period.name, language, parameters or {})
            if first:  # the next unit's differ in the district's name only
                check_parameters(notebook, given)
            reason = blocked.get(unit, "") if kind == "district" else ""
            source = unit if kind == "district" else study.config.city
            own = {} if reason else reads.of(source, notebook, kind)
            inputs = {
                **common,
                f"notebook:{notebook.name}": cache.hash(notebook),
                **{f"result:{k}": v for k, v in own.items()},
            }
            job = Job(
                unit=unit,
                kind=kind,
                period=period.name,
                language=language,
                root=root,
                notebook=notebook,
                stem=name if kind == "method" else "report",
                formats=("html", *(f for f in wanted if f in _handed_in(name)))
                if kind == "method"
                else wanted,
                parameters=given,
                inputs=inputs,
                blocked=reason,
            )
            state, why = freshness(job, cache)
            if force and state == "fresh":
                state, why = "stale", "asked for (--force)"
            jobs.append(replace(job, state=state, why=why))
    cache.save()
    return jobs


def choose_units(period: Period, units: Iterable[str] | None) -> list[str]:
    """The units asked for, by any of their names, in the study's order; all where none is named.

    Raises
    ------
    ParameterError
        Naming all unknown units and the nearest known ones.
    """
    known = [CITY, *period.study.register.districts, METHODS]
    if units is None:
        return known
    asked, faults = set(), []
    for unit in units:
        try:
            asked.add(unit if unit in known else period.study.district(unit))
        except ParameterError as error:
            faults.append(str(error))
    if faults:
        raise ParameterError(f"{'; '.join(faults)} (or {CITY}, or {METHODS})")
    return [k for k in known if k in asked]


def _notebooks_of(unit: str, root: Path, readers: set[str]) -> list[tuple[str, str]]:
    if unit == CITY:
        return [("city", _CITY_NOTEBOOK)]
    if unit == METHODS:
        usual = [n for n in _METHOD_NOTEBOOKS if not _NEEDS.get(n) or _NEEDS[n] & readers]
        return [("method", name) for name in (*usual, *_own_notebooks(root))]
    return [("district", _DISTRICT_NOTEBOOK)]


def _handed_in(name: str) -> tuple[str, ...]:
    return _HANDED_IN.get(name, () if name in NOTEBOOKS else ("docx", "pdf"))


def _own_notebooks(root: Path) -> list[str]:
    """The study's own numbered notebooks that take a period; what somebody tries out beside them is left alone."""
    own = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        if _NUMBERED.fullmatch(path.stem) and path.stem not in NOTEBOOKS:
            with contextlib.suppress(StudyError):
                own += [path.stem] * ("period" in read_parameters(path))
    return own


def _parameters(
    takes: Mapping[str, Parameter],
    kind: str,
    unit: str,
    period: str,
    language: str,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """What is injected. Method notebooks may do without a language; a report must take all of it."""
    given: dict[str, Any] = {"study": ".", "period": period}
    if kind == "district":
        given["district"] = unit
    if kind != "method" or "language" in takes:
        given["language"] = language
    return given | {k: v for k, v in more.items() if kind != "method"}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can move a report's bytes, by name."""
    return dict(_installed())


@functools.cache  # they do not change while this process lives, and every manifest names them
def _installed() -> tuple[tuple[str, str], ...]:
    out = {"python": platform.python_version(), "commlab": commlab.__version__}
    for package in _PACKAGES:
        try:
            out[package] = version(package)
        except PackageNotFoundError:
            out[package] = "absent"
    return tuple(out.items())


def code_inputs(cache: store.HashCache | None = None) -> dict[str, str]:
    """What every report of every study depends on: the library's code and the packages' versions, hashed."""
    package = Path(commlab.__file__).parent
    return {
        "code": store.tree_hash(package, _CODE, cache=cache),
        "versions": store.json_hash(versions()),
    }


def _common_inputs(root: Path, cache: store.HashCache) -> dict[str, str]:
    """What every report depends on."""
    inputs = code_inputs(cache)
    if (root / "study.yaml").is_file():
        inputs["study.yaml"] = cache.hash(root / "study.yaml")
    return inputs


def freshness(job: Job, cache: store.HashCache | None = None) -> tuple[str, str]:
    """State of a report on disk: ``fresh``, ``stale``, ``failed`` or ``missing``, and why.

    Fresh: made from exactly what it depends on now, in every format asked for, and no output was touched.
    """
    if job.failure.is_file():
        return "failed", _first_line(job.failure)
    if not job.manifest.is_file():
        return "missing", "has not been made"
    try:
        manifest = store.read_json(job.manifest)
        before, outputs = dict(manifest["inputs"]), dict(manifest["outputs"])
        made, formats = str(manifest["fingerprint"]), list(manifest["formats"])
        parameters = manifest["parameters"]
    except (StudyError, KeyError, TypeError, ValueError):
        return "stale", f"{job.manifest.name} is damaged"
    if job.blocked:
        return "stale", job.blocked
    if made != job.fingerprint:
        return "stale", _difference(before, job.inputs, parameters, job.parameters)
    lacking = [f for f in job.formats if f not in formats]
    if lacking:
        return "stale", f"was not made as {listing(lacking)}"
    for name, digest in outputs.items():
        path = job.root / name
        if not path.is_file():
            return "stale", f"{name} is gone"
        if (cache.hash(path) if cache else store.file_hash(path)) != digest:
            return "stale", f"{name} was changed by hand"
    return "fresh", ""


def _first_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[0] if lines else "no reason is on record"


def _difference(
    before: Mapping[str, str], now: Mapping[str, str], then: object, parameters: Mapping[str, Any]
) -> str:
    changed = [k for k in now if before.get(k) != now[k]] + [k for k in before if k not in now]
    if not changed and then != dict(parameters):
        return "other parameters"
    return f"changed: {listing(changed)}" if changed else "made by another version of the plan"
