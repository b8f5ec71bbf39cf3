"""The supply chain: the lock, the licences, the bill of materials, and no secrets in the tree."""

from __future__ import annotations

import csv
import importlib.metadata as metadata
import json
import re
import sys
from email.message import Message
from pathlib import Path

import pytest

from tools import supply

IMPORT = re.compile(r"^\s*(?:from (\w+)[\w.]* import|import (\w+))", re.MULTILINE)


@pytest.fixture(scope="module")
def packages() -> list[supply.Package]:
    return supply.packages()


def test_every_package_is_pinned_with_digests_and_no_address_is_named(repository):
    lock = repository / "requirements.lock"
    pinned = supply.locked(lock)
    assert len(pinned) > 100
    assert not [name for name, (_, hashes) in pinned.items() if not hashes]
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--extra" not in text and " @ " not in text


@pytest.mark.parametrize(
    "line",
    ["pandas>=3", "pandas", "pandas @ https://example.org/pandas.whl", "--index-url https://example.org/simple",
     "-e .", "pandas==3.1.1 --hash=md5:abc", "pandas==3.1.1 --hash=sha256:abc"],
)  # fmt: skip
def test_a_line_that_is_not_pinned_is_refused(tmp_path, line):
    (tmp_path / "requirements.lock").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="not a pinned package with hashes"):
        supply.locked(tmp_path / "requirements.lock")


def test_make_installs_from_the_lock_alone(repository):
    make = (repository / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in make.splitlines() if "install" in line and line.startswith("\t")]
    assert "uv pip sync" in make and "requirements.lock" in make
    # the installer itself is pinned; commlab comes from this folder, without its dependencies
    assert all('"$(UV)"' in line or "--no-deps -e ." in line for line in installs)


def test_licences_are_listed_and_nothing_under_the_gpl_is_imported(packages, repository):
    assert not [said for p in packages if (said := supply.unwelcome(p))]
    assert (repository / "licences.csv").read_text(encoding="utf-8") == supply.licences(), "run: make sbom"


def test_a_new_lock_writes_its_licences_and_bill_anew(repository):
    make = (repository / "Makefile").read_text(encoding="utf-8")
    lock = make.split("\nlock:", 1)[1].split("\n\n", 1)[0].splitlines()
    assert "-o requirements.lock" in lock[1] and lock[2].split()[-1] == "sbom"
    assert (
        "\nsbom: env " in make and "\n$(STAMP): requirements.lock " in make
    )  # what is read is what is installed
    with (repository / "licences.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["package"]: row["version"] for row in csv.DictReader(file)}
    assert listed == {name: version for name, (version, _) in supply.locked().items()}, "run: make sbom"


def test_what_the_library_imports_is_in_the_lock(packages, repository):
    known = {p.name for p in packages}
    origin = metadata.packages_distributions()
    imported = set()
    for path in (repository / "commlab").rglob("*.py"):
        for one, other in IMPORT.findall(path.read_text(encoding="utf-8")):
            imported.add(one or other)
    others = imported - set(sys.stdlib_module_names) - {"commlab"}
    assert {"pandas", "numpy", "yaml"} <= others
    assert not {m for m in others if not {supply.same_name(d) for d in origin.get(m, [])} & known}


def about(**fields: str | list[str]) -> Message:
    out = Message()
    for name, said in fields.items():
        for one in [said] if isinstance(said, str) else said:
            out[name.replace("_", "-")] = one
    return out


@pytest.mark.parametrize(
    ("fields", "licence", "welcome"),
    [
        ({"License_Expression": "MIT AND PSF-2.0", "License": "GPL"}, "MIT AND PSF-2.0", True),
        ({"Classifier": ["License :: OSI Approved :: MIT License"]}, "MIT", True),
        ({"Classifier": ["License :: OSI Approved :: BSD License"], "License": "BSD-2-Clause"}, "BSD-2-Clause", True),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0", True),
        ({"License": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT", True),
        ({"License": "GPLv3"}, "GPL-2.0-or-later", False),
        ({"License": "LGPL"}, "LGPL-2.1-or-later", False),
        ({"Classifier": ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]}, "GPL-2.0-or-later", False),
        ({"Classifier": ["License :: OSI Approved :: GNU Affero General Public License v3"], "License": "MIT"},
         "AGPL-3.0-or-later", False),
        ({"License_Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"License_Expression": "GPL-2.0-or-later OR MIT"}, "GPL-2.0-or-later OR MIT", True),
        ({"License": "UNKNOWN"}, "", False),
        ({}, "", False),
    ],
)  # fmt: skip
def test_licences_are_read_from_what_packages_say(fields, licence, welcome):
    found = supply.licence_of(about(**fields))
    assert found == licence
    assert (supply.unwelcome(supply.Package("x", "1", (), found, ())) == "") is welcome


def test_the_bill_of_materials_is_complete_and_the_same_each_time(packages):
    text = supply.sbom()
    assert text == supply.sbom()
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {c["name"] for c in bill["components"]} == {p.name for p in packages} == set(supply.locked())
    assert all(c["hashes"] and c["licenses"][0]["expression"] for c in bill["components"])
    refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {d["ref"] for d in bill["dependencies"]} == refs
    assert {r for d in bill["dependencies"] for r in d["dependsOn"]} <= refs
    needed = {c["name"] for c in bill["components"] if c["scope"] == "required"}
    assert {"pandas", "numpy", "typst"} <= needed and not {"pytest", "mypy", "distributed"} & needed
    assert "timestamp" not in text and "/home" not in text


SECRETS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "cloud key": "id = AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "x" * 20,
    "chat token": "xoxb-" + "1" * 12,
    "registry token": "pypi-" + "A" * 50,
    "API key": "sk-" + "a" * 30,
    "web token": "eyJhbGciOiJI" + "UzI1.eyJzdWIiOiIxMjM0.abcdef",
    "password in an address": "postgres://user:pass@host/db",
    "password written down": 'password = "' + 'correct-horse"',
    "random word": "f = Zm9vYmFyMTIzNDU2Nzg5QUJDREVGR0hJSktMTU5PUA",
}


@pytest.mark.parametrize(("kind", "line"), SECRETS.items())
def test_secrets_are_told_by_their_looks(kind, line):
    assert (1, kind) in supply.secrets_in(line)


@pytest.mark.parametrize(
    "line",
    ["6f1ed002ab5595859014ebf0951522d9ff2ae7f0aaaaaaaaaaaaaaaaaaaaaaaa", "a" * 64, "token = row.token",
     "https://www.itl.nist.gov/div898/strd/univ/homepage.html", "key = os.environ['COMMLAB_KEY']",
     "test_what_a_very_long_name_of_a_test_says_is_no_secret_at_all", 'secret: "short"'],
)  # fmt: skip
def test_what_is_no_secret_is_left_alone(line):
    assert not list(supply.secrets_in(line))


def test_the_repository_holds_no_secret():
    assert len(supply.tree()) > 300
    assert not supply.secrets()


def test_a_secret_in_a_folder_without_git_is_found(tmp_path: Path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text(f"first\n{SECRETS['GitHub token']}\n", encoding="utf-8")
    assert supply.secrets(tmp_path) == ["notes/a.txt:2: GitHub token"]
