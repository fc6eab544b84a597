# semtrace in a container: docs/containers.md says how to build and run it.
# Any image of Debian or Ubuntu will do as base, with Python 3.11 or newer or without Python: a CUDA runtime too. By tag;
# pin it by digest where the very bytes matter: --build-arg BASE_IMAGE=docker.io/library/python@sha256:…
ARG BASE_IMAGE=docker.io/library/python:3.11.14-slim-bookworm

# The argument names the version.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS python
# The base image decides which Python there is.
# hadolint ignore=DL3008
RUN command -v python3 >/dev/null || { apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*; }

# Everything that is installed, in one folder. The code comes later, so that editing it installs nothing again.
FROM python AS build
# Extras of pyproject.toml, separated by commas.
ARG EXTRAS=""
# Index that torch alone is taken from, e.g. PyTorch's index of CPU builds; every version is that of constraints.txt.
ARG TORCH_INDEX_URL=""
WORKDIR /semtrace
COPY pyproject.toml constraints.txt LICENSE ./
RUN mkdir -p src/semtrace && touch README.md src/semtrace/__init__.py \
    && python3 -m venv /opt/venv \
    && if [ -n "${TORCH_INDEX_URL}" ]; then \
        /opt/venv/bin/pip install --no-cache-dir --constraint constraints.txt --index-url "${TORCH_INDEX_URL}" torch; fi \
    && /opt/venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable ".${EXTRAS:+[${EXTRAS}]}" \
    && /opt/venv/bin/pip uninstall --yes pip

FROM python
ARG BASE_IMAGE
ARG REVISION=""
LABEL org.opencontainers.image.title="semtrace" \
      org.opencontainers.image.description="Trace published electron-microscope images back to their originals" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /opt/venv /opt/venv
WORKDIR /semtrace
COPY LICENSE constraints.txt pyproject.toml dvc.yaml params.yaml .dvcignore ./
COPY .dvc/config .dvc/config
COPY conf conf
COPY pipelines pipelines
COPY data/verdicts data/verdicts
COPY src src
# What is remembered between runs lies below .cache: the side cache, compiled kernels, DVC's digests, fonts, a home.
# DVC asks for the name of the user, whom the image may not know.
ENV PATH="/opt/venv/bin:${PATH}" \
    LANG=C.UTF-8 \
    HOME=/semtrace/.cache/home \
    USER=semtrace \
    NUMBA_CACHE_DIR=/semtrace/.cache/numba \
    DVC_SITE_CACHE_DIR=/semtrace/.cache/dvc \
    DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    GIT_PYTHON_REFRESH=quiet \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# Code belongs to root; what is written to belongs to the user, and to group 0 for those who run it as another (--user UID:0).
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir "${HOME}" --shell /usr/sbin/nologin semtrace \
    && dvc config --system core.no_scm true \
    && python3 -m compileall -q src \
    && mkdir -p .cache/dvc .cache/home .cache/numba .dvc/cache .dvc/tmp data/raw/known data/releases data/work \
    && chmod -R a+rX /semtrace /etc/xdg/dvc \
    && chown 10001:0 . && chown -R 10001:0 .cache .dvc conf data params.yaml \
    && chmod g+rwX . && chmod -R g+rwX .cache .dvc conf data params.yaml
USER 10001:0
VOLUME ["/semtrace/.cache"]
ENTRYPOINT ["semtrace"]
CMD ["--help"]
