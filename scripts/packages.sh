#!/bin/sh
# Makes sure that the Debian packages which chama is built and tested with are installed: as root, with sudo, or by saying what to type.
#   packages.sh build   compiler, libraries
#   packages.sh test    the programs that tests and the demo use, too
#   packages.sh bench   what chama is measured against, too
# Debian starts servers when it installs them (sshd for tests, nginx for bench); here none is, until the next boot (`systemctl disable ssh nginx`): tests start their own, as an
# ordinary user.
set -eu

build="build-essential pkg-config libglib2.0-dev libgit2-dev libgnutls28-dev libp11-kit-dev libarchive-dev libjansson-dev libmicrohttpd-dev
libcurl4-gnutls-dev libssh2-1-dev libzstd-dev libsodium-dev liblmdb-dev libsqlite3-dev libxxhash-dev zlib1g-dev"
test="git openssh-client openssl zstd curl sqlite3 python3 zip unzip strace libarchive-tools man-db softhsm2 opensc
openssh-server openssh-sftp-server iproute2"
bench="borgbackup restic casync ostree rsync nginx-light git-annex util-linux e2fsprogs"

case ${1:-build} in
build) wanted=$build ;;
test) wanted="$build $test" ;;
bench) wanted="$build $test $bench" ;;
*) echo "usage: packages.sh [build|test|bench]" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    printf '%s\n' "These packages are missing. Install them as root, then start again:" "    apt-get update && $install" >&2
    exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
quiet=/usr/sbin/policy-rc.d     # asked by Debian before it starts a server: 101 is "no"
made=
# shellcheck disable=SC2086
if [ ! -e $quiet ] && printf '#!/bin/sh\nexit 101\n' | $as_root tee $quiet >/dev/null && $as_root chmod 755 $quiet; then made=yes; fi
trap '[ -z "$made" ] || $as_root rm -f $quiet' EXIT
# shellcheck disable=SC2086
if ! { $as_root apt-get update -qq && $as_root $install; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    exit 1
fi
rm -f "$log"
