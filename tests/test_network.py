"""No network at run time: every socket but the kernel's loopback is refused, and a report is made all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests import sockets

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="sockets of other processes are looked at in /proc"
)
REPORT = ("report", "2019Q4", "--unit", "五华区", "--formats", "html", "--workers", "1", "--force")


def run(
    folder: Path, command: list[str], root: Path
) -> tuple[subprocess.CompletedProcess[str], sockets.Sampler]:
    more = sockets.guarded(folder)
    more["PYTHONPATH"] += os.pathsep + str(Path(__file__).resolve().parents[1])
    runtime = folder / "runtime"
    runtime.mkdir()
    process = subprocess.Popen(
        command,
        cwd=root,
        env=os.environ | more | {"JUPYTER_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sampler = sockets.Sampler(process.pid, runtime)
    try:
        said, _ = process.communicate(timeout=300)
    finally:
        sampler.stop()
    return subprocess.CompletedProcess(command, process.returncode, said, ""), sampler


def test_the_guard_refuses_what_leaves_the_machine(tmp_path):
    tried = """
import socket
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), 0.1),
    lambda: socket.getaddrinfo("example.org", 443),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    lambda: socket.socket().bind(("0.0.0.0", 0)),
    lambda: __import__("urllib.request").request.urlopen("http://example.org"),
):
    try:
        attempt()
    except PermissionError:
        print("refused")
    except OSError as error:
        print("refused" if isinstance(error.__cause__ or getattr(error, "reason", None), PermissionError) else error)
socket.socket().bind(("127.0.0.1", 0))
socket.socketpair()
"""
    done, _ = run(tmp_path, [sys.executable, "-W", "ignore", "-c", tried], tmp_path)
    assert done.stdout.split() == ["refused"] * 5 and done.returncode == 0
    assert ("socket.bind", "('127.0.0.1', 0)") in sockets.noted(tmp_path)


@linux
def test_a_report_needs_no_socket_with_a_port(tiny, tmp_path):
    root = tmp_path / "study"
    shutil.copytree(tiny, root)
    done, sampler = run(tmp_path, [sys.executable, "-m", "commlab", "--study", str(root), *REPORT], root)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (root / "reports" / "2019Q4" / "五华区" / "report.html").exists()
    # one process and its forks; urllib3 (papermill imports it) asks once whether there is IPv6, and closes
    assert set(sockets.noted(tmp_path)) <= {("socket.bind", "('::1', 0)")}
    assert not sampler.sockets and not sampler.keys


@linux
def test_a_kernel_listens_on_this_machine_alone_and_signs(tmp_path):
    """``--engine kernel`` is papermill's ordinary kernel."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import time; time.sleep(1)\n1 + 1")])
    nbformat.write(book, tmp_path / "in.ipynb")
    code = "import papermill; papermill.execute_notebook('in.ipynb', 'out.ipynb', kernel_name='python3', progress_bar=False)"
    done, sampler = run(tmp_path, [sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert not [address for event, address in sockets.noted(tmp_path) if event == "refused"]
    assert sampler.sockets and sampler.sockets <= sockets.LOOPBACK
    # each message is signed with a key that only the owner of the process can read
    assert set(sampler.keys) == {("127.0.0.1", "hmac-sha256", True, 0o600)}
