# perfprof: `make help` lists the targets.
#
#   B=DIR    where everything generated goes (build)
#   V=1      show commands
#   SAN=1    address and undefined-behaviour sanitizers (in B/san)
#   CC=clang builds as well as gcc

ifeq ($(origin CC),default)
CC := gcc
endif
B ?= build
ifeq ($(SAN),1)
override B := $(B)/san
endif
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

all: $(B)/perfprof

include tools/probe.mk

VERSION := 0.1.0
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DPERFPROF_VERSION='"$(VERSION)"' -g -O2 -fno-omit-frame-pointer \
	-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wconversion -Wno-sign-conversion \
	-Wformat=2 -Wundef -Wvla -Werror -Isrc -Iinclude -I$(B) $(FEATURE_CFLAGS) $(CFLAGS)
ALL_LDFLAGS := -pthread $(LDFLAGS)
ALL_LIBS := $(FEATURE_LIBS) -lm
ifeq ($(SAN),1)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined
ALL_LDFLAGS += -fsanitize=address,undefined
endif

SRC := $(sort $(filter-out %.bpf.c,$(wildcard src/*/*.c)))
OBJ := $(SRC:%.c=$(B)/%.o)
MAIN_OBJ := $(B)/src/cli/main.o
CORE_OBJ := $(filter-out $(MAIN_OBJ),$(OBJ))
UNIT_SRC := $(sort $(wildcard tests/unit/*/*_test.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)

$(B)/perfprof: $(OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(ALL_LIBS) -o $@

$(B)/core.a: $(CORE_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c Makefile tools/probe.mk
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

clean:
	rm -rf $(B)

.PHONY: all unit unit-bins clean
.SECONDARY:
-include $(OBJ:%.o=%.d) $(UNIT_SRC:%.c=$(B)/%.d)
