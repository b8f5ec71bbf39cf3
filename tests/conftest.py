"""One tiny study for all tests: written, read and computed once a run, then copied where a test changes it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's own folder, itself a study."""
    return ROOT


@pytest.fixture(scope="session")
def tiny_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study as files: 3 districts, 12 communities, two quarters; nothing read yet."""
    from tools.sample_study import write_study

    root = tmp_path_factory.mktemp("study") / "tiny"
    write_study(root, size="tiny")
    notebooks = root / "notebooks"
    if not notebooks.exists():
        shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return root


@pytest.fixture(scope="session")
def tiny(tiny_raw: Path) -> Path:
    """The tiny study, checked, with the city stage of its newest quarter. Do not write into it."""
    import commlab as cl

    study = cl.open_study(tiny_raw)
    study.check()
    study.period().build()
    return tiny_raw


@pytest.fixture
def tiny_copy(tiny_raw: Path, tmp_path: Path) -> Path:
    """A copy of the tiny study's files, for tests that spoil them."""
    target = tmp_path / "study"
    shutil.copytree(tiny_raw, target, ignore=shutil.ignore_patterns("processed"))
    return target


# Modules whose tests take seconds each: laws with many examples, whole runs, pages rendered. `make check` leaves them out.
SLOW = {
    "test_batch",
    "test_batch_cluster",
    "test_check_command",
    "test_check_files",
    "test_disclosure",
    "test_docs_site",
    "test_file_formats",
    "test_forms",
    "test_groups",
    "test_hostile",
    "test_init",
    "test_laws_intake",
    "test_laws_scoring",
    "test_laws_weights",
    "test_mapping",
    "test_moved",
    "test_moved_survey",
    "test_naming",
    "test_network",
    "test_numbers",
    "test_numbers_extreme",
    "test_questionnaire",
    "test_release",
    "test_report_pages",
    "test_sample_study",
    "test_shown",
    "test_studies",
    "test_study",
    "test_survey_planning",
    "test_templates",
    "test_traceable",
    "test_typed",
    "test_verdicts",
    "test_weights_book",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
