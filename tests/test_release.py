"""The release: what leaves the house, what is compared with what left before, and what the scanner sees."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import quopri
import re
import shutil
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

import commlab as cl
from commlab import store
from commlab.cli import main
from commlab.errors import ParameterError, StudyError
from commlab.release import release, scan
from commlab.release.edition import csv_text
from commlab.release.figures import KEY, restated
from commlab.release.ledger import Ledger, differing
from commlab.release.scanner import plain
from tools.tortured.canaries import in_raw_files

PERIOD = "2019Q4"
CANARY = "金丝雀鸣于东窗 0x7Q"


# ------------------------------------------------------------------------------------------------ the scanner
def packed(**members: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*c) for c in chunks) + chunk(b"IEND", b"")


def pdf(text: str = "", **properties: str) -> bytes:
    import typst

    title = properties.get("title", "x")
    source = f'#set document(title: "{title}")\n{text}'.encode()
    return typst.compile(source)


def escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


HIDDEN = {
    "text.html": f"<p>{CANARY}</p>",
    "spaced.html": "<p>" + " ".join(CANARY) + "</p>",
    "split.html": f"<p>{CANARY[:4]}<b></b>{CANARY[4:]}</p>",
    "entities.html": "<p>" + "".join(f"&#x{ord(c):x};" for c in CANARY) + "</p>",
    "title.html": f'<img alt="{CANARY}">',
    "svg.html": f'<svg id="{CANARY}"></svg>',
    "link.html": f'<a href="?q={"".join(f"%{b:02X}" for b in CANARY.encode())}">x</a>',
    "data.html": f'<img src="data:text/plain;base64,{base64.b64encode(f"so {CANARY} it is".encode()).decode()}">',
    "comment.html": f"<!-- {CANARY} -->",
    "script.html": f'<script>x="{escaped(CANARY)}"</script>',
    "wide.html": "\ufeff<p>" + CANARY.replace("0x7Q", "０ｘ７ｑ") + "</p>",
    "utf16.csv": CANARY.encode("utf-16"),
    "gb.csv": CANARY.encode("gb18030"),
    "sheet.xlsx": packed(**{"xl/worksheets/sheet1.xml": f"<c><is><t>{CANARY}</t></is></c>"}),
    "strings.xlsx": packed(
        **{"xl/sharedStrings.xml": f"<si><r><t>{CANARY[:5]}</t></r><r><t>{CANARY[5:]}</t></r></si>"}
    ),
    "properties.docx": packed(**{"docProps/core.xml": f"<dc:creator>{CANARY}</dc:creator>"}),
    "media.docx": packed(**{"word/media/image1.png": png((b"tEXt", b"Comment\0" + CANARY.encode()))}),
    "nested.docx": packed(**{"word/embeddings/a.bin": packed(**{"b.xml": CANARY})}),
    "name.docx": packed(**{f"{CANARY}.xml": "x"}),
    "packed.png": png((b"zTXt", b"Comment\0\0" + zlib.compress(CANARY.encode()))),
    "words.png": png((b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(CANARY.encode()))),
    "tail.png": png() + CANARY.encode(),
    "escapes.json": json.dumps({"a": [{"b": CANARY}]}),
    "zipped.json": gzip.compress(CANARY.encode()),
    "twice.json": base64.b64encode(base64.b64encode(f"here is {CANARY} again".encode())),
    "page.pdf": pdf(CANARY),
    "title.pdf": pdf("x", title=CANARY),
    f"{CANARY}.csv": "x",
    # encoded twice, or as another language spells it
    "twice.html": "".join(f"&amp;#{ord(c)};" for c in CANARY),
    "twice_link.html": quote(quote(CANARY)),
    "old_link.html": "".join(f"%u{ord(c):04X}" for c in CANARY),
    "style.html": '<style>a{content:"' + "".join(f"\\{ord(c):x} " for c in CANARY) + '"}</style>',
    "points.html": "".join(f"\\u{{{ord(c):x}}}" for c in CANARY),
    "long.json": "".join(f"\\U{ord(c):08x}" for c in CANARY),
    "bytes.json": "".join(f"\\x{b:02x}" for b in CANARY.encode()),
    "octal.json": "".join(f"\\{b:03o}" for b in CANARY.encode()),
    "mail.html": quopri.encodestring(CANARY.encode()),
    "hex.json": CANARY.encode().hex(),
    "b32.json": base64.b32encode(CANARY.encode()),
    "web.json": base64.urlsafe_b64encode(f"??>>{CANARY}?~".encode()),
    "folded.html": base64.encodebytes(f"{'so ' * 18}{CANARY} it is".encode()),
    "colours.json": "\x1b[31m".join(CANARY),
    # with something between its letters, in other encodings
    "joined.html": "&#8203;".join(CANARY),
    "gb_spaced.csv": " ".join(CANARY).encode("gb18030"),
    "utf16_bare.csv": " ".join(CANARY).encode("utf-16-le"),
    "utf16_big.csv": " ".join(CANARY).encode("utf-16-be"),
    "utf32.csv": " ".join(CANARY).encode("utf-32-le"),
    "gb.docx": packed(**{"a.xml": "<b/>".join(CANARY).encode("gbk")}),
    "chunk.png": png((b"tEXt", b"a\0" + " ".join(CANARY).encode("gb18030"))),
    # packed another way
    "sheet_name.xlsx": packed(**{"xl/workbook.xml": f'<sheet name="{CANARY}" state="hidden"/>'}),
    "remark.xlsx": packed(**{"xl/comments1.xml": f"<t>{CANARY}</t>"}),
    "described.docx": packed(**{"word/document.xml": f'<wp:docPr id="1" descr="{CANARY}"/>'}),
    "gzip.docx": packed(**{"a.bin": gzip.compress(CANARY.encode())}),
    "second.json": gzip.compress(b"x") + gzip.compress(CANARY.encode()),
    "bzip2.json": bz2.compress(CANARY.encode()),
    "xz.json": lzma.compress(CANARY.encode()),
    "zlib.html": base64.b64encode(zlib.compress(CANARY.encode())),
    "raw.html": base64.b64encode(zlib.compress(CANARY.encode(), wbits=-15)),
    "private.png": png((b"prVt", zlib.compress(CANARY.encode()))),
    "front.docx": b"x" * 50 + packed(**{"a.bin": zlib.compress(CANARY.encode())}),
    "drawn.html": f"<svg><text>{'</tspan><tspan>'.join(CANARY)}</text></svg>",
    "svg_link.html": f'<img src="data:image/svg+xml,{quote(f"<svg id=x{CANARY}>")}">',
}


@pytest.mark.parametrize("name", list(HIDDEN))
def test_a_canary_is_found_wherever_it_hides(name: str, tmp_path: Path) -> None:
    content = HIDDEN[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = scan(tmp_path, [CANARY])
    assert {f.kind for f in found} >= {"canary"}
    assert all(CANARY not in f.kind + f.member for f in found if not name.startswith((CANARY, "name")))
    assert "canary" not in {f.kind for f in scan(tmp_path, ["鸣金丝雀东于窗"])}


def test_a_notebook_is_no_kind_of_file_for_the_public_and_is_looked_through_all_the_same(
    tmp_path: Path,
) -> None:
    picture = base64.b64encode(png((b"tEXt", b"a\0" + CANARY.encode()))).decode()
    for cell in (
        {"metadata": {"who": CANARY}},
        {"source": [CANARY[:3], CANARY[3:]]},
        {"outputs": [{"traceback": [f"\x1b[31m{c}\x1b[0m" for c in CANARY]}]},
        {"outputs": [{"data": {"image/png": "\n".join(re.findall(".{1,76}", picture))}}]},
    ):
        (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
        assert {f.kind for f in scan(tmp_path, [CANARY])} == {"a kind of file that is not released", "canary"}


def test_what_cannot_be_looked_into_is_told_and_noise_is_no_canary(tmp_path: Path) -> None:
    noise = np.random.default_rng(7).bytes(150_000)
    (tmp_path / "a.png").write_bytes(png((b"prVt", noise)) + noise)
    names = ["王芳", "李伟", "0371", "张敏"]
    assert (
        scan(tmp_path, [*names, *(f"{a}{b}" for a in "赵钱孙李周吴郑王" for b in "一二三四五六七八")]) == []
    )
    (tmp_path / "b.docx").write_bytes(packed(**{"a.xml": "x"})[:-8])
    (tmp_path / "c.pdf").write_bytes(pdf("x")[:-400])
    told = {f.file for f in scan(tmp_path) if f.kind.startswith("cannot be looked into")}
    assert told == {"b.docx", "c.pdf"}


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.html", "<td>打 139 1234 5678 找我</td>", "mobile"),
        ("a.html", "<td>云A·12345</td>", "plate"),
        ("a.json", '"someone@example.org"', "email"),
        ("a.docx", packed(**{"word/document.xml": "<w:p><w:t>1391234</w:t></w:r><w:r><w:t>5678</w:t></w:p>"}), "mobile"),
        ("a.xlsx", packed(**{"xl/worksheets/sheet1.xml": "<c><f>A1</f></c>"}), "formula"),
        ("a.xlsx", packed(**{"xl/worksheets/sheet1.xml": '<col hidden="1"/>'}), "hidden column or row"),
        ("a.xlsx", packed(**{"xl/workbook.xml": '<sheet state="veryHidden"/>'}), "hidden sheet"),
        ("a.xlsx", packed(**{"xl/comments1.xml": "<t>x</t>"}), "comment"),
        ("a.xlsx", packed(**{"xl/worksheets/_rels/s.rels": 'TargetMode="External"'}), "link outside"),
        ("a.docx", packed(**{"word/vbaProject.bin": "x"}), "macro"),
        ("a.json", '"/home/somebody/raw"', "path of a machine"),
        ("a.parquet", "x", "a kind of file that is not released"),
    ],
)  # fmt: skip
def test_what_a_release_may_not_hold(name: str, content: bytes | str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert kind in {f.kind for f in scan(tmp_path)}


def test_figures_are_no_identifiers(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>{v}</td><td>{v * 37.5:.4f}</td></tr>" for v in range(1000, 1400, 7))
    (tmp_path / "a.html").write_text(f"<p>2019年第四季度，昆政发〔2018〕12号</p>{rows}", encoding="utf-8")
    (tmp_path / "a.pdf").write_bytes(pdf("#table(columns: 6, ..range(1300, 1600, step: 3).map(i => [#i]))"))
    assert scan(tmp_path) == []


def test_archives_in_archives_come_to_an_end_and_links_are_told(tmp_path: Path) -> None:
    content = CANARY.encode()
    for _ in range(9):
        content = packed(**{"a.zip": content})
    (tmp_path / "a.docx").write_bytes(content)
    (tmp_path / "b.html").symlink_to(tmp_path / "a.docx")
    kinds = {f.kind for f in scan(tmp_path)}
    assert kinds >= {"cannot be looked into: damaged, or packed too deeply", "link to another file"}


def test_canaries_are_compared_by_letters_and_digits() -> None:
    assert plain("Ａ-b_ ｃ\u200b①") == "abc1"


# ------------------------------------------------------------------------------------------- the release ledger
def people(n: int, **changed: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"person": np.arange(1, n + 1), "unit": ["甲"] * n, "district": ["东区"] * n})
    frame["q"] = rng.integers(1, 2**40, n)
    for place, value in changed.items():
        frame.loc[int(place[1:]), "q"] = value
    return frame


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (people(50), people(50), 0),
        (people(50), people(49), 1),  # one withdrew
        (people(50), people(51).iloc[1:], 2),  # one for another, and n is the same
        (people(50), people(79), 29),
        (people(50), people(80), 0),  # thirty came: enough
        (people(50), people(50, p3=5), 1),  # one answer corrected
        (people(50), people(50, p3=0), 1),  # one answer taken back
        (people(50), people(60).iloc[5:], 15),  # five left, ten came
        (people(50).assign(district="西区"), people(50), 0),  # all fifty moved
    ],
)  # fmt: skip
def test_small_steps_between_releases_are_seen(before: pd.DataFrame, after: pd.DataFrame, told: int) -> None:
    found = differing(before, after, k=30, city="市")
    assert len(found) == (3 if told else 0)
    assert set(found["people"]) == ({told} if told else set())


def test_who_moves_to_another_district_changes_both() -> None:
    after = people(50)
    after.loc[0, ["unit", "district"]] = ["乙", "西区"]
    found = differing(people(50), after, k=30, city="市")
    assert set(found["unit"]) == {"甲", "乙", "东区", "西区"} and set(found["people"]) == {1}


def test_attacks_that_combine_domains_and_releases_are_seen() -> None:
    def told(before: pd.DataFrame, after: pd.DataFrame) -> set[tuple[str, int]]:
        found = differing(before, after, k=30, city="市")
        return {(r.unit, r.people) for r in found.itertuples()}

    whole = people(100)
    split = whole.assign(district=["东区"] * 85 + ["新区"] * 15, unit=["甲"] * 85 + ["乙"] * 15)
    assert told(whole, split) == {("甲", 15), ("乙", 15), ("东区", 15), ("新区", 15)}, "one from the other"
    even = whole.assign(district=["东区"] * 50 + ["新区"] * 50, unit=["甲"] * 50 + ["乙"] * 50)
    assert told(whole, even) == set()
    # The city minus its districts: thirty-one came, thirty of them to one district and one to another.
    two = pd.concat([people(60), people(120).iloc[60:].assign(unit="乙", district="西区")], ignore_index=True)
    more = people(151).iloc[120:]
    more = more.assign(unit=["甲"] * 30 + ["乙"], district=["东区"] * 30 + ["西区"])
    assert told(two, pd.concat([two, more], ignore_index=True)) == {("乙", 1), ("西区", 1)}
    # One comes and one goes, in one district each: n is the same in the city.
    assert {unit for unit, _ in told(two, two.iloc[1:].assign(q=two["q"].where(two.index != 90, 5)))} >= {
        "市",
        "东区",
        "西区",
    }
    # Answers and people are the same, twelve of them count more.
    heavy = whole.assign(weight=np.arange(100))
    moved = heavy.assign(weight=np.where(np.arange(100) < 12, 7_000, np.arange(100)))
    assert told(heavy, moved) == {("市", 12), ("东区", 12)} and not told(heavy, heavy)
    assert told(heavy, heavy.assign(weight=np.arange(100) + 500)) == set(), (
        "everybody's weight: as after a census"
    )


def test_steps_are_compared_with_every_release_not_the_last(tmp_path: Path) -> None:
    from commlab.release.ledger import Vintage
    from commlab.release.publish import _refuse_small_steps

    releases = [Vintage(n, figures(a=1.0), people(size), {}) for n, size in ((1, 100), (2, 140))]
    _refuse_small_steps(releases, people(180), 30, "市")
    for size in (99, 101, 129, 139, 141, 169):
        with pytest.raises(StudyError, match="differ by 1 to 29 respondents"):
            _refuse_small_steps(releases, people(size), 30, "市")


def figures(**values: float | None) -> pd.DataFrame:
    rows = [
        ("score", "district", unit, "total", "score", v, None, None, None, "" if v else "R1", "")
        for unit, v in values.items()
    ]
    return pd.DataFrame(rows, columns=[*KEY, "value", "low", "high", "n", "rule", "bound"]).astype(
        {"value": float, "low": float, "high": float, "n": float}
    )  # fmt: skip


def test_published_figures_are_frozen_and_corrections_stand_beside_them() -> None:
    now = restated(figures(a=71.5, b=60.0, c=80.0), figures(a=70.0, b=60.0, d=1.0))
    assert now["value"].tolist() == [70.0, 60.0, 80.0]
    assert now["restated"].fillna(0).tolist() == [71.5, 0, 0]
    gone = restated(figures(a=None), figures(a=70.0))
    assert gone["value"].tolist() == [70.0] and gone["restated"].isna().all()
    back = restated(figures(a=70.0), figures(a=None))
    assert back["value"].tolist() == [70.0], "what was withheld at first has not been published"


def test_no_cell_of_the_csv_starts_as_a_formula_would() -> None:
    texts = ["=1+1", "＝1+1", "\ufeff=1", " =1", "-2+3", "@x", "\t=1", "五华区"]
    lines = csv_text(pd.DataFrame({"a": texts, "v": [-1.5] * len(texts)}))
    cells = pd.read_csv(io.StringIO(lines), keep_default_na=False)
    shown = [t.replace("\ufeff", "") for t in texts]  # nobody sees it
    assert cells["a"].tolist() == [f"'{t}" for t in shown[:-1]] + ["五华区"]
    assert (cells["v"] == -1.5).all()


# ------------------------------------------------------------------------------------------------- the whole way
def quick(root: Path) -> None:
    """Fewer draws: what is tested here does not hang on them."""
    path = root / "study.yaml"
    path.write_text(re.sub(r"draws: \d+", "draws: 100", path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.fixture(scope="module")
def released(tiny_raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("release") / "tiny"
    shutil.copytree(tiny_raw, root)
    quick(root)
    assert main(["--study", str(root), "release", PERIOD]) == 0
    return root


def test_nothing_personal_of_the_raw_files_is_in_the_release(released: Path, tmp_path: Path) -> None:
    canaries = in_raw_files(released / "data/raw")
    assert len(canaries) > 100
    smallest = min((released / "data/raw" / PERIOD / "居民问卷").iterdir(), key=lambda p: p.stat().st_size)
    (tmp_path / smallest.name).write_bytes(smallest.read_bytes())
    assert scan(tmp_path, canaries), "the scanner sees them where they are"
    assert scan(released / "release" / PERIOD, canaries) == []


def test_a_release_holds_protected_figures_and_nothing_else(released: Path) -> None:
    folder = released / "release" / PERIOD
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    units = {"city", "五华区", "盘龙区", "阳宗海风景区"}
    assert names == {"figures.csv", "figures.xlsx", "record.json"} | {
        f"{u}/report.{f}" for u in units for f in ("html", "docx", "pdf")
    }
    told = pd.read_csv(folder / "figures.csv", keep_default_na=False, na_values={"n": [""], "value": [""]})
    survey = told[told["table"] == "satisfaction"]
    assert survey["n"].min() >= 30 and (survey.loc[survey["rule"] != "", "value"].isna()).all()
    assert {"R1"} <= set(survey["rule"])
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert record["k"] == 30 and record["scanner"]["found"] == 0 and record["release"] == 1
    assert set().union(*(f.values() for f in record["fields"].values())) <= {"open", "quasi", "sensitive"}
    page = (folder / "五华区/report.html").read_text(encoding="utf-8")
    for word in ("台账", "ledger", "data/raw", "附件4"):
        assert word not in page


def test_the_same_data_release_the_same_bytes_under_the_same_number(released: Path) -> None:
    kinds = {".html", ".csv", ".xlsx"}
    before = {p: store.file_hash(p) for p in sorted((released / "release").rglob("*.*")) if p.suffix in kinds}
    assert len(before) == 6
    done = release(cl.open_study(released).period(PERIOD), formats=["html"])
    assert (done.number, done.new) == (1, False)
    assert {p: store.file_hash(p) for p in before} == before
    assert len(Ledger(released, PERIOD).read()) == 1


def test_a_correction_is_restated_and_one_withdrawn_answer_blocks(released: Path) -> None:
    root = released
    ledger = Ledger(root, PERIOD)
    first = ledger.read()[0]
    people = first.respondents
    # One more person in the published release than there is today: somebody withdrew.
    store.write_parquet(
        ledger.folder / "1" / "respondents.parquet", pd.concat([people, people.tail(1).assign(person=1)])
    )
    before = store.file_hash(root / "release" / PERIOD / "figures.csv")
    with pytest.raises(StudyError, match=r"differ by 1 to 29 respondents .* 昆明市 q_"):
        release(cl.open_study(root).period(PERIOD), formats=["html"])
    assert store.file_hash(root / "release" / PERIOD / "figures.csv") == before
    # The same people, another score.
    store.write_parquet(ledger.folder / "1" / "respondents.parquet", people)
    moved = first.figures.copy()
    at = moved.index[(moved["table"] == "score") & (moved["unit"] == "五华区") & (moved["item"] == "total")][
        0
    ]
    moved.loc[at, "value"] += 1.25
    store.write_text(ledger.folder / "1" / "figures.csv", csv_text(moved))
    done = release(cl.open_study(root).period(PERIOD), formats=["html"])
    assert (done.number, done.new, done.restated) == (2, True, 1)
    page = (root / "release" / PERIOD / "五华区/report.html").read_text(encoding="utf-8")
    assert "修订数据" in page and f"{moved.loc[at, 'value']:.4f}" in page
    assert [v.number for v in ledger.read()] == [1, 2]


def test_what_a_scanner_finds_is_not_published(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "commlab.release.edition.documents", lambda *_, **__: iter(())
    )  # the figures are enough
    quick(tiny_copy)
    register = tiny_copy / "data/register"
    (register / "canaries.txt").write_text("# planted\n昆 明 市\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"scanner found .*: canary"):
        release(cl.open_study(tiny_copy).period(PERIOD), formats=["html"])
    assert not (tiny_copy / "release" / PERIOD).exists()
    assert not list((tiny_copy / "release").glob(".release-*")) and not Ledger(tiny_copy, PERIOD).read()


def test_bad_requests_and_damaged_ledgers_are_told(tiny_copy: Path) -> None:
    period = cl.open_study(tiny_copy).period(PERIOD)
    with pytest.raises(ParameterError, match="exe"):
        release(period, formats=["exe"])
    folder = Ledger(tiny_copy, PERIOD).folder / "1"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StudyError, match="damaged"):
        Ledger(tiny_copy, PERIOD).read()
