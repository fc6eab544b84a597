"""The watcher as a service: a systemd unit, or a task of the Windows Task Scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

_UNIT = """\
[Unit]
Description=semtrace watch: sends new pictures on, archives repeats
After=local-fs.target remote-fs.target

[Service]
Type=exec
ExecStart={command}
WorkingDirectory={folder}
Restart=on-failure
RestartSec=60
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=60

[Install]
WantedBy={target}
"""

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>semtrace watch: sends new pictures on, archives repeats</Description>
  </RegistrationInfo>
  <Triggers>
    {trigger}
  </Triggers>
  <Principals>
    <Principal id="Author">
      {principal}
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <Enabled>true</Enabled>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
_BOOT = "<BootTrigger>\n      <Enabled>true</Enabled>\n    </BootTrigger>"
_LOGON = "<LogonTrigger>\n      <Enabled>true</Enabled>\n    </LogonTrigger>"
_LOCAL_SERVICE = "<UserId>S-1-5-19</UserId>\n      <LogonType>ServiceAccount</LogonType>"
_PERSON = "<LogonType>InteractiveToken</LogonType>"


def systemd_unit(command: Sequence[str], folder: str, *, user: bool) -> str:
    """A unit that starts the watcher with the machine, or with the user's own manager.

    Args:
        command: program and arguments, absolute.
        folder: working directory: where a relative ``watch.state`` lies.
        user: for ``systemctl --user``.
    """
    words = " ".join(_systemd_quoted(word) for word in command)
    # In the path of a folder only "%" means something to systemd.
    target = "default.target" if user else "multi-user.target"
    return _UNIT.format(command=words, folder=folder.replace("%", "%%"), target=target)


def windows_task(command: Sequence[str], folder: str, *, user: bool) -> str:
    """A task that runs from the start of the machine, whether anybody is logged on or not.

    It has no time limit (by default a task is ended after three days), runs on battery, is begun again each minute
    when it fails, and has no second instance.

    Args:
        command: program and arguments, absolute.
        folder: working directory.
        user: run when the user who imports it logs on, as that user; else as the account Local Service.
    """
    return _TASK.format(
        trigger=_LOGON if user else _BOOT,
        principal=_PERSON if user else _LOCAL_SERVICE,
        program=escape(command[0]),
        arguments=escape(" ".join(_windows_quoted(word) for word in command[1:])),
        folder=escape(folder),
    )


def _systemd_quoted(word: str) -> str:
    text = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    return f'"{text}"' if not text or any(c.isspace() or c in "\"';\\" for c in text) else text


def _windows_quoted(word: str) -> str:
    r"""A word as ``CommandLineToArgvW`` reads it: backslashes double only before a quotation mark."""
    if word and not any(c in ' \t"' for c in word):
        return word
    quoted, slashes = '"', 0
    for character in word:
        if character == "\\":
            slashes += 1
        elif character == '"':
            quoted += "\\" * (2 * slashes + 1) + character
            slashes = 0
        else:
            quoted += "\\" * slashes + character
            slashes = 0
    return quoted + "\\" * (2 * slashes) + '"'
