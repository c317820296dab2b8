# Shared by the scripts in this folder; sourced, never run. Leaves the caller in the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Standard output belongs to the program that a script ends with: what a script says goes to standard error.
say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# configure PRESET [cmake arguments]: does nothing when the build files are there and newer than the presets.
# ninja itself runs cmake again when a CMakeLists.txt or the list of sources has changed.
configure() {
  local preset=$1 log="build/$1/configure.log"
  shift
  if [[ -f build/$preset/build.ninja && ! CMakePresets.json -nt build/$preset/build.ninja ]]; then return; fi
  mkdir -p "build/$preset"
  if command -v ccache >/dev/null; then
    set -- "$@" -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
  say "configuring build/$preset"
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "build/$preset/CMakeCache.txt"  # half a configuration would be taken for a whole one
    fail "cmake failed; its whole output is in $log"
  fi
}

# build PRESET [targets]: one live line on a terminal, a line for every tenth of the work elsewhere.
build() {
  local preset=$1 log="build/$1/build.log" jobs
  shift
  jobs=$(nproc)
  local -a ninja=(ninja -C "build/$preset" -j "$jobs" "$@")
  if [[ -t 2 ]]; then
    NINJA_STATUS='building [%f/%t, %es] ' "${ninja[@]}" >&2 || fail "the build failed, see above"
    return
  fi
  if ! NINJA_STATUS='[%f/%t %e] ' "${ninja[@]}" 2>&1 | tee "$log" | awk '
      match($0, /^\[[0-9]+\/[0-9]+ [0-9.]+\]/) {
        split(substr($0, 2, RLENGTH - 2), part, /[\/ ]/)
        tenth = int(part[1] * 10 / part[2])
        if (part[2] > 1 && tenth > shown) {
          printf "building: %d of %d steps, %d s\n", part[1], part[2], part[3]
          fflush()
          shown = tenth
        }
      }' >&2; then
    # From the first failure on: what follows an error is mostly its consequence.
    awk '/^FAILED: |^ninja: error/ { failed = 1 } failed && ++n <= 40 && !/^\[[0-9]+\// { print }' "$log" >&2
    fail "the build failed; its whole output is in $log"
  fi
}

# The prebuilt llama.cpp of the npm package @node-llama-cpp/linux-x64, with all its instruction-set variants, in the
# folder SPUTNIK_BENCH_PEER.
install_peer() {
  local version=${SPUTNIK_BENCH_PEER_VERSION:-3.22.1}
  export SPUTNIK_BENCH_PEER=${SPUTNIK_BENCH_PEER:-${XDG_CACHE_HOME:-$HOME/.cache}/sputnik/bench-$version}
  script/bootstrap peer
  if [[ -d $SPUTNIK_BENCH_PEER/node_modules/@node-llama-cpp/linux-x64 ]]; then return; fi
  say "installing @node-llama-cpp/linux-x64 $version into $SPUTNIK_BENCH_PEER"
  mkdir -p "$SPUTNIK_BENCH_PEER"
  echo '{"private": true}' >"$SPUTNIK_BENCH_PEER/package.json"
  npm install --prefix "$SPUTNIK_BENCH_PEER" --ignore-scripts --no-audit --no-fund --loglevel=error \
    "@node-llama-cpp/linux-x64@$version" >&2 || fail "npm could not install the peer"
}
