#!/bin/sh
# Looks for new inputs with libFuzzer (clang, libclang-rt-14-dev): hunt.sh TARGET [SECONDS].  What it finds goes to the corpus by hand.
set -eu
target=${1:?a target: the NAME of tests/fuzz/fuzz_NAME.c}
seconds=${2:-60}
packages=$(sed -n 's/^PACKAGES := //p' Makefile)
mkdir -p build/hunt tests/fuzz/corpus/"$target"
# shellcheck disable=SC2046,SC2086
clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE -DCHAMA_VERSION='"fuzz"' $(pkg-config --cflags $packages) \
    -o build/hunt/"$target" tests/fuzz/fuzz_"$target".c keys/*.c manifests/*.c manifests/*/*.c sync/*.c sync/*/*.c $(pkg-config --libs $packages) -lm
mkdir -p build/hunt/corpus-"$target"
exec build/hunt/"$target" -max_total_time="$seconds" -artifact_prefix=build/hunt/ build/hunt/corpus-"$target" tests/fuzz/corpus/"$target"
