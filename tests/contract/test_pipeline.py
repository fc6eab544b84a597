"""The pipeline as a newcomer runs it: a clone, its parameters, `dvc repro`, exit codes, messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from semtrace.config.params import write_params

PROJECT = Path(__file__).resolve().parents[2]
SMALL = ["synthetic.originals=40", "synthetic.published=30", "synthetic.width=320", "executor.workers=1"]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org",
}  # fmt: skip


def call(*command: str, cwd: Path, code: int = 0, **more: str) -> str:
    done = subprocess.run(command, cwd=cwd, env={**ENVIRONMENT, **more}, capture_output=True, text=True, timeout=300)
    output = done.stdout + done.stderr
    assert done.returncode == code, output[-3000:]
    return output


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with a small archive, run once."""
    folder = tmp_path_factory.mktemp("clone") / "project"
    names = call("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=PROJECT).splitlines()
    for name in names:
        if (PROJECT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    call("semtrace", "params", *SMALL, cwd=folder)
    call("git", "init", "-q", cwd=folder)
    call("git", "add", "-A", cwd=folder)
    call("git", "commit", "-qm", "clone", cwd=folder)
    call("dvc", "repro", "-q", cwd=folder)
    return folder


def compose(folder: Path, *overrides: str) -> None:
    """What `semtrace params` writes, in this process, for speed."""
    write_params(folder / "conf", folder / "params.yaml", list(overrides))


def ran(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def test_git_stays_clean_but_for_the_lock_file(clone):
    assert call("git", "status", "--porcelain", cwd=clone).split() == ["??", "dvc.lock"]


def test_a_second_run_does_nothing(clone):
    assert ran(call("dvc", "repro", cwd=clone)) == set()


def test_the_lock_file_reproduces_byte_for_byte(clone):
    first = yaml.safe_load((clone / "dvc.lock").read_text())
    for name in ("data/work", "data/raw/synthetic", ".cache", ".dvc/cache", "dvc.lock"):
        path = clone / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    # Other workers, hash seed, locale, time zone and temporary folder: the same bytes.
    compose(clone, *SMALL[:-1], "executor.workers=2")
    (clone.parent / "tmp").mkdir()
    call(
        "dvc", "repro", "-q", cwd=clone,
        PYTHONHASHSEED="7", LC_ALL="C", TZ="Asia/Kathmandu", TMPDIR=str(clone.parent / "tmp"),
    )  # fmt: skip
    assert yaml.safe_load((clone / "dvc.lock").read_text()) == first  # the order of its stages is DVC's affair


@pytest.mark.parametrize(
    ("edit", "stages"),
    [
        ("executor.workers=1", set()),
        ("label.link=copy", {"label", "report"}),
        ("match.min_margin=0.03", {"match", "plot", "report"}),
        ("deduplicate.seed=2", {"deduplicate", "report"}),
        ("convert.quality=95", {"convert", "report"}),
    ],
)
def test_an_edit_reruns_only_the_stages_that_read_it(clone, edit, stages):
    compose(clone, *SMALL[:-1], edit)
    directly = {
        name
        for name, entries in yaml.safe_load(call("dvc", "status", "--json", cwd=clone) or "{}").items()
        for entry in entries
        if isinstance(entry, dict) and "params.yaml" in entry.get("changed deps", {}) and "/" not in name
    }
    assert directly == stages
    compose(clone, *SMALL)


def test_a_run_is_tracked_once(clone):
    assert "logged as run" in call("semtrace", "track", cwd=clone)
    assert "logged already" in call("semtrace", "track", cwd=clone)
    code = (
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "[run] = mlflow.search_runs(experiment_names=['semtrace'], output_format='list')\n"
        "print(run.data.params['match.min_ssim'], run.data.metrics['accuracy/wrong'], sorted(run.data.tags))\n"
        "print(run.data.tags['input_md5.archive'], run.data.tags['input_md5.published'])\n"
        "print([file.path for file in mlflow.MlflowClient().list_artifacts(run.info.run_id, 'plots')])\n"
    )
    output = call(sys.executable, "-c", code, cwd=clone)
    lock = yaml.safe_load((clone / "dvc.lock").read_text())["stages"]["generate@synthetic"]["outs"]
    for out in lock:
        assert (out["md5"] in output) == (not out["path"].endswith("known"))
    for part in ("0.7 0.0", "dvc_lock_md5", "git_commit", "input_md5.archive", "plots/ssim_histogram.png"):
        assert part in output


def test_doctor_computes_a_sample_of_the_run_again(clone):
    done = subprocess.run(
        ["semtrace", "doctor", "--sample", "3"], cwd=clone, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr  # 1 where other tests here have left something uncommitted
    for line in ("hashes equal ImageHash's", "SSIM values equal scikit-image's", "proofs equal those of Pillow's"):
        assert f"3 of 3 {line}" in done.stdout


def test_without_dvc_the_same_tables(clone, tmp_path):
    shutil.copytree(clone / "conf", tmp_path / "conf")
    here = [f"dataset.{name}={clone}/data/raw/synthetic/{name}" for name in ("archive", "published", "known")]
    printed = call("semtrace", "run", *here, "executor.workers=2", cwd=tmp_path)
    stages = (
        "inventory",
        "convert",
        "fingerprint tiff",
        "fingerprint jpeg",
        "match",
        "label",
        "validate",
        "plot",
        "report",
    )
    assert all(f"{stage}: " in printed for stage in stages)
    made = {path.relative_to(tmp_path) for path in (tmp_path / "data/work").rglob("*") if path.is_file()}
    assert made == {path.relative_to(clone) for path in (clone / "data/work").rglob("*") if path.is_file()}
    named = {  # they name the folders
        Path("data/work/dataset.json"),
        Path("data/work/validate/accuracy_report.txt"),
        Path("data/work/report/assets/run.js"),
    }
    for path in made:
        here, there = (tmp_path / path).read_bytes(), (clone / path).read_bytes()
        assert (here.replace(f"{clone}/".encode(), b"") if path in named else here) == there, path


def test_where_compiled_kernels_can_be_kept_nowhere_it_says_what_to_do(project, tmp_path):
    """A container or an installation that cannot be written, and a user without a home."""
    code = tmp_path / "code"
    shutil.copytree(PROJECT / "src/semtrace", code / "semtrace", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in {path.parent for path in (code / "semtrace/core").rglob("*.py")}:
        (folder / "__pycache__").touch()
    homeless = {"PYTHONPATH": str(code), "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": ""}
    command = [sys.executable, "-m", "semtrace.cli", "match"]
    assert "set NUMBA_CACHE_DIR to a folder" in call(*command, cwd=project, code=1, **homeless)
    homeless["NUMBA_CACHE_DIR"] = str(tmp_path / "kernels")
    assert "hashes.csv" in call(*command, cwd=project, code=2, **homeless)


def test_metrics_are_known_to_dvc(clone):
    said = call("dvc", "metrics", "show", cwd=clone).splitlines()
    numbers = {"precision", "recall", "accuracy", "wrong", "matched", "ambiguous", "unmatched"}
    assert set(said[0].split()) == {"Path", *numbers}
    assert max(map(len, said)) <= 110


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with parameters and nothing else."""
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    for name in ("archive", "published"):
        (tmp_path / "data/raw" / name).mkdir(parents=True)
    compose(tmp_path, "dataset=archive", "executor.workers=1")
    return tmp_path


def test_parameters_are_not_composed_for_folders_that_are_missing(project):
    (project / "data/raw/archive").rmdir()
    (project / "params.yaml").unlink()
    command = ["params", "dataset=archive", "executor.workers=1"]
    assert "data/raw/archive: the archive folder is missing" in error(*command, cwd=project, code=2)
    assert not (project / "params.yaml").exists()
    (project / "data/raw/archive").mkdir()
    call("semtrace", *command, cwd=project)
    assert (project / "params.yaml").exists()


@pytest.mark.parametrize("kind", ["dangling link", "pipe", "name"])
def test_what_dvc_cannot_digest_is_named_before_it_tries(project, kind):
    archive = project / "data/raw/archive"
    (archive / "good.tif").touch()
    if kind == "dangling link":
        (archive / "gone.tif").symlink_to("nowhere.tif")
    elif kind == "pipe":
        os.mkfifo(archive / "pipe.tif")
    else:
        (archive / os.fsdecode(b"b\xe4d.tif")).touch()
    assert "DVC cannot take the digest" in error("params", "dataset=archive", cwd=project, code=2)


def error(*command: str, cwd: Path, code: int) -> str:
    output = call("semtrace", *command, cwd=cwd, code=code)
    lines = [line for line in output.splitlines() if line.startswith("semtrace: error: ")]
    assert len(lines) == 1, output
    assert "Traceback" not in output
    return lines[0]


def test_a_missing_folder(project):
    (project / "data/raw/archive").rmdir()
    assert "data/raw/archive: the archive folder is missing" in error("inventory", cwd=project, code=2)


def test_an_empty_folder(project):
    assert "no file with a TIFF extension" in error("inventory", cwd=project, code=2)
    assert not (project / "data/work/inventory").exists()


def test_an_unknown_parameter(project):
    text = (project / "params.yaml").read_text().replace("min_ssim:", "min_sim:")
    (project / "params.yaml").write_text(text)
    assert "unknown parameter match.min_sim" in error("match", cwd=project, code=2)
    assert "nonsense" in error("params", "nonsense=1", cwd=project, code=2)


def test_a_stage_before_its_time(project):
    assert "run the stage that writes it first" in error("convert", cwd=project, code=2)


def test_outside_a_project(tmp_path):
    assert "params.yaml" in error("match", cwd=tmp_path, code=2)


@pytest.mark.parametrize("verb", ["match", "deduplicate"])
def test_hash_tables_alone_replace_no_foreign_folder(project, verb):
    (project / "mine").mkdir()
    (project / "mine" / "thesis.tex").touch()
    (project / "t.csv").write_text("file,path,phash\na,a," + "0f" * 128 + "\n")
    command = [verb, "--tiff-hashes", "t.csv", "--jpeg-hashes", "t.csv", "--out"]
    assert "holds more than an earlier result" in error(*command, "mine", cwd=project, code=2)
    assert (project / "mine" / "thesis.tex").exists()
    for _ in range(2):
        call("semtrace", *command, "new", cwd=project)
    assert "--out" in error(*command[:-1], cwd=project, code=2)


def test_wrong_usage():
    assert "invalid choice" in call("semtrace", "frobnicate", cwd=PROJECT, code=2)


def test_params_that_are_out_of_date(project):
    assert "does not agree with conf/" in error("params", "--check", "match.min_ssim=0.9", cwd=project, code=1)


@pytest.fixture
def bound() -> list[str]:
    """What to put before a command so that file modes bind it, also when the tests run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv to drop that right")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def test_no_permission(project, clone, bound):
    archive = project / "data/raw/archive"
    (archive / "locked").mkdir()
    sample = next((clone / "data/raw/synthetic/archive").rglob("*.tif*"))
    shutil.copy(sample, archive / "good.tif")
    shutil.copy(sample, archive / "secret.tif")
    (archive / "secret.tif").chmod(0)
    call(*bound, "semtrace", "inventory", cwd=project)
    assert (
        "secret.tif,inventory,unreadable,Permission denied" in (project / "data/work/inventory/rejects.csv").read_text()
    )
    (archive / "locked").chmod(0)
    call(*bound, "semtrace", "inventory", cwd=project)  # one folder that nobody may list stops nothing
    assert (
        "locked,inventory,unreadable,the folder cannot be listed (Permission denied)"
        in (project / "data/work/inventory/rejects.csv").read_text()
    )
    archive.chmod(0)
    output = call(*bound, "semtrace", "inventory", cwd=project, code=2)
    assert "no permission to list the archive folder" in output
    archive.chmod(0o700)
    (archive / "locked").chmod(0o700)
    shutil.rmtree(archive / "locked")
    (project / "data/work").chmod(0o500)
    output = call(*bound, "semtrace", "inventory", cwd=project, code=1)
    assert "Permission denied" in output
    assert "write permission" in output
    assert "Traceback" not in output
    (project / "data/work").chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="a full disk needs root and mount")
def test_a_full_disk_leaves_nothing_half_written(clone, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(clone / "conf", project / "conf")
    (project / "data" / "work").mkdir(parents=True)
    here = [f"dataset.{name}={clone}/data/raw/synthetic/{name}" for name in ("archive", "published", "known")]
    compose(project, *here, "executor.workers=1")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", project / "data" / "work"], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs is not allowed here")
    try:
        call("semtrace", "inventory", cwd=project)
        message = error("convert", cwd=project, code=1)
        assert "No space left on device" in message
        assert "bytes are free" in message
        assert {path.name for path in (project / "data" / "work").iterdir()} == {"dataset.json", "inventory"}
    finally:
        subprocess.run(["umount", project / "data" / "work"], check=True)


def test_what_was_run_and_committed_is_released(clone):
    """No gate but that on conflicts, which the archive has on purpose, stands in the way of a clean project."""
    groups = clone / "data/work/deduplicate/groups.csv"
    if not groups.exists():
        groups.parent.mkdir()
        jpegs = (clone / "data/work/fingerprint/jpeg/hashes.csv").read_text().splitlines()[1:]
        lines = [f"{line.split(',')[1]},jpeg,{number},train" for number, line in enumerate(jpegs)]
        groups.write_text("\n".join(["path,side,group,split", *lines]) + "\n")
    compose(
        clone,
        *SMALL,
        "release.title=Small",
        "release.licence=CC0-1.0",
        "release.description=Small.",
        "release.creators=[{name: A}]",
    )
    call("dvc", "repro", "-q", cwd=clone)
    call("git", "add", "-A", cwd=clone)
    call("git", "commit", "-qm", "results", cwd=clone)
    said = call("semtrace", "release", "--version", "0.1.0", "--allow", "conflicts", cwd=clone)
    assert "allowed          conflicts" in said
    assert "\nOK: " in call("semtrace", "verify", "--full", "data/releases/sem-dataset-0.1.0", cwd=clone)


def test_an_experiment_of_dvc_changes_what_it_should_and_shows_it(clone, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(clone, folder)
    call("git", "add", "dvc.lock", "params.yaml", cwd=folder)
    call("git", "commit", "--allow-empty", "-qm", "run", cwd=folder)
    output = call("dvc", "exp", "run", "-S", "match.hamming_threshold=20", "-S", "match.reach=20", cwd=folder)
    assert ran(output) >= {"match", "validate", "plot"}
    assert not ran(output) & {"inventory", "convert", "fingerprint@tiff", "fingerprint@jpeg"}
    changed = json.loads(call("dvc", "metrics", "diff", "--json", cwd=folder).splitlines()[0])[
        "data/work/validate/summary.json"
    ]
    assert changed["matched"]["diff"] < 0
    assert changed["recall"]["new"] < changed["recall"]["old"]
    plots = json.loads(call("dvc", "plots", "diff", "--json", cwd=folder).splitlines()[0])["data"]
    assert {Path(name).name for name in plots} == {
        "hamming_histogram_logscale.png", "ssim_histogram.png", "ssim_histogram_logscale.png", "ssim_plot_by_row.png",
        "matched_by_hamming.csv", "matched_by_ssim.csv", "funnel.png", "outcomes_by_category.png",
    }  # fmt: skip
