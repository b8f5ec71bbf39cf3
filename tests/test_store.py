"""store: hashes, atomic writes, parquet, locks, a period's folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commlab import store
from commlab.errors import DataError, ParameterError, StudyError


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        # FIPS 180-4 examples of SHA-256: the empty message and "abc".
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_file_hash_is_sha256(tmp_path: Path, data: bytes, digest: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert store.file_hash(path) == digest
    assert store.HashCache(tmp_path / "c.json").hash(path) == digest


def test_file_hash_names_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nowhere: cannot be read \(No such file"):
        store.file_hash(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="nowhere: cannot be read"):
        store.HashCache(tmp_path / "c.json").hash(tmp_path / "nowhere")


def test_tree_hash_sees_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.py").write_text("1")
    (tmp_path / "b.py").write_text("2")
    first = store.tree_hash(tmp_path, ["**/*.py"])
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "x.py").write_text("noise")
    (tmp_path / ".hidden.py").write_text("noise")
    (tmp_path / "note.txt").write_text("another kind of file")
    assert store.tree_hash(tmp_path, ["**/*.py"]) == first
    assert store.tree_hash(tmp_path, ["**/*.py", "b.py"]) == first
    (tmp_path / "b.py").rename(tmp_path / "c.py")
    renamed = store.tree_hash(tmp_path, ["**/*.py"])
    (tmp_path / "c.py").write_text("3")
    assert len({first, renamed, store.tree_hash(tmp_path, ["**/*.py"])}) == 3
    assert store.tree_hash(tmp_path / "empty") == hashlib.sha256(b"").hexdigest()


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_hash_cache_never_trusts_a_file_that_may_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache_file = tmp_path / "x", tmp_path / "cache.json"
    path.write_text("one")
    cache = store.HashCache(cache_file)
    fresh = cache.hash(path)
    cache.save()
    assert not cache_file.exists()  # just written: not remembered
    later = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(store.files.time, "time_ns", lambda: later)
    assert cache.hash(path) == fresh
    cache.save()
    known = store.HashCache(cache_file)
    monkeypatch.setattr(store.files, "file_hash", lambda p: pytest.fail("read again"))
    assert known.hash(path) == fresh
    monkeypatch.undo()
    stat = path.stat()
    path.write_text("two")  # same size, and the modification time set back
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert store.HashCache(cache_file).hash(path) == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 3}', '{"a": [1]}', "\x00"])
def test_a_damaged_cache_costs_time_only(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    (tmp_path / "x").write_text("abc")
    assert store.HashCache(tmp_path / "c.json").hash(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


def test_atomic_path_keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    store.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), store.atomic_path(path) as part:
        assert part.suffix == ".html"
        part.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.skipif(sys.platform == "win32", reason="a disk that is full is played with a limit of POSIX")
def test_a_workbook_on_a_full_disk_is_an_error_of_the_disk_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, sys
from commlab import store
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    with store.workbook(sys.argv[1], {}) as book:
        sheet = book.add_worksheet()
        for i in range(3000):
            sheet.write_string(i, 0, f"{i * i}")
except OSError as error:
    print(type(error).__name__, error.filename)
"""
    path = tmp_path / "a.xlsx"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["OSError", str(path)], done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    digest = store.write_json(path, {"b": 1, "a": "区"})
    _age(path, 100)
    before = path.stat().st_mtime_ns
    assert store.write_json(path, {"a": "区", "b": 1}) == digest == store.file_hash(path)
    assert path.stat().st_mtime_ns == before
    assert path.read_text(encoding="utf-8") == '{\n "a": "区",\n "b": 1\n}\n'


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {("a",): 1}])
def test_what_json_cannot_say_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ParameterError, match="cannot be written as JSON"):
        store.write_json(tmp_path / "x.json", value)
    assert list(tmp_path.iterdir()) == []


def test_read_json_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no such file"):
        store.read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(StudyError, match="is damaged"):
        store.read_json(tmp_path / "x.json")


FRAME = pd.DataFrame(
    {
        "unit": pd.Series(["五华区", None, "盘龙区"], dtype="str"),
        "value": [1.5, np.nan, np.inf],
        "n": pd.Series([1, None, 3], dtype="Int64"),
        "on": pd.to_datetime(["2019-01-01", None, "2019-12-31"]).astype("datetime64[us]"),
        "valid": [True, False, True],
    }
)


def test_parquet_round_trip_keeps_types_and_gives_the_same_bytes(tmp_path: Path) -> None:
    first = store.write_parquet(tmp_path / "a.parquet", FRAME)
    noted = FRAME.copy()
    noted.attrs["when"] = "now"
    assert store.write_parquet(tmp_path / "b.parquet", noted) == first
    assert store.write_parquet(tmp_path / "c.parquet", FRAME.set_axis([3, 1, 2])) == first
    back = store.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(back, FRAME)
    assert list(store.read_parquet(tmp_path / "a.parquet", ["n"])) == ["n"]
    pd.testing.assert_frame_equal(
        store.read_parquet(tmp_path / "a.parquet"), store.read_parquet(tmp_path / "b.parquet")
    )


def test_parquet_of_no_rows_keeps_types(tmp_path: Path) -> None:
    store.write_parquet(tmp_path / "a.parquet", FRAME.head(0))
    assert (store.read_parquet(tmp_path / "a.parquet").dtypes == FRAME.dtypes).all()


@pytest.mark.parametrize(
    ("frame", "error", "says"),
    [
        (FRAME.set_index("unit"), ParameterError, 'the index "unit" would be lost'),
        (FRAME.set_index(["unit", "n"]), ParameterError, "reset_index"),
        (pd.concat([FRAME, FRAME], axis=1), ParameterError, "columns share a name: unit"),
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), DataError, r"t\.parquet: cannot be stored.*column a"),
    ],
)
def test_parquet_refuses(tmp_path: Path, frame: pd.DataFrame, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        store.write_parquet(tmp_path / "t.parquet", frame)
    assert list(tmp_path.iterdir()) == []


def test_damaged_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StudyError, match=r"t\.parquet: is damaged"):
        store.read_parquet(tmp_path / "t.parquet")
    with pytest.raises(StudyError, match="there is no such file"):
        store.read_parquet(tmp_path / "u.parquet")


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.iloc[::-1],
        lambda f: f.head(2),
        lambda f: f.rename(columns={"n": "m"}),
        lambda f: f.astype({"n": "float64"}),
        lambda f: f.assign(value=[1.5, np.nan, 7.0]),
        lambda f: f.assign(unit=["五华区", "", "盘龙区"]),
        lambda f: f[["value", "unit", "n", "on", "valid"]],
    ],
)
def test_frame_hash_changes_with_everything_that_is_printed(change: object) -> None:
    assert store.frame_hash(change(FRAME)) != store.frame_hash(FRAME)  # type: ignore[operator]


def test_frame_hash_leaves_the_index_out_and_names_what_it_cannot_hash() -> None:
    assert store.frame_hash(FRAME.set_axis(["a", "b", "c"])) == store.frame_hash(FRAME)
    with pytest.raises(DataError, match='column "a" cannot be hashed'):
        store.frame_hash(pd.DataFrame({"a": [{"x": 1}]}))


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.text(), _json_values, max_size=5))
def test_json_hash_ignores_order(value: dict[str, object]) -> None:
    assert store.json_hash(value) == store.json_hash(dict(reversed(value.items())))


_OTHER = """
import sys, time
from commlab import store
with store.lock(sys.argv[1], shared=sys.argv[2] == "shared", doing="report 2019Q4"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("theirs", "ours", "granted"),
    [("alone", False, False), ("alone", True, False), ("shared", False, False), ("shared", True, True)],
)
def test_one_writer_or_many_readers(tmp_path: Path, theirs: str, ours: bool, granted: bool) -> None:
    path = tmp_path / "p" / ".lock"
    other = subprocess.Popen(
        [sys.executable, "-c", _OTHER, str(path), theirs], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        if granted:
            with store.lock(path, shared=ours):
                pass
        else:
            who = f"process {other.pid}: report 2019Q4" if theirs == "alone" else "a reader"
            says = rf"another run is at work here \({who}\)"
            with pytest.raises(StudyError, match=says), store.lock(path, shared=ours, wait=0.15):
                pass
    finally:
        other.kill()
        other.communicate()
    with store.lock(path):  # killed: nothing is left locked
        pass


def test_processed_folder(tmp_path: Path) -> None:
    folder = store.ProcessedFolder(tmp_path, "2019Q4")
    assert folder.read_inputs() is None and folder.read_stage() is None
    assert folder.tables() == folder.results() == []
    digest = folder.write_table("measures", FRAME)
    folder.write_result("scores", FRAME)
    folder.write_inputs({"outstanding": ["东川区"]})
    folder.write_stage({"measures": digest})
    assert (tmp_path / "data/processed/2019Q4/results/scores.parquet").exists()
    assert folder.tables() == ["measures"] and folder.results() == ["scores"]
    pd.testing.assert_frame_equal(folder.read_table("measures"), FRAME)
    pd.testing.assert_frame_equal(folder.read_result("scores"), FRAME)
    assert folder.read_inputs() == {"outstanding": ["东川区"]}
    assert folder.read_stage() == {"measures": store.file_hash(folder.table_path("measures"))}
    (folder.path / ".scores.0123.part.parquet").write_bytes(b"half")
    assert folder.tables() == ["measures"]
    with folder.lock():
        assert folder.sweep() == [".scores.0123.part.parquet"]
    (folder.path / "stage.json").write_text("[]")
    with pytest.raises(StudyError, match="not a mapping"):
        folder.read_stage()


@pytest.mark.parametrize("tables", [True, False])
def test_what_is_about_to_be_rewritten_is_fresh_no_more(tmp_path: Path, tables: bool) -> None:
    folder = store.ProcessedFolder(tmp_path, "2019Q4")
    folder.unsettle(tables=tables)
    folder.write_inputs({"hashes": {"raw": "1"}, "files": [1]})
    folder.write_stage({"key": "k", "parts": {"weights": "w"}})
    folder.unsettle(tables=tables)
    assert folder.read_inputs() == {"hashes": None if tables else {"raw": "1"}, "files": [1]}
    assert folder.read_stage() == {"key": None, "parts": {"weights": "w"}}
    (folder.path / "stage.json").write_text("[]")
    folder.unsettle(tables=tables)
    assert folder.read_stage() is None


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".", "..", "a.b", "-a", "a\x00"])
def test_a_hostile_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="cannot name a period"):
        store.ProcessedFolder(tmp_path, name)
    with pytest.raises(ParameterError, match="cannot name a table"):
        store.ProcessedFolder(tmp_path, "2019").table_path(name)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.booleans(), min_size=len(FRAME), max_size=len(FRAME)), max_size=3))
def test_slice_hashes_are_the_hashes_of_the_slices(masks: list[list[bool]]) -> None:
    rows = {str(i): np.array(mask) for i, mask in enumerate(masks)}
    expected = {name: store.frame_hash(FRAME[mask]) for name, mask in rows.items()}
    assert store.slice_hashes(FRAME, rows) == expected


def test_frame_memory_gives_back_what_it_was_given_for_the_same_key_alone(tmp_path: Path) -> None:
    memory = store.FrameMemory(tmp_path, ".register.frames")
    assert memory.read("k") is None
    frames = {"units": FRAME, "aliases": FRAME.head(0), "none": pd.DataFrame({"a": []}, dtype="str")}
    memory.write("k", frames, {"of": ["五华区", None]})
    found = memory.read("k")
    assert found is not None
    assert found[0] == {"of": ["五华区", None]}
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(found[1][name], frame)
    found[1]["units"].iloc[0, 0] = None  # it can be written to
    assert memory.read("other") is None


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
        pd.DataFrame({"a": [1, 2]}, index=[5, 7]),
        pd.DataFrame({"a": [1, "b"]}),
        pd.DataFrame({"a": [{"b": 1}, {"c": 2}]}),
        pd.DataFrame({0: [1], 1: [2]}),
        pd.DataFrame({"a": [("x",), ("y",)]}),
    ],
)
def test_frame_memory_keeps_nothing_that_would_not_come_back_as_it_is(
    tmp_path: Path, frame: pd.DataFrame
) -> None:
    memory = store.FrameMemory(tmp_path, "kept")
    memory.write("k", {"f": FRAME})
    memory.write("k", {"f": frame})
    assert memory.read("k") is None


@pytest.mark.parametrize("at", [0, 40, 66, 100, -30])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_frame_memory_that_is_spoilt_knows_nothing(tmp_path: Path, how: str, at: int) -> None:
    memory = store.FrameMemory(tmp_path, "kept")
    memory.write("k", {"units": FRAME})
    data = bytearray(memory.path.read_bytes())
    data[at] ^= 1
    memory.path.write_bytes({"flipped": bytes(data), "cut": bytes(data[:at]), "gone": b""}[how])
    assert memory.read("k") is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"key": "k"}', b'{"key":"k","note":1,"sizes":[["f",9]]}\nnot arrow']
)
def test_frame_memory_of_another_make_is_ignored(tmp_path: Path, body: bytes) -> None:
    memory = store.FrameMemory(tmp_path, "kept")
    memory.path.parent.mkdir(parents=True)
    memory.path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert memory.read("k") is None


def test_frame_memory_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file where a folder should be")
    memory = store.FrameMemory(tmp_path, "kept")
    memory.write("k", {"units": FRAME})
    assert memory.read("k") is None


def test_mark_changes_with_every_stored_file(tmp_path: Path) -> None:
    folder = store.ProcessedFolder(tmp_path, "2019Q4")
    marks = [folder.mark()]
    folder.write_table("measures", FRAME)
    marks.append(folder.mark())
    folder.write_result("scores", FRAME)
    marks.append(folder.mark())
    folder.write_result("scores", FRAME.head(1))
    marks.append(folder.mark())
    folder.write_inputs({"items": []})
    marks.append(folder.mark())
    folder.write_reports({"units": {}})
    assert folder.mark() == marks[-1]
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_damaged_memory_of_reports_is_empty(tmp_path: Path, content: bytes) -> None:
    folder = store.ProcessedFolder(tmp_path, "2019Q4")
    assert folder.read_reports() == {}
    folder.write_reports({"units": {"昆明市": {}}})
    assert folder.read_reports() == {"units": {"昆明市": {}}}
    (folder.path / "reports.json").write_bytes(content)
    assert folder.read_reports() == {}


def test_what_is_remembered_is_made_once_and_again_where_it_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def make():
        made.append(1)
        return b"content\n\x00"

    assert [store.remembered("thing", "k", make) for _ in range(2)] == [b"content\n\x00"] * 2 and len(
        made
    ) == 1
    assert store.remembered("thing", "other", make) == b"content\n\x00" and len(made) == 2
    path = tmp_path / "commlab" / "thing"
    path.write_bytes(path.read_bytes()[:-1])
    assert store.remembered("thing", "other", make) == b"content\n\x00" and len(made) == 3
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))  # a file where a folder should be: nothing is kept
    assert store.remembered("thing", "k", make) == b"content\n\x00" and len(made) == 4
