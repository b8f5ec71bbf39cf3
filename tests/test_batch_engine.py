"""batch.engine: notebooks in forks of one process behave as in kernels, apart from each other, and end cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from papermill.exceptions import PapermillExecutionError

from commlab.batch.engine import forked
from commlab.batch.engine.client import CallError, EngineError, Zygote, available, told_status
from commlab.batch.notebooks import clean, first_error

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available(), reason="the fork engine is for Linux; kernels are used elsewhere"),
]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    forked.register()
    with Zygote(["pandas", "matplotlib.pyplot"]) as one:
        one.wait_ready()
        yield one


def notebook(*cells: str) -> Any:
    nb = new_notebook(cells=[new_code_cell(c) for c in cells])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nb


def execute(zygote: Zygote | None, *cells: str, **options: Any) -> Any:
    return papermill.execute_notebook(
        notebook(*cells),
        None,
        engine_name=forked.NAME if zygote else None,
        kernel_name="python3",
        progress_bar=False,
        **({"zygote": zygote} if zygote else {}),
        **options,
    )


def fails(zygote: Zygote, tmp_path: Path, *cells: str, **options: Any) -> tuple[PapermillExecutionError, Any]:
    """Run a notebook that fails; the error, and the notebook as papermill saved it."""
    path = tmp_path / "failed.ipynb"
    with pytest.raises(PapermillExecutionError) as error:
        papermill.execute_notebook(
            notebook(*cells),
            str(path),
            engine_name=forked.NAME,
            kernel_name="python3",
            progress_bar=False,
            zygote=zygote,
            **options,
        )
    return error.value, nbformat.read(path, as_version=4)


def texts(nb: Any) -> list[list[Any]]:
    """Outputs in short: text of streams and of values."""
    return [
        [o.get("text", o.get("data", {}).get("text/plain", o.get("ename"))) for o in c.outputs]
        for c in nb.cells
        if c.cell_type == "code"
    ]


# ------------------------------------------------------------------------------------------------- outputs
SHOWN = [
    "1 + 1",
    "print('a'); print('b', end='')",
    "import sys; print('out'); print('err', file=sys.stderr); print('out')",
    "from IPython.display import display, clear_output, update_display, Markdown; display({'a': 1}, display_id='x');",
    "print('gone'); clear_output(); print('stays')",
    "print('replaced'); clear_output(wait=True); print('by this')",
    "update_display({'a': 2}, display_id='x'); print('end')",
    "!echo from a shell",
    "import warnings; warnings.warn('careful')",
    "_ = 5; [In[1], Out[1], _3 if '_3' in dir() else None]",
    "await __import__('asyncio').sleep(0, 'awaited')",
    "%%capture kept\nprint('caught')",
    "kept.stdout",
    "import pandas as pd; pd.DataFrame({'社区': ['翠湖'], 'n': [1]})",
    "import matplotlib.pyplot as plt; plt.plot([1, 2]); None",
    "class A:\n    def __repr__(self): return 'one of A'\nimport pickle; pickle.loads(pickle.dumps(A()))",
    "display(Markdown('**x**')); 'last'",
    "pd.DataFrame({f'a column of some width {k}': [k] for k in range(12)})",  # wider than a terminal
]


@pytest.mark.slow
def test_outputs_equal_those_of_an_ordinary_kernel(zygote: Zygote) -> None:
    forks, kernel = (
        execute(zygote, *SHOWN),
        execute(None, *SHOWN, extra_arguments=["--Application.log_level=40"]),
    )
    ours, theirs = clean(forks, {}), clean(kernel, {})
    for mine, other in zip(ours.cells, theirs.cells, strict=True):
        assert mine == other
    assert ours == theirs
    # ... and they say what they should.
    assert texts(ours)[:3] == [["2"], ["a\nb"], ["out\nout\n", "err\n"]]
    assert texts(ours)[3:7] == [["{'a': 2}"], ["stays\n"], ["by this\n"], ["end\n"]]
    assert "image/png" in ours.cells[14].outputs[0].data


def test_what_goes_round_python_is_caught(zygote: Zygote) -> None:
    nb = execute(
        zygote,
        "import os; n = os.write(1, b'past python\\n')",
        "import subprocess; done = subprocess.run(['sh', '-c', 'echo from a child; echo aside >&2'])",
    )
    assert texts(nb) == [["past python\n"], ["from a child\n", "aside\n"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "simple_execute",
        "broken1",
        "broken2",
        "line_magic_error",
        "result_no_exec",
        "sysexit1",
        "complex_parameters",
    ],
)
def test_papermills_own_notebooks_give_the_same(zygote: Zygote, name: str) -> None:
    import papermill.tests

    path = f"{os.path.dirname(papermill.tests.__file__)}/notebooks/{name}.ipynb"
    found = []
    for options in (
        {"engine_name": forked.NAME, "zygote": zygote},
        {"extra_arguments": ["--Application.log_level=40"]},
    ):
        try:
            nb = papermill.execute_notebook(path, None, kernel_name="python3", progress_bar=False, **options)
            found.append(clean(nb, {}).cells)
        except PapermillExecutionError as error:
            found.append((error.ename, error.evalue, error.exec_count, error.cell_index, error.traceback))
    assert found[0] == found[1]


def test_no_figure_vanishes_in_any_fork(zygote: Zygote) -> None:
    cells = [
        "import matplotlib.pyplot as plt\nplt.figure()\nplt.plot([1, 2])\nplt.title('五 1')\nplt.figure()\nplt.bar([1], [2]);",
        "plt.show()",
        "fig, ax = plt.subplots()",
    ]
    pictures = []
    for _ in range(3):
        nb = execute(zygote, *cells)
        pictures.append(
            [o.data["image/png"] for c in nb.cells for o in c.outputs if "image/png" in o.get("data", {})]
        )
    assert len(pictures[0]) == 3
    assert pictures[0] == pictures[1] == pictures[2]


# ------------------------------------------------------------------------------------------------ isolation
LEAKS = {
    "variable": ("leaked = 1", "'leaked' not in globals()"),
    "builtin": ("import builtins; builtins.leaked = 1", "not hasattr(__import__('builtins'), 'leaked')"),
    "environment": ("import os; os.environ['LEAKED'] = '1'", "'LEAKED' not in __import__('os').environ"),
    "folder": ("import os; os.chdir('/')", "__import__('os').getcwd() != '/'"),
    "umask": ("import os; os.umask(0o077)", "(lambda u: (__import__('os').umask(u), u)[1])(__import__('os').umask(0)) != 0o077"),
    "sys.path": ("import sys; sys.path.insert(0, '/leaked')", "'/leaked' not in __import__('sys').path"),
    "sys.argv": ("import sys; sys.argv.append('leaked')", "'leaked' not in __import__('sys').argv"),
    "module": ("import sys, types; sys.modules['leaked'] = types.ModuleType('leaked')", "'leaked' not in __import__('sys').modules"),
    "patched module": ("import json; json.dumps = None", "__import__('json').dumps is not None"),
    "rcParams": ("import matplotlib as m; m.rcParams['font.size'] = 77", "__import__('matplotlib').rcParams['font.size'] != 77"),
    "open figure": ("import matplotlib.pyplot as plt; plt.figure(99)", "99 not in __import__('matplotlib.pyplot').pyplot.get_fignums()"),
    "pandas option": ("import pandas; pandas.set_option('display.max_rows', 7)", "__import__('pandas').get_option('display.max_rows') != 7"),
    "numpy print": ("import numpy; numpy.set_printoptions(precision=1)", "__import__('numpy').get_printoptions()['precision'] != 1"),
    "numpy errors": ("import numpy; numpy.seterr(all='raise')", "__import__('numpy').geterr()['divide'] != 'raise'"),
    "warning filter": ("import warnings; warnings.filterwarnings('ignore', message='leaked')", "not any('leaked' in str(f[1]) for f in __import__('warnings').filters)"),
    "recursion limit": ("import sys; sys.setrecursionlimit(777)", "__import__('sys').getrecursionlimit() != 777"),
    "decimal": ("import decimal; decimal.getcontext().prec = 3", "__import__('decimal').getcontext().prec != 3"),
    "locale": ("import locale; locale.setlocale(locale.LC_NUMERIC, 'C'); locale.leaked = 1", "not hasattr(__import__('locale'), 'leaked')"),
    "logging": ("import logging; logging.getLogger().setLevel(1)", "__import__('logging').getLogger().level != 1"),
    "signal": ("import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "__import__('signal').getsignal(__import__('signal').SIGUSR1) == __import__('signal').SIG_DFL"),
    "stdout": ("import sys; sys.stdout = None", "__import__('sys').stdout is not None"),
    "display hook": ("import sys; sys.excepthook = None", "__import__('sys').excepthook is not None"),
    "collector": ("import gc; gc.disable()", "__import__('gc').isenabled()"),
    "thread": ("import threading, time; threading.Thread(target=time.sleep, args=(30,), daemon=True).start()", "__import__('threading').active_count() == 1"),
    "history": ("marker = 'leaked'", "not any('marker' in line for line in In[:-1])"),
    "count": ("1", "len(In) <= 4"),
    "seed": ("import numpy, random; numpy.random.seed(1); random.seed(1)", "True"),
}  # fmt: skip


def test_nothing_leaks_from_one_report_into_the_next(zygote: Zygote) -> None:
    for cell, _ in LEAKS.values():
        execute(zygote, cell)
    execute(zygote, *(cell for name, (cell, _) in LEAKS.items() if name != "stdout"))
    probes = [f"({name!r}, {probe})" for name, (_, probe) in LEAKS.items() if name != "history"]
    nb = execute(zygote, LEAKS["history"][1], f"[name for name, fine in [{', '.join(probes)}] if not fine]")
    assert texts(nb) == [["True"], ["[]"]]


def test_global_generators_differ_between_forks(zygote: Zygote) -> None:
    cell = "import numpy, random; (numpy.random.rand(), random.random(), numpy.random.default_rng().random())"
    drawn = {texts(execute(zygote, cell))[0][0] for _ in range(3)}
    assert len(drawn) == 3


def test_environment_and_folder_are_those_of_the_caller(
    zygote: Zygote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMLAB_TEST", "五华区")
    nb = execute(zygote, "import os; print(os.getcwd(), os.environ['COMMLAB_TEST'])", run_folder=tmp_path)
    assert texts(nb) == [[f"{tmp_path} 五华区\n"]]
    assert os.getcwd() != str(tmp_path)


# --------------------------------------------------------------------------------------------------- errors
def test_an_error_stops_the_notebook_where_it_happened(zygote: Zygote, tmp_path: Path) -> None:
    error, saved = fails(zygote, tmp_path, "print('before'); 1/0", "print('never')")
    assert (error.ename, error.exec_count) == ("ZeroDivisionError", 1)
    assert "division by zero" in error.traceback[-1]
    found = first_error(saved)
    assert found is not None and (found["cell"], found["ename"]) == (1, "ZeroDivisionError")
    assert [c.outputs for c in saved.cells if "never" in c.source] == [[]]


def test_an_expected_error_does_not_stop_it(zygote: Zygote, tmp_path: Path) -> None:
    nb = notebook("1/0", "print('after')")
    nb.cells[0].metadata["tags"] = ["raises-exception"]
    path = tmp_path / "x.ipynb"
    options = {"engine_name": forked.NAME, "kernel_name": "python3", "zygote": zygote, "progress_bar": False}
    with pytest.raises(PapermillExecutionError):  # papermill's own rule: an error output is an error
        papermill.execute_notebook(nb, str(path), **options)
    assert texts(nbformat.read(path, as_version=4))[-1] == ["after\n"]


@pytest.mark.parametrize(
    ("cell", "ename", "says"),
    [
        ("import os, signal; print('before', flush=True); os.kill(os.getpid(), signal.SIGKILL)", "DeadKernelError", "killed by SIGKILL"),
        ("import ctypes; print('before'); ctypes.string_at(0)", "DeadKernelError", "killed by SIGSEGV"),
        ("import os; print('before'); os._exit(3)", "DeadKernelError", "exit status 3"),
        ("print('before'); input('name? ')", "StdinNotImplementedError", "does not support input"),
    ],
)  # fmt: skip
def test_a_report_that_dies_leaves_its_prints_and_the_others_alone(
    zygote: Zygote, tmp_path: Path, cell: str, ename: str, says: str
) -> None:
    error, saved = fails(zygote, tmp_path, "x = 1", cell, "never = 1")
    assert error.ename == ename and says in error.evalue
    outputs = next(c.outputs for c in saved.cells if "before" in c.source)
    assert outputs[0].text == "before\n"
    assert texts(execute(zygote, "2 + 2")) == [["4"]]


def test_exit_in_a_cell_ends_the_notebook(zygote: Zygote, tmp_path: Path) -> None:
    error, _ = fails(zygote, tmp_path, "exit()", "never = 1")
    assert error.ename == "DeadKernelError"


@pytest.mark.parametrize(
    "cell",
    [
        "while True: pass",
        "import time\nwhile True:\n    try: time.sleep(9)\n    except KeyboardInterrupt: pass",
    ],
)
def test_a_cell_that_takes_too_long_is_interrupted_then_killed(
    zygote: Zygote, tmp_path: Path, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked, "_GRACE", 0.3)
    error, _ = fails(zygote, tmp_path, "x = 1", cell, execution_timeout=0.3)
    assert (error.ename, error.evalue) == ("CellTimeoutError", "A cell timed out after 0.3 seconds.")


def test_memory_has_a_ceiling(zygote: Zygote, tmp_path: Path) -> None:
    assert texts(execute(zygote, "x = bytearray(50 * 2**20); len(x)", memory=200)) == [["52428800"]]
    error, _ = fails(zygote, tmp_path, "x = bytearray(400 * 2**20)", memory=200)
    assert error.ename == "MemoryError"


# -------------------------------------------------------------------------------------------- calls, the end
def test_calls_return_raise_and_die(zygote: Zygote, tmp_path: Path) -> None:
    assert zygote.call("math", "factorial", 20) == 2432902008176640000
    assert zygote.call("os", "getcwd", folder=tmp_path) == str(tmp_path)
    assert len(zygote.call("json", "loads", "[" + "1," * 1_500_000 + "1]")) == 1_500_001
    with pytest.raises(CallError, match="not JSON serializable"):
        zygote.call("os", "urandom", 3)
    with pytest.raises(CallError, match="factorial") as error:
        zygote.call("math", "factorial", -1)
    assert error.value.name == "ValueError" and "Traceback" in error.value.trace
    with pytest.raises(EngineError, match="exit status 7"):
        zygote.call("os", "_exit", 7)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(*pids: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(alive(p) for p in pids):
            return True
        time.sleep(0.02)
    return False


def test_what_a_report_started_ends_with_it(zygote: Zygote) -> None:
    nb = execute(
        zygote,
        "import subprocess, os; a = subprocess.Popen(['sleep', '60']); b = os.fork()\n"
        "if b == 0:\n    import time; time.sleep(60); os._exit(0)",
        "print(a.pid, b)",
    )
    pids = [int(p) for p in texts(nb)[1][0].split()]
    assert gone(*pids)


def test_a_zygote_of_its_own_leaves_nothing_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    forked.register()
    nb = papermill.execute_notebook(
        notebook("import os; print(os.getppid(), os.getpid())"),
        None,
        engine_name=forked.NAME,
        kernel_name="python3",
        progress_bar=False,
    )
    assert gone(*(int(p) for p in texts(nb)[0][0].split()))
    assert set(os.listdir("/proc/self/fd")) <= before


def test_when_the_zygote_is_killed_its_reports_end_and_say_so(tmp_path: Path) -> None:
    forked.register()
    with Zygote() as one:
        cell = "import os, time; print(os.getpid(), flush=True); os.kill(os.getppid(), 9); time.sleep(60)"
        error, saved = fails(one, tmp_path, cell)
        assert error.ename == "DeadKernelError" and "the forking process was killed" in error.evalue
        assert gone(int(next(c.outputs[0].text for c in saved.cells if c.source == cell)))
        assert not one.alive
        with pytest.raises(EngineError, match="is gone"):
            one.start({"cells": [], "folder": "."})


def test_a_zygote_that_cannot_import_says_why() -> None:
    with (
        Zygote(["no_such_module"]) as one,
        pytest.raises(EngineError, match="No module named 'no_such_module'"),
    ):
        one.wait_ready()


_PARENT = """
import sys, papermill
from commlab.batch.engine import forked
from commlab.batch.engine.client import Zygote
from nbformat.v4 import new_code_cell, new_notebook
forked.register()
with Zygote() as z:
    z.wait_ready()
    print(z.process.pid, flush=True)
    cell = f"import os, time; open({sys.argv[1]!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    nb = new_notebook(cells=[new_code_cell(cell)])
    papermill.execute_notebook(nb, None, engine_name=forked.NAME, kernel_name="python3", zygote=z)
"""


def test_when_papermills_process_is_killed_everything_ends(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(note)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    zygote_pid = int(parent.stdout.readline())
    until = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    pids = (zygote_pid, int(note.read_text()))
    assert all(alive(p) for p in pids)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert gone(*pids)


def test_the_status_of_a_process_in_words() -> None:
    assert told_status(-11) == "killed by SIGSEGV"
    assert told_status(0) == "exit status 0"
