# Targets for people: everything beyond building. Those that need packages install them first
# (tools/setup) and then call make again, since libraries are probed when make reads its files.

# Where `make install` puts things; prefix=/usr says the same as PREFIX=/usr.
PREFIX ?= /usr/local
prefix ?= $(PREFIX)
override PREFIX := $(prefix)
bindir ?= $(prefix)/bin
includedir ?= $(prefix)/include
libdir ?= $(prefix)/lib
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
docdir ?= $(datadir)/doc/perfprof
zshdir ?= $(datadir)/zsh/site-functions
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
# Debian's own: another python3 on PATH need not have pytest.
PYTHON := $(or $(wildcard /usr/bin/python3),python3)
again = +$(Q)$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

help:
	@echo 'make            builds $(TOP)/perfprof; installs nothing'
	@echo 'make check      all tests that need no network; installs what is missing (Debian, Ubuntu)'
	@echo 'make demo       profiles sqlite3 and xz; writes $(TOP)/demo'
	@echo 'make install    prefix=$(prefix) DESTDIR=; make uninstall takes the same'
	@echo 'make deb        Debian packages in $(TOP)/deb'
	@echo 'make unit       unit tests, ROOM=base for those of one room'
	@echo 'make oracle     comparisons with tools from cargo, npm and go'
	@echo 'make lint       clang-tidy, cppcheck, shellcheck, clang-format'
	@echo 'make man        writes the options into the manual pages'
	@echo 'make format     clang-format -i on all of it'
	@echo 'make fuzz       each fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make bench      measures beside perf and samply, 8 minutes; adds to docs/bench.tsv'
	@echo 'make soak       the slow tests'
	@echo 'make golden     records tests/golden anew; review the difference'
	@echo 'make setup      only installs what is missing'
	@echo 'make clean      removes $(TOP)'
	@echo 'V=1 shows commands, SAN=1 sanitizes, CC=clang B=DIR builds with clang in DIR'

setup:
	$(Q)tools/setup

# With SAN=1 the binary that the end-to-end tests drive is sanitized too, not only the unit tests.
check:
	$(Q)tools/setup
	$(again) SAN= check-build
	$(again) SAN=1 check-build-san $(if $(filter 1,$(SAN)),$(TOP)/san/perfprof)
	$(Q)$(if $(filter 1,$(SAN)),PERFPROF=$(CURDIR)/$(TOP)/san/perfprof )$(PYTHON) tests/check.py --build $(TOP)

# What the runner expects: the binary, the profiled programs and comparing programs as users get
# them; unit tests and the replay of the fuzzers' corpora under sanitizers.
check-build: all programs $(CHECK_BIN)
check-build-san: unit-bins fuzz-replay

golden:
	$(again) check-build
	$(Q)PERFPROF_GOLDEN=record $(PYTHON) tests/check.py --build $(TOP) --only tests/golden
	$(Q)git --no-pager diff --stat -- tests/golden

oracle:
	$(Q)tools/setup
	$(again) check-build
	$(Q)$(PYTHON) tests/check.py --build $(TOP) --marked network

soak:
	$(Q)tools/setup build check demo deb
	$(again) check-build
	$(Q)$(PYTHON) tests/check.py --build $(TOP) --marked slow

bench:
	$(Q)tools/setup
	$(again) bench-run

bench-run: $(B)/perfprof programs $(B)/bench/unwind
	$(Q)$(PYTHON) tools/bench/bench.py --build $(TOP)

demo:
	$(Q)tools/setup build demo
	$(again) all
	$(Q)tools/demo.sh $(TOP)

lint:
	$(Q)tools/setup
	$(Q)tools/lint.sh

man: $(B)/perfprof
	$(Q)tools/man.py $(B)/perfprof

format:
	$(Q)find src tests tools -name '*.[ch]' | xargs clang-format -i

fuzz:
	$(Q)tools/setup
	+$(Q)$(MAKE) --no-print-directory -j$(JOBS) CC=clang B=$(TOP)/fuzz CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' \
		LDFLAGS='-fsanitize=address,undefined' fuzz-bins
	$(Q)tools/fuzz.sh $(TOP) $(FUZZ_SECONDS)

FUZZ_SRC := $(sort $(wildcard tools/fuzz/*_fuzz.c))
FUZZ_BIN := $(FUZZ_SRC:tools/fuzz/%.c=$(B)/bin/%)
FUZZ_REPLAY := $(FUZZ_SRC:tools/fuzz/%_fuzz.c=$(B)/replay/%)

$(B)/bin/%_fuzz: $(B)/tools/fuzz/%_fuzz.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $< $(B)/core.a $(ALL_LIBS) -o $@

$(B)/replay/%: $(B)/tools/fuzz/%_fuzz.o $(B)/tools/fuzz/replay.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

fuzz-bins: $(FUZZ_BIN)
fuzz-replay: $(FUZZ_REPLAY)
-include $(FUZZ_SRC:%.c=$(B)/%.d)

COMPLETIONS = $(addprefix $(B)/completions/,perfprof.bash _perfprof perfprof.fish)

$(B)/completions/perfprof.bash: SHELL_NAME = bash
$(B)/completions/_perfprof: SHELL_NAME = zsh
$(B)/completions/perfprof.fish: SHELL_NAME = fish
$(COMPLETIONS): $(B)/perfprof
	@mkdir -p $(@D)
	$(Q)$(B)/perfprof completion $(SHELL_NAME) > $@.new && mv $@.new $@

INSTALL_FILES = $(B)/perfprof $(COMPLETIONS) $(B)/libperfprof.a $(B)/libperfprof.so $(B)/perfprof.pc

install: $(INSTALL_FILES)
	$(Q)DESTDIR='$(DESTDIR)' bindir='$(bindir)' libdir='$(libdir)' includedir='$(includedir)' datadir='$(datadir)' \
		mandir='$(mandir)' docdir='$(docdir)' zshdir='$(zshdir)' tools/install.sh install $(B) $(VERSION)

uninstall:
	$(Q)DESTDIR='$(DESTDIR)' bindir='$(bindir)' libdir='$(libdir)' includedir='$(includedir)' datadir='$(datadir)' \
		mandir='$(mandir)' docdir='$(docdir)' zshdir='$(zshdir)' tools/install.sh uninstall $(B) $(VERSION)

deb:
	$(Q)tools/setup build deb
	$(Q)DEB_BUILD_OPTIONS='parallel=$(JOBS) '"$$DEB_BUILD_OPTIONS" tools/deb.sh $(TOP) $(VERSION)

clean:
	rm -rf $(TOP)

.PHONY: help setup format man check check-build check-build-san golden oracle soak bench bench-run demo lint fuzz \
	fuzz-bins fuzz-replay install uninstall deb clean programs
