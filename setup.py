"""The wheel carries what `semtrace init` lays out; all else about the package is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

LAID_OUT = ("conf", "pipelines", "dvc.yaml", ".dvcignore", ".gitignore")


class BuildWithProject(build_py):
    """Copies conf/ and the pipelines, which exist once, beside the code; an editable installation needs no copy."""

    def run(self) -> None:
        """Build the package, then add the project."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "semtrace", "project")
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in LAID_OUT:
            (shutil.copytree if Path(name).is_dir() else shutil.copyfile)(name, target / name)


setup(cmdclass={"build_py": BuildWithProject})
