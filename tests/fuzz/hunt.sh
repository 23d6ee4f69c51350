#!/bin/sh
# Looks for new inputs with libFuzzer (clang, libclang-rt-14-dev): `make fuzz-run TARGET=page SECONDS=60`, which calls hunt.sh TARGET SECONDS COMPILER-FLAGS... with
# LIBRARIES set.  What it finds goes to the corpus by hand.
set -eu
target=${1:?a target: the NAME of tests/fuzz/fuzz_NAME.c}
seconds=${2:?seconds}
shift 2
mkdir -p build/hunt tests/fuzz/corpus/"$target"
how="-g -O1 -std=gnu11 -pthread -fno-omit-frame-pointer -fsanitize=address,undefined"
# Once for all targets.
make -s -j"$(nproc)" CC=clang BUILD=build/hunt CFLAGS="$how -fsanitize=fuzzer-no-link" build/hunt/libchama.a
# shellcheck disable=SC2086
clang $how -fsanitize=fuzzer "$@" -o build/hunt/"$target" tests/fuzz/fuzz_"$target".c build/hunt/libchama.a ${LIBRARIES:?}
mkdir -p build/hunt/corpus-"$target"
exec build/hunt/"$target" -max_total_time="$seconds" -artifact_prefix=build/hunt/ build/hunt/corpus-"$target" tests/fuzz/corpus/"$target"
