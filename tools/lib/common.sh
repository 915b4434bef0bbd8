# Helpers that the scripts in tools/ share. Sourced by bash, never run.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

# What the package links against, and what its headers need.
build_packages=(
    librocksdb-dev libssl-dev libnghttp2-dev libsimdjson-dev libre2-dev
    zlib1g-dev liblz4-dev libsnappy-dev libbz2-dev libzstd-dev pkg-config
)

if [ -t 1 ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' red='' plain=''
fi

headline() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
remark() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
fail() {
    printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root, and there is no sudo: install these yourself: $*"
    fi
}

# need_packages NAME... : installs the Debian packages that are missing; says so, and nothing if
# none is.
need_packages() {
    command -v apt-get >/dev/null || {
        remark "no apt-get here: $* must be installed already"
        return 0
    }
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    remark "installing ${missing[*]}"
    local log
    log="$(mktemp)"
    # The lists may be old or missing: they are fetched only if the first attempt fails.
    if ! as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        as_root apt-get update >"$log" 2>&1 &&
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 || {
            tail -20 "$log" >&2
            rm -f "$log"
            fail "apt-get could not install ${missing[*]}"
        }
    fi
    rm -f "$log"
}

need_swift() {
    command -v swift >/dev/null ||
        fail "no swift here: install Swift 6.2 or later, see https://swift.org/install/linux"
}

# build_release : builds strm in release mode and sets $strm to the program.
build_release() {
    local log begin
    log="$(mktemp)"
    begin=$SECONDS
    remark "building (release; the first time takes some minutes)"
    if ! (cd "$root" && swift build -c release --product strm) >"$log" 2>&1; then
        grep -E 'error' "$log" | head -20 >&2 || true
        tail -5 "$log" >&2
        fail "the build failed; all of its output is in $log"
    fi
    rm -f "$log"
    strm="$root/.build/release/strm"
    remark "built in $((SECONDS - begin)) s"
}
