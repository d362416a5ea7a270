#!/usr/bin/env bash
# Installs what building and testing needs. Safe to run again; quick when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root: run './dev setup' as root, or install sudo"
  fi
}

missing_packages() {
  local package wanted=()
  mapfile -t wanted < <(grep -v '^#' scripts/packages.txt)
  command -v node >/dev/null || wanted+=(nodejs)
  command -v npm >/dev/null || wanted+=(npm)
  # dpkg-query fails when it does not know one of the names; its output still lists the others.
  local installed
  installed=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' "${wanted[@]}" 2>/dev/null || true)"
  for package in "${wanted[@]}"; do
    [[ $installed == *" $package=installed "* ]] || printf '%s\n' "$package"
  done
}

install_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is no Debian: install the packages of scripts/packages.txt by their names here, then build with cmake"
  local missing=()
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
    say "apt-get update had errors; trying with what it has"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install the packages above; see its last lines"
}

# fetch NAME@VERSION SHA512(base64) FILE...: files of an npm package, checked against the pinned sum.
fetch() {
  local package=$1 sum=$2
  shift 2
  local scratch archive actual file
  scratch=$(mktemp -d .deps/fetch.XXXXXX)
  say "fetching $package"
  archive=$(npm pack --loglevel=error --pack-destination "$scratch" "$package" | tail -1) ||
    die "npm could not fetch $package; check the network and the proxy settings of npm"
  actual=$(openssl dgst -sha512 -binary "$scratch/$archive" | base64 -w0)
  [ "$actual" = "$sum" ] || die "$package has sha512-$actual, expected sha512-$sum: not used"
  for file in "$@"; do
    tar -xzf "$scratch/$archive" -C "$scratch" "$file"
    mv "$scratch/$file" .deps/duckdb/
  done
  rm -rf "$scratch"
}

install_duckdb() {
  local machine library_sum header_sum stamp
  machine=$(uname -m)
  library_sum='jBTL/WvfwxLToFa/pVHfT6elMtltJGnc3wSuxZD9OfMltit9YUdVFS37vBFQzXMT1Z8OWjtSjMh+zPKxOwHLHA=='
  header_sum='hEJJ5hyVF0VLj3dmOLpsWrQR0b3d4Ykqtygm6iUXjHJDDnSqg/USKxcb5qvNrOhFYPgktayU6dXCtgPqcmmpog=='
  stamp="1.4.4-r.4 $library_sum $header_sum"
  if [ -f .deps/duckdb/libduckdb.so ] && [ -f .deps/duckdb/duckdb.h ] &&
    [ "$(cat .deps/duckdb/stamp 2>/dev/null)" = "$stamp" ]; then
    return 0
  fi
  if [ "$machine" != x86_64 ]; then
    say "no pinned DuckDB for $machine: install it, and set DUCKDB_INCLUDE_DIR and DUCKDB_LIBRARY for cmake"
    return 0
  fi
  mkdir -p .deps/duckdb
  rm -rf .deps/fetch.??????  # of a run that was cut short
  fetch '@duckdb/node-bindings-linux-x64@1.4.4-r.4' "$library_sum" package/libduckdb.so
  fetch 'duckdb@1.4.4' "$header_sum" package/src/duckdb/src/include/duckdb.h
  printf '%s\n' "$stamp" >.deps/duckdb/stamp
}

install_test_packages() {
  [ -f tests/package-lock.json ] || return 0
  local stamp
  stamp=$(sha256sum <tests/package-lock.json)
  [ -d tests/node_modules ] && [ "$(cat .deps/node.stamp 2>/dev/null)" = "$stamp" ] && return 0
  say "installing the packages of the tests (npm ci)"
  (cd tests && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts) ||
    die "npm ci failed in tests/: check the network; run it there by hand to see why"
  printf '%s\n' "$stamp" >.deps/node.stamp
}

mkdir -p .deps
install_packages
install_duckdb
install_test_packages
