"""A new project beside an installed package: conf/, pipelines, parameters, README, Git and DVC."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from semtrace import __version__
from semtrace.config import params
from semtrace.core.errors import InputError
from semtrace.io.code_digest import ROOT, code_digest
from semtrace.io.files import write_atomic
from semtrace.io.project_state import in_repository

if TYPE_CHECKING:
    from semtrace.provenance.tracing.trace import Rules

INSTALLED = "installed.json"
"""What stands for the code in a project without ``src/``: a dependency of every stage."""

_COPIED = ("conf", "pipelines", "dvc.yaml", ".dvcignore", ".gitignore")
_CODE = re.compile(r"(?:^ +- src/semtrace/\S+[^\n]*\n)+", re.MULTILINE)
_VERSIONS = re.compile(r"^ +- constraints\.txt\n", re.MULTILINE)
_README = """# {name}

A project of [semtrace]({address}): it traces published electron-microscope pictures back to their originals.

```sh
semtrace run             # all stages at once; ends with the places of the answer
semtrace repro           # the same under DVC: only what has changed runs, and each run is logged
semtrace review --open   # the pictures that a person should decide
semtrace find PICTURE    # is this picture in the archive?
```

- `conf/` has the parameters, a comment at each. `semtrace run match.min_ssim=0.8` changes one for one run.
- `data/work/` has the results, `data/verdicts/` what a person said. Your images are only read.
- `dvc.yaml` is the pipeline. `{installed}` stands for the installed code: after an update the stages run again.
"""
_ADDRESS = "https://pypi.org/project/semtrace/"


@dataclass(frozen=True)
class NewProject:
    """What was laid out.

    Attributes:
        folder: the project.
        files: that were written.
        git: what became of Git.
        dvc: what became of DVC.
        next: the commands that give a first result.
    """

    folder: str
    files: int
    git: str
    dvc: str
    next: str

    def __str__(self) -> str:
        return f"{self.folder}: {self.files} files. Git: {self.git}. DVC: {self.dvc}\nNext:\n  {self.next}"


def template_folder() -> Path:
    """Where conf/ and the pipelines lie: in an installed package beside the code, else in the checkout."""
    packaged = ROOT / "project"
    return packaged if packaged.is_dir() else ROOT.parents[1]


def default_match_rules(bits: int) -> Rules:
    """The rules of a match as conf/match/default.yaml has them, for hashes of ``bits`` bits."""
    from semtrace.provenance.match import Settings

    text = (template_folder() / "conf/match/default.yaml").read_text(encoding="utf-8")
    return Settings.read(yaml.safe_load(text)).rules(bits)


def lay_out(folder: Path, archive: Path | None = None, published: Path | None = None) -> NewProject:
    """Make a project in an empty or new folder.

    Args:
        folder: where.
        archive: folder of TIFFs; with it the project is about these images, else about the built-in archive.
        published: folder of published JPEGs, which belongs to ``archive``.

    Raises:
        InputError: the folder holds something, or the folders of images are missing or only one is named.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not empty; name a new folder")
    if (archive is None) != (published is None):
        raise InputError(
            "--archive and --published belong together: the folder of TIFFs and that of published JPEGs. Where you "
            "have one picture alone, put it into a folder of its own and name that"
        )
    for one in filter(None, (archive, published)):
        if not one.is_dir():
            raise InputError(f"{one}: no such folder")
    folder.mkdir(parents=True, exist_ok=True)
    source = template_folder()
    for name in _COPIED:
        (shutil.copytree if (source / name).is_dir() else shutil.copyfile)(source / name, folder / name)
    for file in (folder / "dvc.yaml", *sorted(folder.glob("pipelines/*/dvc.yaml"))):
        file.write_text(installed_pipeline(file.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "data/raw/known").mkdir(parents=True)
    (folder / "data/raw/known/.gitkeep").touch()
    if archive is not None and published is not None:
        _own_images(folder, archive.resolve(), published.resolve())
    write_installed(folder)
    params.write_params(folder / "conf", folder / "params.yaml")
    readme = _README.format(name=folder.resolve().name, address=_ADDRESS, installed=INSTALLED)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    git = _git(folder)
    dvc = _dvc(folder)
    if git.startswith("ready"):
        _call(folder, "git", "add", "--all")
    files = sum(path.is_file() for path in _own_files(folder))
    return NewProject(str(folder), files, git, dvc, f"cd {shlex.quote(str(folder))} && {_command(archive)}")


def installed_pipeline(text: str) -> str:
    """A dvc.yaml whose stages depend on ``installed.json`` in place of the sources of a checkout."""
    body = re.sub(r"\A(?:#[^\n]*\n)+", "", text)
    body = _CODE.sub(lambda found: f"{re.match(r' +', found[0])[0]}- {INSTALLED}\n", body)  # type: ignore[index]
    return (
        f"# Laid out by `semtrace init`. {INSTALLED} stands for the installed code: `semtrace repro` renews it.\n"
        f"{_VERSIONS.sub('', body)}"
    )


def installed_text() -> str:
    """What ``installed.json`` says: the version, and a digest of the code and of the libraries that it stands on."""
    from semtrace.config.pipeline import BY_VERB

    code = code_digest(*sorted({stage.module for stage in BY_VERB.values()}))
    return json.dumps({"semtrace": __version__, "code": code}, indent=2) + "\n"


def write_installed(project: Path) -> None:
    """Renew ``installed.json`` of a project where the code is another; elsewhere there is nothing to do."""
    file, text = project / INSTALLED, installed_text()
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_atomic(file, text.encode())


def _command(archive: Path | None) -> str:
    return "semtrace repro" if archive is None else "semtrace run"


def _own_images(folder: Path, archive: Path, published: Path) -> None:
    """Name the folders of images in conf/, and make that dataset the default."""
    dataset, config = folder / "conf/dataset/archive.yaml", folder / "conf/config.yaml"
    text = dataset.read_text(encoding="utf-8")
    for key, place in (("archive", archive), ("published", published)):
        named = yaml.safe_dump(str(place), default_style='"', width=10_000, allow_unicode=True).strip()
        text = re.sub(rf"(?m)^{key}: \S+", lambda _, key=key, named=named: f"{key}: {named}", text)  # type: ignore[misc]
    dataset.write_text(text, encoding="utf-8")
    config.write_text(
        config.read_text(encoding="utf-8").replace("dataset: synthetic", "dataset: archive"), encoding="utf-8"
    )


def _git(folder: Path) -> str:
    if shutil.which("git") is None:
        return "not installed, so runs name no commit"
    if in_repository(folder):
        return "the repository around it"
    return "ready" if _call(folder, "git", "init", "--quiet") else "`git init` failed here"


def _dvc(folder: Path) -> str:
    here = (folder / ".git").is_dir()
    how = [] if here else ["--subdir"] if shutil.which("git") and in_repository(folder) else ["--no-scm"]
    # It writes what is not there; the rules for what it leaves out stay those of the template.
    if not _call(folder, sys.executable, "-m", "dvc", "init", "--quiet", "--force", *how):
        return "`dvc init` failed here"
    config = folder / ".dvc/config"
    text = config.read_text(encoding="utf-8")
    analytics = "    analytics = false\n"
    config.write_text(
        text.replace("[core]\n", f"[core]\n{analytics}", 1) if "[core]\n" in text else f"[core]\n{analytics}{text}",
        encoding="utf-8",
    )
    return "ready"


def _call(folder: Path, *command: str) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603  (git and DVC)
    return done.returncode == 0


def _own_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name == ".git":
            continue
        yield from path.rglob("*") if path.is_dir() else [path]
