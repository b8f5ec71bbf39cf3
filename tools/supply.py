"""What commlab is made of: a bill of materials, the licences, and a search for secrets in the tree.

Usage: python tools/supply.py sbom [--output FILE] | licences [--output FILE] | secrets

``sbom`` writes CycloneDX 1.6 from requirements.lock (names, versions, hashes), the installed metadata (licences, who needs
whom) and pyproject.toml; the same lock and packages give the same bytes. ``licences`` writes the list licences.csv.
``secrets`` looks through every file of the repository; exit code 1 where something is found. ``tests/test_supply.py`` holds
all three.
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata as metadata
import io
import json
import math
import re
import subprocess
import sys
import tomllib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
LICENCES = ROOT / "licences.csv"

# What older packages say in words, as SPDX says it (https://spdx.org/licenses). A text that begins with one of these is it.
WORDS = {
    "apache": "Apache-2.0",
    "mit": "MIT",
    "bsd-3": "BSD-3-Clause",
    "bsd 3": "BSD-3-Clause",
    "bsd-2": "BSD-2-Clause",
    "bsd 2": "BSD-2-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "bsd": "BSD-3-Clause",
    "isc": "ISC",
    "psf": "PSF-2.0",
    "python software foundation": "PSF-2.0",
    "mozilla public license 2.0": "MPL-2.0",
    "mpl-2.0": "MPL-2.0",
    "sil open font license": "OFL-1.1",
    "the unlicense": "Unlicense",
    "gnu affero": "AGPL-3.0-or-later",
    "gnu lesser": "LGPL-2.1-or-later",
    "gnu general": "GPL-2.0-or-later",
    "gpl": "GPL-2.0-or-later",
    "lgpl": "LGPL-2.1-or-later",
    "agpl": "AGPL-3.0-or-later",
}
# Licences under which a package may be imported beside MIT code, with nothing to do but to keep their notices. MPL-2.0
# covers the files of the package alone, which commlab does not change; OFL-1.1 is a font's.
WELCOME = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0",
    "OFL-1.1", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip


def same_name(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Package:
    """A package of the lock. ``licence`` is an SPDX expression, "" where the package does not tell."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str
    needs: tuple[str, ...]


def locked(lock: Path = LOCK) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name -> version and sha256 digests, from a lock with hashes.

    Raises
    ------
    ValueError
        If a line is neither a pinned package nor a hash.
    """
    out: dict[str, tuple[str, tuple[str, ...]]] = {}
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        name, equals, version = words[0].partition("==")
        digests = [w.removeprefix("--hash=sha256:") for w in words[1:] if w.startswith("--hash=sha256:")]
        rest = [w for w in line.partition(";")[0].split()[1:] if not w.startswith("--hash=sha256:")]
        if (
            not (name and equals and version)
            or rest
            or not all(re.fullmatch("[0-9a-f]{64}", d) for d in digests)
        ):
            raise ValueError(f"{lock.name}: not a pinned package with hashes: {line[:80]}")
        out[same_name(name)] = version.rstrip(";"), tuple(sorted(digests))
    return out


def licence_of(about: metadata.PackageMetadata) -> str:
    """The licence that a package declares, as SPDX; its expression first, then classifiers, then words."""
    if "License-Expression" in about:
        return about["License-Expression"]
    told = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    found = {spdx for text in told if (spdx := _spdx(text))}
    # "BSD License" does not say which; the words may.
    words = _spdx(" ".join(about["License"].split())) if "License" in about else ""
    if not found or (words.startswith("BSD") and found == {"BSD-3-Clause"}):
        found = {words} if words else found
    return " AND ".join(sorted(found))


def _spdx(text: str) -> str:
    lowered = text.lower()
    parts = re.split(r"\s+and\s+", lowered) if len(lowered) < 40 else [lowered]
    found = [
        next((WORDS[w] for w in sorted(WORDS, key=len, reverse=True) if p.startswith(w)), "") for p in parts
    ]
    if all(found):
        return " AND ".join(dict.fromkeys(found))
    for words, spdx in WORDS.items():  # "This Font Software is licensed under the SIL Open Font License"
        if len(words) > 8 and words in lowered:
            return spdx
    return "MIT-CMU" if "hpnd" in lowered else ""


def packages() -> list[Package]:
    """Every package of the lock with what its installed copy tells.

    Raises
    ------
    LookupError
        If the environment is not the lock's: something is missing, or has another version.
    """
    out, odd = [], []
    pinned = locked()
    installed = {same_name(d.name): d for d in metadata.distributions()}
    for name, (version, hashes) in sorted(pinned.items()):
        found = installed.get(name)
        if found is None or found.version != version:
            odd.append(f"{name} {version} (installed: {found.version if found else 'no'})")
            continue
        needs = {same_name(r.name) for r in map(Requirement, found.requires or ()) if _meant(r)}
        needs = {n for n in needs if n in pinned and n != name}
        out.append(Package(name, version, hashes, licence_of(found.metadata), tuple(sorted(needs))))
    if odd:
        raise LookupError(f"the environment is not that of the lock: {', '.join(odd)}; run: make env")
    return out


def _meant(requirement: Requirement) -> bool:
    """Whether it is needed here: on this system, without extras."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def terms(expression: str) -> set[str]:
    """The licences that an SPDX expression names."""
    return {t for t in re.split(r"[\s()]+", expression) if t and t not in ("AND", "OR", "WITH")}


def unwelcome(package: Package) -> str:
    """Why a package may not be imported; "" where it may. Of licences to choose from, one that is welcome is enough."""
    if not package.licence:
        return f"{package.name} does not tell its licence"
    choices = re.split(r"\s+OR\s+", package.licence)
    if any(terms(c) <= WELCOME for c in choices):
        return ""
    return f"{package.name} is under {package.licence}"


def _used_for(found: list[Package]) -> dict[str, str]:
    """Name -> run (a study needs it), cluster, or develop (tests, checks, handbook)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = {p.name: p.needs for p in found}

    def reached(requirements: list[str]) -> set[str]:
        left = [same_name(Requirement(r).name) for r in requirements]
        seen: set[str] = set()
        while left:
            name = left.pop()
            if name in needs and name not in seen:
                seen.add(name)
                left += needs[name]
        return seen

    run = reached(project["dependencies"])
    cluster = reached(project["optional-dependencies"]["cluster"])
    return {n: "run" if n in run else "cluster" if n in cluster else "develop" for n in needs}


def sbom() -> str:
    """The bill of materials as CycloneDX 1.6 JSON; no clock and no place in it."""
    found = packages()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    used = _used_for(found)
    own = f"pkg:pypi/{project['name']}@{project['version']}"

    def purl(name: str, version: str) -> str:
        return f"pkg:pypi/{name}@{version}"

    refs = {p.name: purl(p.name, p.version) for p in found}
    components = [
        {
            "type": "library",
            "bom-ref": refs[p.name],
            "name": p.name,
            "version": p.version,
            "scope": "required" if used[p.name] == "run" else "optional",
            "hashes": [{"alg": "SHA-256", "content": h} for h in p.hashes],
            "licenses": [{"expression": p.licence}],
            "purl": refs[p.name],
        }
        for p in found
    ]
    direct = sorted(refs[n] for r in project["dependencies"] if (n := same_name(Requirement(r).name)) in refs)
    dependencies = [{"ref": own, "dependsOn": direct}] + [
        {"ref": refs[p.name], "dependsOn": [refs[n] for n in p.needs]} for p in found
    ]
    body = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
                "purl": own,
            },
            "tools": {"components": [{"type": "application", "name": "tools/supply.py"}]},
        },
        "components": components,
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    head = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
    }
    return json.dumps(head | body, indent=1) + "\n"


def licences() -> str:
    """The list of licences as CSV: package, version, licence, used for."""
    found = packages()
    used = _used_for(found)
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["package", "version", "licence", "used_for"])
    rows.writerows([p.name, p.version, p.licence, used[p.name]] for p in found)
    return out.getvalue()


# -- secrets ---------------------------------------------------------------------------------------------

PATTERNS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "cloud key": r"\b(?:AKIA|ASIA|LTAI|AKID)[0-9A-Za-z]{12,}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}\b",
    "chat token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b",
    "registry token": r"\bpypi-[A-Za-z0-9_-]{40,}\b|\bnpm_[A-Za-z0-9]{30,}\b|\bhf_[A-Za-z]{30,}\b",
    "API key": r"\bsk-[A-Za-z0-9_-]{20,}\b|\bAIza[0-9A-Za-z_-]{30,}\b",
    "web token": r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}",
    "password in an address": r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'{}<>]+:[^\s/:@\"'{}<>]+@[\w.-]+",
    "password written down": r"(?i)\b(?:password|passwd|secret|token|api_?key|commlab_key)\b[\"']?\s*[:=]\s*[\"'][^\"'\s{}]{8,}[\"']",
}
"""Kinds of secrets that can be told by their looks."""
RANDOM = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/=_-])")
ENOUGH = 4.5
"""Bits a character from which a long word is random and not language (hexadecimal digests have 4, English words 3.9)."""
NOT_SECRET = {
    "requirements.lock": "digests of packages",
    "licences.csv": "names and versions",
    "tests/test_supply.py": "the samples of this search",
    "tests/reference/attacks.yaml": "hostile strings, some of them encoded",
    "tools/tortured/looked.py": "a canary that is looked for",
}
SKIPPED = {".venv", ".git", "build", "site", "reports", "release", "examples", "figures", "__pycache__"}


def entropy(text: str) -> float:
    """Bits a character (Shannon 1948)."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """Line and kind of everything that looks like a secret."""
    patterns = {kind: p for kind, p in PATTERNS.items() if re.search(p, text)}
    if not patterns and not RANDOM.search(text):
        return
    for number, line in enumerate(text.splitlines(), 1):
        kinds = [kind for kind, pattern in patterns.items() if re.search(pattern, line)]
        if not kinds and any(_random(m.group()) for m in RANDOM.finditer(line)):
            kinds = ["random word"]
        for kind in kinds:
            yield number, kind


def _random(word: str) -> bool:
    mixed = re.search("[a-z]", word) and re.search("[A-Z]", word) and re.search("[0-9]", word)
    return bool(mixed) and entropy(word) >= ENOUGH


def tree(root: Path = ROOT) -> list[Path]:
    """Files that are or could be committed: what git lists, or all but what is made again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
        return sorted(p for n in names if n and (p := root / n).is_file())
    return sorted(p for p in root.rglob("*") if p.is_file() and not SKIPPED & set(p.relative_to(root).parts))


def secrets(root: Path = ROOT) -> list[str]:
    """``path:line: kind`` of everything in the tree that looks like a secret."""
    out = []
    for path in tree(root):
        name = path.relative_to(root).as_posix()
        if name in NOT_SECRET:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if "\0" not in text[:4096]:
            out += [f"{name}:{line}: {kind}" for line, kind in secrets_in(text)]
        elif "PRIVATE KEY" in text:
            out.append(f"{name}: private key")
    return out


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("sbom", "licences", "secrets"))
    parser.add_argument("--output", type=Path, help="file to write (default: print)")
    options = parser.parse_args(arguments)
    if options.what == "secrets":
        found = secrets()
        print("\n".join(found) if found else f"no secrets in {len(tree())} files")
        return int(bool(found))
    text = sbom() if options.what == "sbom" else licences()
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
        print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
