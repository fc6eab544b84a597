from __future__ import annotations

import os
import subprocess
import sys

import pytest

from semtrace.parallel import processes
from semtrace.parallel.processes import Crashed, map_images


def double(x: int) -> int:
    return 2 * x


def die_at_thirteen(x: int) -> int:
    if x == 13:
        os._exit(139)
    return x


def fail_at_three(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_results_come_in_order_whatever_the_workers(workers, chunk):
    assert list(map_images(double, range(40), workers=workers, what="t", chunk=chunk)) == list(range(0, 80, 2))


def test_nothing_to_do():
    assert list(map_images(double, [], workers=2, what="t")) == []


def test_a_dead_worker_loses_no_other_image():
    results = list(map_images(die_at_thirteen, range(40), workers=2, what="t", chunk=4))
    assert isinstance(results[13], Crashed)
    assert results[:13] + results[14:] == [x for x in range(40) if x != 13]


def test_an_exception_ends_the_map():
    with pytest.raises(ValueError, match="three"):
        list(map_images(fail_at_three, range(40), workers=2, what="t", chunk=1))


PLAIN = """
import threading
from math import factorial
from semtrace.parallel.processes import map_images
print("the script runs")
wait = threading.Event()
threading.Thread(target=wait.wait).start()  # so that no worker is forked
print(list(map_images(factorial, [3, 4], workers=1, what="t")))
wait.set()
"""


@pytest.mark.parametrize("from_file", [True, False])
def test_a_plain_script_is_not_run_again_in_workers(tmp_path, from_file):
    """A person's script has no `if __name__ == "__main__"`; one that is typed in has no file at all."""
    (tmp_path / "plain.py").write_text(PLAIN)
    words, typed = (["plain.py"], "") if from_file else (["-"], PLAIN)
    done = subprocess.run([sys.executable, *words], input=typed, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "the script runs\n[6, 24]\n", done.stderr


def test_the_server_that_workers_of_tests_come_from_can_load_all_it_names():
    """The server passes over a module that it cannot import, and all workers would silently be slow again."""
    done = subprocess.run([sys.executable, "-c", "import tests.warm_workers"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_progress_in_a_log_counts_what_is_made(monkeypatch, capsys):
    monkeypatch.setattr(processes, "_LOG_SECONDS", -1)
    assert list(processes.progress("ab", 2, "autoencoders", "model")) == ["a", "b"]
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("autoencoders: 1/2, ")
    assert "models/s, 0 s left" in last
