#!/usr/bin/env bash
# Build the image and run it, without an engine and without an image registry, and compare its results with the host's.
# `make container-test` calls it; as root, with Debian's buildah and debootstrap.
#
#   CONTAINER_DIR            folder to work in, some 8 GB, removed at the end; .container
#   CONTAINER_KEEP           1: the folder stays, with its logs and the image
#   CONTAINER_PACKAGES       what the base has besides Debian's minimum; Python as the default base has it, or nothing
#   EXTRAS, TORCH_INDEX_URL  build arguments
#   SSL_CERT_FILE, PIP_INDEX_URL, PIP_FIND_LINKS (a folder)   how pip reaches packages here; mounted for the build alone
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin

absent=()
for program in buildah debootstrap; do command -v "$program" >/dev/null || absent+=("$program"); done
if [ ${#absent[@]} != 0 ]; then
    echo "container-test: ${absent[*]} not found; on Debian: apt-get install --no-install-recommends ${absent[*]}" >&2
    exit 2
fi
if [ "$(id -u)" != 0 ]; then
    echo "container-test: debootstrap and buildah's chroot isolation need root" >&2
    exit 2
fi

work=$(realpath -m "${CONTAINER_DIR:-.container}")
if [ -e "$work" ]; then
    echo "container-test: $work is there already; remove it, or name another as CONTAINER_DIR" >&2
    exit 2
fi
mkdir -p "$work"/{dvc,out}
host=$work/host
bud() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }
finish() {
    status=$?
    [ -n "${CONTAINER_KEEP:-}" ] || { bud rm --all && bud rmi --all --force && rm -rf "$work"; } >/dev/null
    [ $status = 0 ] || echo "container-test: FAILED" >&2
}
trap finish EXIT
say() { printf 'container-test: %4d s  %s\n' $SECONDS "$*"; }
expect() { [ "$2" = "$3" ] || { echo "container-test: $1 is '$2', not '$3'" >&2; exit 1; }; }

# --- a base as the default one is: Debian with Python, nothing else
packages=${CONTAINER_PACKAGES-python3,python3-venv,ca-certificates}
debootstrap --variant=minbase ${packages:+--include="$packages"} bookworm "$work/base" >"$work/debootstrap.log" 2>&1 ||
    { tail "$work/debootstrap.log" >&2; exit 1; }
base=$(bud from scratch)
tar -C "$work/base" -cf "$work/base.tar" .
bud add --quiet "$base" "$work/base.tar" / >/dev/null
bud commit --quiet "$base" localhost/python:bookworm >/dev/null
bud rm "$base" >/dev/null
rm -rf "$work/base" "$work/base.tar"
say "base made"

# --- the image
network=()
echo '[global]' >"$work/pip.conf"
if [ -n "${SSL_CERT_FILE:-}" ]; then
    network+=(--volume "$SSL_CERT_FILE:/run/host-ca.crt:ro")
    echo 'cert = /run/host-ca.crt' >>"$work/pip.conf"
fi
[ -z "${PIP_INDEX_URL:-}" ] || echo "index-url = $PIP_INDEX_URL" >>"$work/pip.conf"
if [ -d "${PIP_FIND_LINKS:-}" ]; then
    network+=(--volume "$PIP_FIND_LINKS:/run/host-wheels:ro")
    echo 'find-links = /run/host-wheels' >>"$work/pip.conf"
fi
bud bud --quiet --isolation chroot --layers=false --volume "$work/pip.conf:/etc/pip.conf:ro" "${network[@]}" \
    --build-arg BASE_IMAGE=localhost/python:bookworm --build-arg EXTRAS="${EXTRAS:-}" \
    --build-arg TORCH_INDEX_URL="${TORCH_INDEX_URL:-}" --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || true)" \
    --tag localhost/semtrace:test . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }
say "image built: $(bud images --format '{{.Size}}' localhost/semtrace:test)"

configured() { bud inspect --type image --format "{{.OCIv1.Config.$1}}" localhost/semtrace:test; }
expect "its user" "$(configured User)" 10001:0
expect "its entry point" "$(configured Entrypoint)" "[semtrace]"
for label in title description version revision licenses base.name; do
    configured Labels | grep -q "org.opencontainers.image.$label:[^ ]" || expect "label $label" missing there
done

# --- the same small archive for the host and the container
settings=(synthetic.originals=40 synthetic.published=30 synthetic.width=320 tracking=off
    "release.title=Small pictures" release.licence=CC-BY-4.0 "release.description=Small pictures of a test."
    "release.creators=[{name: The group}]")
mkdir -p "$host"
cp -r conf dvc.yaml constraints.txt "$host"
(
    cd "$host"
    semtrace params "${settings[@]}"
    semtrace generate
    semtrace run
    semtrace release --version 1.0.0 --date 2026-01-01 --allow conflicts --allow uncommitted --allow stale
) >"$work/host.log" 2>&1 || { tail "$work/host.log" >&2; exit 1; }
say "host's results made"

# --- in the container: not root, inputs read-only
chown 10001:0 "$work/out"
chown 4321:0 "$work/dvc"
inside=$(bud from localhost/semtrace:test)
in_container() { # USER OUTPUTS COMMAND…
    bud run --isolation chroot --user "$1" --volume "$host/data/raw:/semtrace/data/raw:ro" --volume "$2:/semtrace/data/work" \
        --volume "$host/data/releases:/semtrace/data/releases:ro" "$inside" -- "${@:3}"
}
user=10001:0
expect "who it runs as" "$(in_container $user "$work/out" id -u)" 10001
tools=$(in_container $user "$work/out" sh -c 'command -v cc || command -v gcc || command -v ld || command -v make || true')
expect "build tools in it" "$tools" ""
! in_container $user "$work/out" touch data/raw/written 2>/dev/null || expect "data/raw" writable read-only
! in_container $user "$work/out" touch src/semtrace/written 2>/dev/null || expect "the code" writable read-only
expect "what is in it" "$(in_container $user "$work/out" ls -A | tr '\n' ' ')" \
    ".cache .dvc .dvcignore LICENSE conf constraints.txt data dvc.yaml params.yaml pipelines pyproject.toml src "

in_container $user "$work/out" semtrace --help >/dev/null
say "semtrace --help"
in_container $user "$work/out" semtrace run "${settings[@]}" >"$work/run.log" 2>&1 || { tail "$work/run.log" >&2; exit 1; }
diff -r "$host/data/work" "$work/out"
say "semtrace run: all $(find "$work/out" -type f | wc -l) files as on the host, byte for byte"
in_container $user "$work/out" semtrace verify --full data/releases/sem-dataset-1.0.0
printf x >>"$host/data/releases/sem-dataset-1.0.0/README.md"
! in_container $user "$work/out" semtrace verify data/releases/sem-dataset-1.0.0 >/dev/null 2>&1 ||
    expect "a changed release" verified refused
say "semtrace verify"

# --- the same by DVC, without Git, in a new container, as any other user of group 0
bud rm "$inside" >/dev/null
inside=$(bud from localhost/semtrace:test)
own=(dataset=archive dataset.archive=data/raw/synthetic/archive dataset.published=data/raw/synthetic/published
    dataset.known=data/raw/synthetic/known)
in_container 4321:0 "$work/dvc" sh -euc 'semtrace params "$@"; dvc repro; dvc repro' dvc "${settings[@]}" "${own[@]}" \
    >"$work/dvc.log" 2>&1 || { tail "$work/dvc.log" >&2; exit 1; }
expect "the second dvc repro" "$(tail -1 "$work/dvc.log")" "Data and pipelines are up to date."
diff -r "$host/data/work" "$work/dvc"
say "dvc repro: the same; run again, it does nothing"
say "passed"
