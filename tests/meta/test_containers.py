"""Dockerfile, .dockerignore and compose.yaml agree with the project and each other; `make lint` checks syntax."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from semtrace.config import params

PROJECT = Path(__file__).resolve().parents[2]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
DEFAULT = r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+"
SECRETS = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY")


@cache
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "compose.yaml").read_text())


def variables() -> dict[str, set[str]]:
    """Variables of compose.yaml, each with what follows its name."""
    found: dict[str, set[str]] = {}
    for name, rest in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", (PROJECT / "compose.yaml").read_text()):
        found.setdefault(name, set()).add(rest)
    return found


# --- the image


def test_the_image_has_the_version_of_the_package():
    assert f'image.version="{PYPROJECT["version"]}"' in DOCKERFILE
    assert f"${{SEMTRACE_TAG:-{PYPROJECT['version']}}}" in compose()["x-semtrace"]["image"]


def test_the_default_base_is_one_pinned_slim_python():
    default = re.search(r"^ARG BASE_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)[1]
    assert re.fullmatch(DEFAULT, default)
    assert f"${{BASE_IMAGE:-{default}}}" == compose()["x-semtrace"]["build"]["args"]["BASE_IMAGE"]


def test_what_is_copied_into_the_image_is_sent_to_the_builder_and_nothing_else():
    rules = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule[0] == "!"}
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert allowed == {name for copied in copies for name in copied.split()}
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    there = {name for path in tracked.splitlines() for name in (path, *map(str, PurePosixPath(path).parents))}
    assert not allowed - there


def test_the_stages_find_all_that_they_depend_on():
    """DVC stops at a dependency that is not there: what dvc.yaml names outside of data/ must be in the image."""
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"].values()
    needed = {dep.split("/")[0] for stage in stages for dep in stage.get("do", stage)["deps"]} - {"data"}
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    assert {name for name in needed if "$" not in name} <= set(copied)


# --- compose.yaml


def test_services_volumes_and_networks_exist():
    services = compose()["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            checked = how["condition"] != "service_healthy" or "healthcheck" in services[other]
            assert checked, f"{name} waits for the health of {other}, which is not checked"
            both = set(services[other].get("profiles", [])) >= set(service.get("profiles", []))
            assert both or "profiles" not in services[other], f"{name} would start without {other}"
        assert set(service.get("networks", ["default"])) <= set(compose()["networks"])
        for volume in service.get("volumes", []):
            kind, source = (
                ("volume", volume.split(":")[0]) if isinstance(volume, str) else map(volume.get, ("type", "source"))
            )
            assert kind == "bind" or source in compose()["volumes"], f"{name} mounts {source}"


def test_inputs_are_read_only_and_the_same_for_the_pipeline_and_its_workers():
    services = compose()["services"]
    binds = {v["target"]: v.get("read_only") for v in services["pipeline"]["volumes"] if v["type"] == "bind"}
    assert binds == {
        **{f"/semtrace/data/raw/{name}": True for name in ("archive", "published", "known")},
        "/semtrace/data/verdicts": True,
        "/semtrace/conf": True,
        "/semtrace/data/work": None,
    }
    for name in ("pipeline-gpu", "pipeline-cluster", "worker"):
        assert services[name]["volumes"] == services["pipeline"]["volumes"]


def test_the_gpu_is_asked_for_by_one_service_alone():
    assert [name for name, service in compose()["services"].items() if "nvidia" in str(service)] == ["pipeline-gpu"]


def test_the_cluster_is_where_its_workers_and_its_pipeline_look_for_it():
    services = compose()["services"]
    port = next(word.split("=")[1] for word in services["scheduler"]["command"] if word.startswith("--port"))
    assert f"tcp://scheduler:{port}" in services["worker"]["command"]
    assert f"executor.address=tcp://scheduler:{port}" in services["pipeline-cluster"]["entrypoint"]


def test_ports_are_open_on_this_machine_only():
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    stores = [compose()["services"][name] for name in ("postgres", "objects")]
    assert all(store["networks"] == ["stores"] and "ports" not in store for store in stores)
    assert compose()["networks"]["stores"]["internal"]


def test_no_secret_has_a_default():
    for name in SECRETS:
        assert all(rest.startswith(":?") for rest in variables()[name]), f"{name} must be set by the user"
    others = {name for name, rests in variables().items() if any(rest.startswith(":?") for rest in rests)}
    assert others == set(SECRETS)


def test_the_example_environment_names_every_variable_and_sets_none():
    lines = (PROJECT / ".env.example").read_text().splitlines()
    named = dict(line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?[A-Z0-9_]+=", line))
    assert set(variables()) - {"SEMTRACE_TAG", "REVISION"} == set(named)
    assert not any(line.split("=")[1] for line in lines if re.match(r"[A-Z0-9_]+=", line))
    for name, value in named.items():
        assert not value or {f":-{value}"} == variables()[name], f"{name}: not the default of compose.yaml"
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=PROJECT, check=False)
    assert ignored.returncode == 0, "passwords would be committed"


def test_the_parameters_in_it_compose():
    words = [w for s in compose()["services"].values() for w in [*s.get("entrypoint", []), *s.get("command", [])]]
    overrides = sorted({word for word in words if re.match(r"[a-z]+[a-z_.]*=", word)})
    assert len(overrides) == 3
    params.composed(PROJECT / "conf", overrides)


def test_the_extras_exist():
    assert set(compose()["x-semtrace"]["build"]["args"]["EXTRAS"].split(",")) <= set(PYPROJECT["optional-dependencies"])


# --- the check of the image


def test_the_check_says_what_is_missing_and_makes_nothing(tmp_path):
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    environment = {"PATH": str(tmp_path), "CONTAINER_DIR": str(tmp_path / "work")}
    command = ["/bin/bash", str(PROJECT / "tests/container/check.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(r"buildah.* not found; on Debian: apt-get install .*buildah", done.stderr)
    assert not (tmp_path / "work").exists()
