# Two commands are all a newcomer needs: `make run` and `make test`. Both set up .venv first.
#
#   make run                    the whole pipeline on the embedded synthetic archive
#   make run dataset=archive    the same on your images in data/raw/ (docs/own-images.md)
#   make run set="match.min_ssim=0.8 convert=flat"    with other parameters
#   make run dataset=archive replace=yes              in place of another dataset's results in data/work
.DEFAULT_GOAL := help
PYTHON ?= python3
# Address of the package index that torch alone comes from; PyTorch's index for CPUs saves most of the download.
TORCH_INDEX ?=
dataset ?=
set ?=
replace ?=

# What is no variable here would be ignored without a word: `make run match.min_ssim=0.8` would run with another value.
known := PYTHON TORCH_INDEX dataset set replace files service port only PIP_% PYTEST_% MLFLOW_% DVC_%
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
unknown := $(filter-out $(known) MAKEFLAGS,$(given))
ifneq ($(unknown),)
said := $(if $(dataset),dataset=$(dataset) )set="$(strip $(set) $(foreach name,$(unknown),$(name)=$($(name))))"
$(error no variable of this Makefile: $(unknown). Parameters go into one: make run $(said))
endif

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

# What can be made: each target whose line ends with a text after two number signs.
help:
	@echo 'make run makes a first result; make test tests it. All targets:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'make run dataset=archive set="match.min_ssim=0.8" has your images and other parameters (docs/own-images.md).'

run: .venv/.stamp ## the whole pipeline on the built-in archive, or with dataset=archive on your images
	semtrace repro $(if $(replace),--replace) $(if $(dataset),dataset=$(dataset)) $(set)

test: .venv/.stamp ## the tests
	pytest -n logical --dist loadfile --no-loadscope-reorder

lint: .venv/.stamp ## what CI checks before the tests
	ruff check .
	ruff format --check .
	mypy
	semtrace params --check
	python -m tests.meta.prose
	hadolint Dockerfile
	check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

# Builds the image and runs semtrace in it, without an engine; as root, with buildah and debootstrap (docs/containers.md).
container-test: .venv/.stamp ## build the image and run semtrace in it, as root
	tests/container/check.sh

# Hostile files, names and circumstances; kills and failing disks. Minutes each.
hostile: .venv/.stamp ## hostile files, names and circumstances (minutes)
	pytest -rP -m "heavy or not heavy" tests/hostile

crash: .venv/.stamp ## kills and failing disks (minutes)
	pytest -n logical -rP -m "heavy or not heavy" tests/crash tests/watch/test_kill.py

# 100,000 thumbnails through inventory, fingerprint and match, watched: `make soak files=20000` for fewer.
files ?= 100000
soak: .venv/.stamp ## 100,000 thumbnails, watched: files=20000 for fewer
	python -m tests.soak.run --files $(files)

# Changes one comparison, constant or branch at a time, and asks the module's own tests (docs/reliability.md). With
# set="io/journal.py" one module only; all together take some ten minutes.
mutation: .venv/.mutation ## change what decides, and see which tests notice
	python -m tests.mutation.run $(set)

.venv/.mutation: .venv/.stamp
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[mutation]'
	@touch $@

# Known vulnerabilities of the packages that `make` installs; asks PyPI, or `make audit service=osv` asks OSV.
service ?= pypi
audit: .venv/.stamp ## known vulnerabilities of what is installed
	python -m venv .venv/audit
	.venv/audit/bin/pip install --quiet pip-audit
	.venv/audit/bin/pip-audit -r requirements.txt --require-hashes --disable-pip --strict --vulnerability-service $(service)

# Dask on machines made of network namespaces, one of them cut off (root only); shards under DVC. Minutes.
cluster-test: .venv/.stamp ## Dask workers that die, and shards (minutes)
	pytest -m "heavy or not heavy" tests/cluster tests/contract/test_shards.py

# A sweep against an MLflow server over PostgreSQL (Debian's package postgresql), both started by the test.
servers: .venv/.servers ## a sweep against an MLflow server over PostgreSQL
	pytest -m heavy tests/contract/test_sweep.py

.venv/.servers: .venv/.stamp
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[server]'
	@touch $@

# Releases over real servers, and read by other libraries.
test-release: .venv/.release ## releases over real servers, read by other libraries
	pytest -m "heavy or not heavy" tests/release tests/contract/test_release.py

.venv/.release: .venv/.stamp
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[readers,remotes]'
	@touch $@

# The whole job against the algorithm it replaces, and when little is new; kernels against other libraries; scale bars
# against the source's method and RapidOCR's defaults (some 30 minutes).
bench: .venv/.bench ## the whole job against the algorithm it replaces, and kernels (some 30 minutes)
	python benchmarks/main_job.py
	python benchmarks/again.py
	python benchmarks/kernels.py
	python benchmarks/scale.py

# The same for a CUDA device, where there is one.
bench-gpu: .venv/.bench ## the same on a CUDA device
	python benchmarks/gpu.py

.venv/.bench: .venv/.stamp
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench-cluster: .venv/.stamp ## what a cluster costs
	python benchmarks/cluster.py

bench-release: .venv/.stamp ## a release of 25,000 pictures
	python benchmarks/release.py

# What DADApy says of small sets, written to tests/oracles/: it needs numpy below 2, so an environment of its own.
oracles: .venv/.stamp ## what DADApy says of small sets
	$(PYTHON) -m venv .venv/oracles
	.venv/oracles/bin/pip install --quiet --requirement tests/oracles/requirements.txt
	.venv/oracles/bin/python tests/oracles/dadapy_values.py

# Discovery's neighbours, dimension, density and linkage at 52,682 points, beside scikit-dimension (some ten minutes).
bench-discovery: .venv/.stamp ## discovery at 52,682 points
	python benchmarks/artificial.py
	python benchmarks/discovery.py
	[ ! -x .venv/oracles/bin/python ] || python benchmarks/decision_graph.py  # `make oracles` brings DADApy

# The watcher under load, and peers on the same pictures (15 minutes on 2 cores).
bench-watch: .venv/.bench ## the watcher under load
	python benchmarks/watch.py

# What the tests of the pages need: Playwright, which drives Debian's chromium (apt-get install chromium).
browser: .venv/.stamp ## install what the tests of the pages need
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[browser]'
	@command -v chromium >/dev/null || echo 'chromium is missing: apt-get install chromium' >&2

# The report and the review page with 12,000 pairs, 300 of them doubtful.
bench-report: browser ## report and review page with 12,000 pairs
	python benchmarks/report.py

bench-curation: .venv/.stamp ## curation beside the published scripts; only=NAME: one row
	python benchmarks/curation.py $(if $(only),--only $(only))

# Patches of generated volumes, or with dataset=em of yours in data/raw/em (docs/curation.md).
curate: .venv/.stamp ## patches of generated volumes, or with dataset=em of yours
	semtrace params $(if $(dataset),curation/dataset=$(dataset)) $(set)
	dvc repro pipelines/curation/dvc.yaml
	semtrace curate track
	@cat data/work/curation/show/summary.txt

# Every ordinary edit of the real pictures in ../shared/data, traced with the original in the archive and without it.
# Long; `make truth set="--every 15"` for each fifteenth picture.
truth: .venv/.stamp ## every ordinary edit of real pictures, traced (long)
	python benchmarks/truth.py $(set)
	python benchmarks/panels.py
	pytest -m heavy tests/provenance/test_variants.py

port ?= 5000
ui: .venv/.stamp ## the MLflow UI, opened on the answer; on another port: make ui port=5001
	@exec semtrace ui --port $(port)

# `dvc dag` draws every edge, far wider than a terminal.
dag: .venv/.stamp ## the stages in their order, and what each waits for
	@python -m semtrace.config.dag

.venv/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'semtrace needs Python 3.11 or newer: make run PYTHON=python3.11' >&2; exit 1; }
	@echo 'Installing what semtrace needs into .venv: once, some minutes, 2.8 GB beside CUDA packages. Without a GPU, leave those out:'
	@echo 'make TORCH_INDEX=ADDRESS run takes torch from that index (the installation guide of PyTorch has that for CPUs).'
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),.venv/bin/pip install --constraint constraints.txt --index-url $(TORCH_INDEX) torch)
	.venv/bin/pip install --constraint constraints.txt --editable '.[dev,dask,curation,ocr]'
	@touch $@

clean: ## remove all results, caches and runs
	rm -rf data/work data/shards data/sharded data/raw/synthetic .cache mlflow.db mlartifacts

.PHONY: help run test lint oracles container-test hostile crash soak mutation audit cluster-test servers test-release bench bench-cluster bench-gpu bench-release bench-discovery bench-watch bench-report bench-curation truth browser curate ui dag clean
.DELETE_ON_ERROR:
