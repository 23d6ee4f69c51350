#!/bin/sh
# Looks for new inputs with libFuzzer (clang, libclang-rt-14-dev): `make fuzz-run TARGET=page SECONDS=60`, which calls hunt.sh TARGET SECONDS COMPILER-FLAGS... with
# LIBRARIES set.  What it finds goes to the corpus by hand.
set -eu
target=${1:?a target: the NAME of tests/fuzz/fuzz_NAME.c}
seconds=${2:?seconds}
shift 2
mkdir -p build/hunt tests/fuzz/corpus/"$target"
# shellcheck disable=SC2086
clang -g -O1 -fsanitize=fuzzer,address,undefined "$@" -o build/hunt/"$target" tests/fuzz/fuzz_"$target".c keys/*.c manifests/*.c manifests/*/*.c sync/*.c sync/*/*.c \
    ${LIBRARIES:?}
mkdir -p build/hunt/corpus-"$target"
exec build/hunt/"$target" -max_total_time="$seconds" -artifact_prefix=build/hunt/ build/hunt/corpus-"$target" tests/fuzz/corpus/"$target"
