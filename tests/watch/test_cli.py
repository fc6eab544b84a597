"""The verbs, as a person or a service manager uses them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from semtrace.cli.main import main
from semtrace.cli.watch_settings import settings
from semtrace.watch.settings import PRESETS
from tests.other_system import WITHOUT
from tests.watch.harness import picture, tree

QUICK = ["watch.quiet_s=0", "watch.poll_s=0.1", "watch.unreadable_after_s=0", "watch.workers=1"]


def watch(*words: object) -> int:
    try:
        return main(["watch", *map(str, words)])
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture
def here(quick_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(quick_path)
    return quick_path


def test_generate_run_status_undo(here, capsys):
    assert watch("generate", "raw", "--total-images", 10, "--similar-images", 0, "--size", "64x64") == 0
    before = tree(here / "raw")
    assert watch("run", "raw", "--unique", "unique", "--archive", "archive", "--once", *QUICK) == 0
    assert len(tree(here / "unique")) == 10
    said = capsys.readouterr().out
    assert f"Watching folder: {here}/raw for new folders...\nDetected new folder: {here}/raw/imgs001\n" in said
    assert "Unique:    imgs001/image_1.bmp\nUnique:    imgs001/image_2.bmp\n" in said
    assert watch("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["unique"] == 10
    assert watch("undo", "imgs001") == 0
    assert tree(here / "raw") == before
    assert capsys.readouterr().out.endswith("10 put back, 0 not\n")


def test_status_says_with_its_exit_code_that_a_person_is_needed(here, capsys):
    (here / "raw").mkdir()
    (here / "raw/bad.png").write_bytes(b"words")
    watch("run", "raw", "--unique", "u", "--archive", "a", "--once", *QUICK)
    assert watch("status") == 1
    assert "bad.png: not_an_image" in capsys.readouterr().out


def test_a_second_watcher_of_an_archive_is_refused(here, capsys):
    from filelock import FileLock

    (here / "raw").mkdir()
    (here / "a").mkdir()
    with FileLock(here / "a/.semtrace-watch.lock"):
        assert watch("run", "raw", "--unique", "u", "--archive", "a", "--once", *QUICK) == 2
    assert "another watcher works with this archive" in capsys.readouterr().err


def test_an_archive_that_is_not_mounted_is_not_made_anew(here, capsys):
    (here / "raw").mkdir()
    (here / "raw/1.bmp").write_bytes(picture(1))
    words = ["run", "raw", "--unique", "u", "--archive", "a", "--once", *QUICK]
    assert watch(*words) == 0
    shutil.rmtree(here / "a")
    assert watch(*words) == 1
    assert "a is not there; mount it, or make it" in capsys.readouterr().err
    assert not (here / "a").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "missing", "--unique", "u", "--archive", "a"], "no such folder to watch"),
        (["run", "raw", "--unique", "raw", "--archive", "a"], "is this one or lies in it"),
        (["run", "raw", "--unique", "u", "--archive", "a", "watch.threshold=0"], "watch.threshold is 0"),
        (["run", "raw", "--unique", "u", "--archive", "a", "watch=tight"], "choose one of default, loose, seed"),
        (["run", "raw", "--unique", "u", "--archive", "a", "match.reach=1"], "not a setting of the watcher"),
        (["run", "raw", "--unique", "u", "--archive", "a", "watch.colour=1"], "colour"),
        (["status"], "no journal in data/watch"),
        (["undo", "--state", "x.sqlite"], "x.sqlite: no such journal"),
        (["try", "missing"], "no such folder"),
        (["generate", "g", "--size", "10x10"], "each side must be 32 to 8192"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(here, capsys, words, message):
    (here / "raw").mkdir()
    assert watch(*words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_try_moves_nothing(here, capsys):
    watch("generate", "raw", "--size", "64x64", "--total-images", 4, "--similar-images", 1)
    before = tree(here / "raw")
    assert watch("try", "raw", "watch.workers=1") == 0
    assert "* pHash 64 < 11 and likeness >= 0.5" in capsys.readouterr().out
    assert tree(here / "raw") == before


def test_settings_come_from_the_package_or_from_a_project(here, project, monkeypatch):
    assert settings([]) == PRESETS["default"]
    assert settings(["watch=loose", "watch.threshold=9", "watch.extensions=[bmp]"]).threshold == 9
    assert settings(["watch=seed"]) == PRESETS["seed"]
    monkeypatch.chdir(project)
    assert settings([]) == PRESETS["default"]
    assert settings(["watch=loose", "watch.threshold=9"]).confirm == 0.25


def test_service_prints_a_command_that_runs(here, capsys):
    (here / "raw").mkdir()
    assert watch("service", "windows", "raw", "--unique", "u", "--archive", "a", "--prune", "watch=loose") == 0
    assert f"watch run {here}/raw --unique {here}/u --archive {here}/a --prune watch=loose" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_after_the_current_file(here, name):
    (here / "raw").mkdir()
    command = [sys.executable, "-m", "semtrace.cli", "watch", "run", "raw", "--unique", "u", "--archive", "a", *QUICK]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("Watching folder:")
    process.send_signal(getattr(signal, name))
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert said.startswith("Stopped.")


@pytest.mark.parametrize("settled", ["by the package", "by a project"])
def test_the_command_runs_where_there_is_no_fcntl_no_resource_and_no_libc(here, project, settled):
    def verb(*words: object) -> str:
        command = [sys.executable, "-c", WITHOUT, "watch", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1:] == ["[] 0"], done.stderr
        return done.stdout

    if settled == "by a project":
        shutil.copytree(project / "conf", here / "conf")
    (here / "raw").mkdir()
    (here / "raw/1.bmp").write_bytes(picture(1))
    assert "Unique:    1.bmp" in verb("run", "raw", "--unique", "u", "--archive", "a", "--once", *QUICK)
    assert sorted(tree(here / "u")) == ["1.bmp"]
    if settled == "by the package":
        assert "unique             1" in verb("status")
        assert verb("undo").endswith("1 put back, 0 not\n")
        assert "1 pictures" in verb("try", "raw")
        assert "BootTrigger" in verb("service", "windows", "raw", "--unique", "u", "--archive", "a")
        assert "2 images" in verb("generate", "made", "--total-images", 2, "--similar-images", 0, "--size", "64x64")


def test_help_of_every_verb_is_shown_where_there_is_no_fcntl(here):
    done = subprocess.run([sys.executable, "-c", WITHOUT, "watch", "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "watch a folder" in done.stdout
