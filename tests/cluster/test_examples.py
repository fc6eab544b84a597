"""The jobs in docs/scale.md are what a batch system and Kubernetes can read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "docs/scale.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("script", [*blocks("bash"), *blocks("sh")])
def test_a_script_is_sound(script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    if "#SBATCH" in script:
        assert script.startswith("#!/bin/bash\n#SBATCH --")
        assert "set -euo pipefail" in script


def test_the_kubernetes_objects_belong_together():
    objects = [one for block in blocks("yaml") for one in yaml.safe_load_all(block) if "kind" in one]
    assert [one["kind"] for one in objects] == ["Service", "Deployment", "Deployment", "Job"]
    service, scheduler, worker, job = (one["spec"] for one in objects)
    for deployment in (scheduler, worker):
        assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]
    assert service["selector"] == scheduler["selector"]["matchLabels"]
    address = f"tcp://{objects[0]['metadata']['name']}:{service['ports'][0]['port']}"
    pods = [one["template"]["spec"] for one in (worker, job)]
    assert address in pods[0]["containers"][0]["command"]
    assert f"executor.address={address}" in pods[1]["containers"][0]["args"][0]
    mounted = [(pod["containers"][0]["volumeMounts"], pod["volumes"]) for pod in pods]
    assert mounted[0] == mounted[1], "workers and client see the same folders at the same paths"


def test_the_example_of_a_dataset_in_shards_composes(tmp_path):
    from semtrace.config.params import Params, composed

    (tmp_path / "dataset").mkdir()
    for path in (PROJECT / "conf").rglob("*.yaml"):
        copy = tmp_path / path.relative_to(PROJECT / "conf")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    [example] = [block for block in blocks("yaml") if "shards:" in block]
    (tmp_path / "dataset/lab.yaml").write_text(example, encoding="utf-8")
    dataset = Params(yaml.safe_load(composed(tmp_path, ["dataset=lab"])), "conf").dataset
    assert dataset.shards["mueller"] == "Müller É"
    assert dataset.joined == ["sharded"]
