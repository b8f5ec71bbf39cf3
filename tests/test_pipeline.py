"""From raw files to the reports of the tiny study, through the command line, and what happens when files are bad."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest
from bs4 import BeautifulSoup

import commlab as cl
from commlab.cli import main
from commlab.text import Text

pytestmark = pytest.mark.slow

PERIOD = "2019Q4"
FORMATS = ("html", "docx", "pdf", "ipynb")


def fresh(tiny_raw: Path, target: Path) -> Path:
    shutil.copytree(tiny_raw, target, ignore=shutil.ignore_patterns("processed", "reports", "figures"))
    return target


@pytest.fixture(scope="module")
def run(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The tiny study after one `commlab run`, and its exit code."""
    root = fresh(tiny_raw, tmp_path_factory.mktemp("run") / "study")
    return root, main(["--study", str(root), "run"])


def spoil(path: Path, cell: str, value: object) -> None:
    book = openpyxl.load_workbook(path)
    book.active[cell] = value
    book.save(path)


def index_rows(root: Path) -> dict[str, list[str]]:
    page = BeautifulSoup(
        (root / "reports" / PERIOD / "index.html").read_text(encoding="utf-8"), "html.parser"
    )
    rows = {}
    for row in page.select("table tbody tr"):
        cells = [c.get_text(" ", strip=True) for c in row.find_all(["th", "td"])]
        rows[cells[0]] = cells
    return rows


def test_every_unit_has_every_format(run: tuple[Path, int]) -> None:
    root, code = run
    assert code == 0
    folder = root / "reports" / PERIOD
    districts = cl.open_study(root).register.districts
    for unit in ("city", *districts):
        for ending in FORMATS:
            assert (folder / unit / f"report.{ending}").stat().st_size > 1000
        assert (folder / unit / "appendix.xlsx").stat().st_size > 1000
        manifest = json.loads((folder / unit / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["outputs"]
    assert {p.stem for p in (folder / "methods").glob("*.ipynb")} >= {"00-explore", "10-intake", "20-weights"}
    assert {p.stem for p in (folder / "methods").glob("*.html")} >= {
        "10-intake",
        "20-weights",
        "30-satisfaction",
    }
    assert list((root / "figures" / PERIOD / districts[0]).glob("*.png"))


def test_numbers_agree_on_index_report_appendix_and_tables(run: tuple[Path, int]) -> None:
    """Every number of the index page stands in the district's report, its workbook and the processed tables."""
    root, _ = run
    t = Text("zh")
    processed = root / f"data/processed/{PERIOD}/results"
    ranks = pd.read_parquet(processed / "ranks.parquet").query("set == 'district'").set_index("unit")
    scores = pd.read_parquet(processed / "scores.parquet").query("set == 'district' and code == 'total'")
    coverage = scores.set_index("unit")["coverage"]
    share = pd.read_parquet(processed / "satisfaction.parquet").query(
        "level == 'district' and weighting == 'design' and item == 'q_overall_satisfaction' and statistic == 'satisfied'"
    )
    share = share.set_index("unit")
    index = index_rows(root)
    for unit in ranks.index:
        rank, told = ranks.loc[unit], share.loc[unit]
        interval = t.interval(rank["score_low"], rank["score_high"])
        satisfied = t.interval(told["ci_low"], told["ci_high"], percent=True)
        shown = " ".join(index[unit])
        expected = [
            f"{t.number(rank['score'])} {interval}",
            f"{rank['rank']:.0f} [{rank['rank_low']:.0f}, {rank['rank_high']:.0f}]",
            f"{t.percent(told['estimate'])} {satisfied}",
            t.percent(coverage[unit]),
        ]
        assert all(e in shown for e in expected), (shown, expected)
        folder = root / f"reports/{PERIOD}/{unit}"
        page = BeautifulSoup((folder / "report.html").read_text(encoding="utf-8"), "html.parser").get_text()
        for sentence in (
            f"{unit}得分{t.number(rank['score'])}分（满分100，区间{interval}）",
            f"列第{rank['rank']:.0f}位",
            f"在第{rank['rank_low']:.0f}至第{rank['rank_high']:.0f}位之间",
            "适用的指标全部取得依据，覆盖率为100%"
            if coverage[unit] == 1
            else f"适用权重中有{t.percent(coverage[unit])}取得了依据",
            f"{t.percent(told['estimate'])}的成年居民对“总体满意度”表示满意（区间{satisfied}",
        ):
            assert sentence in page, sentence
        sheet = pd.read_excel(folder / "appendix.xlsx", sheet_name="概览", header=None, engine="calamine")
        row = sheet[sheet[0] == unit].iloc[0].tolist()
        assert row[1:] == pytest.approx(
            [
                *rank[["score", "score_low", "score_high", "rank", "rank_low", "rank_high"]],
                *told[["estimate", "ci_low", "ci_high", "n"]],
                coverage[unit],
            ],
            rel=1e-12,
        )


def test_reports_are_chinese_and_complete(run: tuple[Path, int]) -> None:
    root, _ = run
    district = cl.open_study(root).register.districts[0]
    page = BeautifulSoup(
        (root / f"reports/{PERIOD}/{district}/report.html").read_text(encoding="utf-8"), "html.parser"
    )
    for script in page(["style", "script", "pre"]):
        script.extract()
    text = page.get_text(" ", strip=True)
    for heading in ("摘要", "方法", "样本与总体", "指标得分", "满意度", "与上季度相比的变化", "薄弱环节", "问题及整改", "申报命名社区",
                    "调查问卷", "指标词典", "计算口径", "去标识化说明", "生成清单"):  # fmt: skip
        assert heading in text
    assert "模拟数据" in text
    assert not re.search(r"\bnan\b|\bNone\b|\bNaT\b", text)
    assert 5 <= len(summary_of(page)) <= 8
    city = BeautifulSoup(
        (root / f"reports/{PERIOD}/city/report.html").read_text(encoding="utf-8"), "html.parser"
    )
    assert 5 <= len(summary_of(city)) <= 8


def summary_of(page: BeautifulSoup) -> list[str]:
    heading = page.find(lambda tag: tag.name in ("h2", "h3") and tag.get_text().endswith("摘要"))
    return [item.get_text() for item in heading.find_next(["ul", "ol"]).find_all("li")]


def test_nothing_personal_leaves(run: tuple[Path, int]) -> None:
    """Canaries planted in the sample's questionnaires are in no output and no clean table."""
    root, _ = run
    raw = pd.read_excel(
        next((root / f"data/raw/{PERIOD}/居民问卷").glob("*.xlsx")), dtype="str", engine="calamine"
    )
    phones = {p for c in raw for p in raw[c].dropna().str.findall(r"1[3-9]\d{9}").explode().dropna()}
    assert phones
    for table in (root / f"data/processed/{PERIOD}").rglob("*.parquet"):
        text = pd.read_parquet(table).to_csv()
        assert not [p for p in phones if p in text], table
    for page in (root / "reports").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not [p for p in phones if p in text], page


def test_executed_notebook_holds_parameters_and_no_error(run: tuple[Path, int]) -> None:
    root, _ = run
    district = cl.open_study(root).register.districts[1]
    book = nbformat.read(root / f"reports/{PERIOD}/{district}/report.ipynb", as_version=4)
    injected = [c for c in book.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert len(injected) == 1 and district in injected[0].source
    assert not [o for c in book.cells for o in c.get("outputs", []) if o.output_type == "error"]


def test_second_run_makes_nothing(run: tuple[Path, int], capsys: pytest.CaptureFixture[str]) -> None:
    root, _ = run
    before = {p: p.stat().st_mtime_ns for p in (root / "reports").rglob("report.*")}
    assert main(["--study", str(root), "run"]) == 0
    assert "0 made now" in capsys.readouterr().out
    assert before == {p: p.stat().st_mtime_ns for p in (root / "reports").rglob("report.*")}


@pytest.fixture(scope="module")
def broken(run: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int, str]:
    """The finished study after letters got into one district's statistics and ratings; then run again."""
    import contextlib
    import io

    root = tmp_path_factory.mktemp("broken") / "study"
    shutil.copytree(run[0], root)
    district = cl.open_study(root).register.districts[1]
    spoil(root / f"data/raw/{PERIOD}/评分表/社区自评/{district}.xlsx", "D5", "很好")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = main(["--study", str(root), "run", "--formats", "html"])
    return root, district, code, told.getvalue()


def test_broken_district_is_named_with_file_sheet_and_cell(broken: tuple[Path, str, int, str]) -> None:
    root, district, code, told = broken
    assert code == 1
    assert f"{district}.xlsx" in told and "D5" in told and "很好" in told
    ledger = cl.open_study(root).period(PERIOD).ledger
    line = ledger[ledger["severity"] == "error"].iloc[0]
    assert (
        line["file"].endswith(f"社区自评/{district}.xlsx") and line["sheet"] and line["first_cells"] == "D5"
    )


def test_broken_district_does_not_stop_the_others(broken: tuple[Path, str, int, str]) -> None:
    root, district, _, _ = broken
    period = cl.open_study(root).period(PERIOD)
    assert district in period.failed and len(period.districts) == 2
    for other in period.districts:
        text = (root / f"reports/{PERIOD}/{other}/report.html").read_text(encoding="utf-8")
        assert "2个县区（共3个）" in text
    assert "2个县区（共3个）" in (root / f"reports/{PERIOD}/index.html").read_text(encoding="utf-8")
    assert not (root / f"reports/{PERIOD}/{district}/report.html").exists()
    assert not (root / f"reports/{PERIOD}/{district}/report.pdf").exists()


def test_district_that_sent_nothing_is_outstanding(tiny_raw: Path, tmp_path: Path) -> None:
    root = fresh(tiny_raw, tmp_path / "study")
    study = cl.open_study(root)
    district = study.register.districts[0]
    for file in (root / f"data/raw/{PERIOD}").rglob(f"{district}*"):
        file.unlink()
    result = study.check([PERIOD])
    assert result.exit_code == 1
    assert district in study.period(PERIOD).outstanding
    assert district not in study.period(PERIOD).districts
    assert set(result.outstanding["unit"]) == {district}


def test_without_the_questionnaire_the_reports_say_so(tiny_raw: Path, tmp_path: Path) -> None:
    root = fresh(tiny_raw, tmp_path / "study")
    for file in (root / f"data/raw/{PERIOD}/居民问卷").iterdir():
        file.unlink()
    assert main(["--study", str(root), "run", "--formats", "html"]) == 1
    text = (root / f"reports/{PERIOD}/五华区/report.html").read_text(encoding="utf-8")
    assert "没有有效问卷" in text and "不显示满意度" in text
    leaf = cl.open_study(root).period(PERIOD).scores().query("code == 'Ⅱ-1.3'")
    assert set(leaf["state"]) == {"missing"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["report", "2018Q4"], "2018Q4"),
        (["report", "2019Q5"], "2019Q4"),
        (["report", "--unit", "五花区"], "五华区"),
        (["report", "--parameter", "distrct=五华区"], "distrct"),
        (["report", "--formats", "html,odt"], "odt"),
        (["trace", PERIOD, "五华区", "Ⅱ-99.1"], "Ⅱ-99.1"),
    ],
)
def test_wrong_requests_get_one_sentence(
    run: tuple[Path, int], arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, _ = run
    assert main(["--study", str(root), *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error and "Traceback" not in error
    assert len([line for line in error.splitlines() if line.strip()]) <= 2


def test_period_without_any_file(tiny_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(tiny_copy / f"data/raw/{PERIOD}")
    assert main(["--study", str(tiny_copy), "run"]) == 2
    assert f"data/raw/{PERIOD}" in capsys.readouterr().err


def test_study_without_framework(tiny_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (tiny_copy / "study.yaml").read_text(encoding="utf-8")
    (tiny_copy / "study.yaml").write_text(re.sub(r"(?m)^framework:.*\n", "", text), encoding="utf-8")
    assert main(["--study", str(tiny_copy), "report"]) == 2
    error = capsys.readouterr().err
    assert "framework" in error and "Traceback" not in error


def test_trace_ends_at_cells(run: tuple[Path, int], capsys: pytest.CaptureFixture[str]) -> None:
    root, _ = run
    assert main(["--study", str(root), "trace", PERIOD, "五华区", "II-4.1"]) == 0
    told = capsys.readouterr().out
    cells = re.findall(r"<- (data/raw/\S+)#(\S+)!([A-Z]+\d+)\n", told)
    assert cells
    file, sheet, cell = cells[0]
    raw = openpyxl.load_workbook(root / file)[sheet][cell].value
    value = re.search(rf": ([\d.,]+)  <- {re.escape(file)}#{sheet}!{cell}\n", told)[1]
    assert float(str(raw).replace(",", "")) == float(value.replace(",", ""))
