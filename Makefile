# make            build/chama
# make unit       build and run the unit tests        (SANITIZE=1: under AddressSanitizer and UBSan, in build/sanitize)
# make check      everything scripts/check.sh runs
# make fuzz       replay the fuzz corpora             (make fuzz-run TARGET=page SECONDS=60: look for new inputs)
# make bench          measures chama against its peers, on data of many gigabytes (BENCH="--quick": on little data, in minutes)
# make install PREFIX=/usr/local DESTDIR=
# make clean

VERSION  := 0.1.0
PREFIX   ?= /usr/local
CC       := gcc
PACKAGES := glib-2.0 gnutls p11-kit-1 jansson libmicrohttpd libzstd libsodium lmdb sqlite3 libxxhash zlib
# Loaded when they are used (keys/library.h), and not linked.
LOADED   := libarchive libcurl libgit2 libssh2

ifdef SANITIZE
BUILD    ?= build/sanitize
EXTRA    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
BUILD    ?= build
endif

soname    = $(or $(shell objdump -p "$$($(CC) -print-file-name=$(1).so)" | sed -n 's/^ *SONAME *//p'),$(error want $(1).so, have none: scripts/packages.sh build))
SONAMES  := -DSONAME_ARCHIVE='"$(call soname,libarchive)"' -DSONAME_CURL='"$(call soname,libcurl)"' -DSONAME_GIT='"$(call soname,libgit2)"' -DSONAME_SSH='"$(call soname,libssh2)"'

CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCHAMA_VERSION='"$(VERSION)"' $(PACKAGE_CFLAGS) $(SONAMES)
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu11 -pthread -Wall -Wextra -Werror -Wno-unused-parameter -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wformat=2 -Wno-missing-field-initializers -fstack-protector-strong $(EXTRA)
# What libgit2 is to find here and not in its own libraries (manifests/ledger/git.c).
LDFLAGS  += -pthread -Wl,--export-dynamic-symbol=mbedtls_x509_crt_parse_file $(EXTRA)
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) $(LOADED))
LDLIBS   := $(shell pkg-config --libs $(PACKAGES)) -lm

LIBRARY  := $(wildcard keys/*.c manifests/*.c manifests/*/*.c sync/*.c sync/*/*.c)
PROGRAM  := $(wildcard node/*.c node/*/*.c)
UNIT     := $(wildcard tests/unit/test_*.c)
FUZZ     := $(wildcard tests/fuzz/fuzz_*.c)

UNIT_BIN := $(UNIT:tests/unit/%.c=$(BUILD)/%)
FUZZ_BIN := $(FUZZ:tests/fuzz/%.c=$(BUILD)/%)
OBJECTS  := $(patsubst %.c,$(BUILD)/o/%.o,$(LIBRARY) $(PROGRAM) $(UNIT) $(FUZZ) $(wildcard tests/fuzz/replay.c) $(wildcard tests/bench/*.c))

.PHONY: all unit check fuzz fuzz-run bench install clean
.SECONDARY:

all: $(BUILD)/chama

$(BUILD)/chama: $(PROGRAM:%.c=$(BUILD)/o/%.o) $(BUILD)/libchama.a
	@echo "LD $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libchama.a: $(LIBRARY:%.c=$(BUILD)/o/%.o)
	@echo "AR $@"
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/o/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# It makes the archives that it reads; what gitpack.c writes is read by libgit2.
$(BUILD)/test_archive: LDLIBS += $(shell pkg-config --libs libarchive)
$(BUILD)/test_gitpack: LDLIBS += $(shell pkg-config --libs libgit2)

# What it looks at belongs to the program.
$(BUILD)/test_config: $(BUILD)/o/node/config.o
$(BUILD)/test_connections: $(BUILD)/o/node/http/connections.o
$(BUILD)/test_words: $(BUILD)/o/node/report/words.o $(BUILD)/o/node/report/advice.o

$(BUILD)/test_%: $(BUILD)/o/tests/unit/test_%.o $(BUILD)/libchama.a
	@echo "LD $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

# A fuzz target is one function, LLVMFuzzerTestOneInput; replay.c feeds it the files of its corpus.
$(BUILD)/fuzz_%: $(BUILD)/o/tests/fuzz/fuzz_%.o $(BUILD)/o/tests/fuzz/replay.o $(BUILD)/libchama.a
	@echo "LD $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# How fast the machine does the parts of the work, and ledgers by themselves; only the benchmark needs them.
$(BUILD)/limits: $(BUILD)/o/tests/bench/plain_pipeline.o
$(BUILD)/limits $(BUILD)/ledgers: $(BUILD)/%: $(BUILD)/o/tests/bench/%.o $(BUILD)/libchama.a
	@echo "LD $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

unit: $(UNIT_BIN)
	@sh tests/unit/run.sh $(UNIT_BIN)

fuzz: $(FUZZ_BIN)
	@sh tests/fuzz/run.sh $(FUZZ_BIN)

fuzz-run:
	LIBRARIES='$(LDLIBS)' sh tests/fuzz/hunt.sh $(TARGET) $(or $(SECONDS),60) $(CPPFLAGS)

bench:
	sh tests/bench/run.sh $(BENCH)

check:
	sh scripts/check.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/chama $(DESTDIR)$(PREFIX)/bin/chama
	install -m 644 node/chama.1 $(DESTDIR)$(PREFIX)/share/man/man1/chama.1
	install -m 644 node/chama.service $(DESTDIR)$(PREFIX)/lib/systemd/system/chama.service

clean:
	rm -rf build

-include $(OBJECTS:.o=.d)
