# shellcheck shell=sh
# Read by the scripts beside it. Each takes the sources of a Debian package, builds the
# program twice, as it is and with 05-percpu/malloc.h in front of every file, runs both
# on the same input, and compares what they print. Nothing of the program is changed.
# The sources come through apt-get, with a source list and a cache of their own in
# build/sources; the system's are not touched.
cd "$(dirname "$0")/../../.." || exit 1
root=$PWD
name=$(basename "$0")
work=$root/build/sources/$name
library=$root/build/release/05-percpu.a
# shellcheck disable=SC2034 # the scripts use it
header="-include $root/build/lines/05-percpu/malloc.h"

fail() { echo "tests/05-percpu/programs/$name: $*" >&2; exit 1; }

# unpack PACKAGE [FOLDERS]: leaves the upstream sources of a Debian package in
# $work/as-it-is and in $work/with-header, without their FOLDERS outer folders (1).
unpack() {
  package=$1 folders=${2:-1}
  [ -e "$library" ] || fail "there is no $library: run make heaps"
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  echo 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main' \
    > "$work/sources.list"
  set -- -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Retries=2
  if ! ls "$work"/*.orig.tar.* > /dev/null 2>&1; then
    timeout 120 apt-get "$@" update > "$work/apt.log" 2>&1 &&
      (cd "$work" && timeout 120 apt-get "$@" --download-only source "$package") >> "$work/apt.log" 2>&1 || {
      tail -n 3 "$work/apt.log" >&2
      fail "the network gave no sources of Debian's $package: nothing was compared"
    }
  fi
  for copy in as-it-is with-header; do
    rm -rf "${work:?}/$copy"
    mkdir "$work/$copy"
    for archive in "$work"/*.orig.tar.*[z2]; do
      tar xf "$archive" -C "$work/$copy" --strip-components="$folders"
    done
  done
}

# compare DESCRIPTION ARGUMENT...: runs the program of both copies, in $work, with the
# same standard input, and compares standard output and exit status.
compare() {
  description=$1
  shift
  cat > "$work/input"
  for copy in as-it-is with-header; do
    status=0
    (cd "$work" && timeout 60 "./$copy/$name" "$@" < input > "$copy.out" 2>&1) || status=$?
    echo "exit $status" >> "$work/$copy.out"
  done
  cmp -s "$work/as-it-is.out" "$work/with-header.out" || {
    diff "$work/as-it-is.out" "$work/with-header.out" | head -n 5 >&2
    fail "$description differs"
  }
  [ "$(wc -c < "$work/as-it-is.out")" -gt 7 ] || fail "$description printed nothing"
  same=$((${same:-0} + 1))
  echo "$name: $description: the same"
}

# Does the program really use our functions, and not libc's beside them?
check_calls() {
  nm "$work/with-header/$name" | grep -q ' T mymalloc$' || fail "mymalloc is not in it"
  ! nm -u "$work/with-header/$name" | grep -qE ' (malloc|calloc|realloc|strdup|strndup)@' ||
    fail "it calls libc's allocator itself"
}
