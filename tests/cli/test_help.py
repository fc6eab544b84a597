"""Help, version and completion, as a person at a prompt meets them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from semtrace import __version__
from semtrace.cli import help_text
from semtrace.cli.main import main


def helped(capsys, *words: str) -> str:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*words, "--help"])
    return capsys.readouterr().out


def test_nothing_is_answered_by_help(capsys):
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert bare == helped(capsys)
    assert "Start:\n    init " in bare
    assert "More:" not in bare, "a verb stands in no group of cli/help_text.py"


@pytest.mark.parametrize("words", [["completion", "bash"], ["--help"]])
def test_a_reader_who_has_seen_enough_gets_no_traceback(words):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "semtrace.cli", *words]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
    assert done.returncode in (0, 141)  # argparse says 0 of its help
    # work that stopped is said; help that was not read to its end is nothing to speak of
    assert ("its reader is gone; the work stopped" in done.stderr) == (words != ["--help"])


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"semtrace {__version__}\n"


@pytest.mark.parametrize("verb", sorted(name for names in help_text.GROUPS.values() for name in names))
def test_every_verb_has_an_example_and_says_what_it_reads_and_writes(verb, capsys):
    end = helped(capsys, verb).partition("example:\n")[2]
    assert end.strip().startswith(f"semtrace {verb}")
    reads, writes = end.partition("reads:  ")[2].split("\nwrites: ")
    assert reads.strip()
    assert writes.strip()


def test_bash_completes_verbs_and_options(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    asked = f'{script}\nCOMP_WORDS=(semtrace fin); COMP_CWORD=1; _shtab_semtrace; echo "${{COMPREPLY[@]}}"'
    said = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True).stdout
    assert "find" in said.split()
    assert "finetune" in said.split()
    assert "match" not in said.split()


def test_help_loads_nothing_heavy():
    """What takes long to import is imported when a verb works; the help of `semtrace` is there at once."""
    code = (
        "import sys; from semtrace.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'yaml', 'pydantic', 'shtab', 'importlib.metadata', 'mlflow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
