# perfprof: `make help` lists the targets.
#
#   B=DIR    where everything generated goes (build)
#   V=1      show commands
#   SAN=1    address and undefined-behaviour sanitizers (in B/san)
#   CC=clang builds as well as gcc (give it a B of its own)

ifeq ($(origin CC),default)
CC := gcc
endif
B ?= build
TOP := $(B)
ifeq ($(SAN),1)
override B := $(TOP)/san
endif
Q := $(if $(V),,@)
comma := ,
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

all: $(B)/perfprof

# These install or only talk: nothing is probed for them, since the compiler itself may be missing.
UNPROBED := help clean setup check demo lint format fuzz oracle bench soak golden deb uninstall
ifneq ($(filter-out $(UNPROBED),$(or $(MAKECMDGOALS),all)),)
include tools/probe.mk
endif

VERSION := 0.1.0
# Compilers that we do not work with warn of other things, and whoever only builds must get a program:
# warnings are errors with Debian 12's gcc and clang, or as WERROR says.
ifndef WERROR
WERROR := $(if $(filter 12 14.0.6,$(shell $(CC) -dumpversion 2>/dev/null)),-Werror)
endif
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DPERFPROF_VERSION='"$(VERSION)"' -g -O2 -fno-omit-frame-pointer \
	-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wconversion -Wno-sign-conversion \
	-Wformat=2 -Wundef -Wvla $(WERROR) -Isrc -Iinclude -I$(B) $(FEATURE_CFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pthread $(LDFLAGS)
ALL_LIBS := $(FEATURE_LIBS) -lm
ifeq ($(SAN),1)
# The checks that sanitizers add make gcc warn about values that cannot occur.
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wno-error
ALL_LDFLAGS += -fsanitize=address,undefined
endif

SRC := $(sort $(filter-out %.bpf.c $(if $(FEATURE_BPF),,src/sampler/bpf%),$(wildcard src/*/*.c)))
OBJ := $(SRC:%.c=$(B)/%.o)
MAIN_OBJ := $(B)/src/cli/main.o
CORE_OBJ := $(filter-out $(MAIN_OBJ),$(OBJ))
UNIT_SRC := $(sort $(filter-out $(if $(FEATURE_BPF),,tests/unit/bpf/%),$(wildcard tests/unit/*/*_test.c)))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
# Programs in $(B)/check that print cmocka's TAP: tests/check.py runs them besides the unit tests.
CHECK_BIN :=

# Each part may bring rules of its own; they add to CORE_OBJ, CHECK_BIN and the like.
include $(wildcard src/*/*.mk web/web.mk tests/programs/*.mk tests/oracle/*.mk tools/fuzz/*.mk tools/bench/*.mk)

$(B)/perfprof: $(OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

$(B)/core.a: $(CORE_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# Rewritten only when the compiler or its flags change, so that objects then follow.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(subst ','\'',$(ALL_CFLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(subst ','\'',$(ALL_CFLAGS))' > $@
FORCE:

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/core.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $< $(B)/core.a $(ALL_LIBS) -lcmocka -o $@

unit-bins: $(UNIT_BIN)

# Builds and runs the unit tests (of one room with ROOM=base) in the present configuration.
unit: $(filter $(B)/unit/$(if $(ROOM),$(ROOM)/)%,$(UNIT_BIN))
	$(Q)set -e; for t in $^; do $$t; done

include tools/targets.mk

.PHONY: all unit unit-bins FORCE
.SECONDARY:
-include $(OBJ:%.o=%.d) $(UNIT_SRC:%.c=$(B)/%.d)
