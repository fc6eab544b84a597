from __future__ import annotations

import re
import shlex
from xml.etree import ElementTree

import pytest

from semtrace.watch.service import systemd_unit, windows_task

COMMAND = ["/opt/py thon/bin/python", "-m", "semtrace.cli", "watch", "run", '/data/50% "raw"', "watch.quiet_s=30"]
SPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


@pytest.mark.parametrize(("user", "target"), [(False, "multi-user.target"), (True, "default.target")])
def test_a_unit_starts_the_very_command_and_again_when_it_fails(user: bool, target: str):
    unit = systemd_unit(COMMAND, "/srv/50%", user=user)
    line = re.search(r"^ExecStart=(.*)$", unit, re.M)[1]
    assert shlex.split(line.replace("%%", "%").replace("$$", "$")) == COMMAND
    assert re.search(r"^WorkingDirectory=/srv/50%%$", unit, re.M)
    assert re.search(r"^Restart=on-failure$", unit, re.M)
    assert re.search(rf"^WantedBy={target}$", unit, re.M)


def setting(task: ElementTree.Element, name: str) -> str:
    return task.find(f"t:Settings/{name}".replace("/", "/t:"), SPACE).text


def test_a_task_runs_for_ever_and_once():
    text = windows_task(COMMAND, r"C:\semtrace & co", user=False)
    task = ElementTree.fromstring(text.partition("\n")[2])
    assert task.find("t:Triggers/t:BootTrigger/t:Enabled", SPACE).text == "true"
    assert task.find("t:Principals/t:Principal/t:LogonType", SPACE).text == "ServiceAccount"
    wanted = {
        "ExecutionTimeLimit": "PT0S", "DisallowStartIfOnBatteries": "false", "StopIfGoingOnBatteries": "false",
        "MultipleInstancesPolicy": "IgnoreNew", "RestartOnFailure/Interval": "PT1M",
    }  # fmt: skip
    assert {name: setting(task, name) for name in wanted} == wanted
    action = task.find("t:Actions/t:Exec", SPACE)
    assert action.find("t:Command", SPACE).text == COMMAND[0]
    assert action.find("t:WorkingDirectory", SPACE).text == r"C:\semtrace & co"
    assert action.find("t:Arguments", SPACE).text == r'-m semtrace.cli watch run "/data/50% \"raw\"" watch.quiet_s=30'


def test_a_user_s_task_starts_at_logon():
    task = ElementTree.fromstring(windows_task(COMMAND, "C:\\", user=True).partition("\n")[2])
    assert task.find("t:Triggers/t:LogonTrigger", SPACE) is not None
    assert task.find("t:Triggers/t:BootTrigger", SPACE) is None


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("", '""'),
        ("C:\\a b\\", '"C:\\a b\\\\"'),
        ('a\\"', '"a\\\\\\""'),
    ],
)
def test_words_are_quoted_as_windows_reads_them(word: str, quoted: str):
    text = windows_task(["x", word], "C:\\", user=False)
    assert ElementTree.fromstring(text.partition("\n")[2]).find("t:Actions/t:Exec/t:Arguments", SPACE).text == quoted
