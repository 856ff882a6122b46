# libperfprof: the rooms lib, base, profile and format, for other programs (include/perfprof.h).
# src/lib/perfprof.map is the list of what it exports; everything else is hidden.

LIB_MAJOR := 0
LIB_SONAME := libperfprof.so.$(LIB_MAJOR)
LIB_OBJ := $(filter $(foreach room,lib base profile format,$(B)/src/$(room)/%),$(CORE_OBJ))
# Recordings are kept safe with calls of Linux, which no reader needs.
LIB_OBJ := $(filter-out $(B)/src/base/part_file.o,$(LIB_OBJ))
LIB_LIBS := -lz

# One compilation serves the program and both libraries: hidden names cost position-independent code
# no detour. Private, or $(B)/flags, which is made on the objects' behalf, would be written with them.
$(LIB_OBJ): private ALL_CFLAGS += -fPIC -fvisibility=hidden
$(LIB_OBJ): src/lib/lib.mk

all: $(B)/libperfprof.a $(B)/libperfprof.so $(B)/perfprof.pc

$(B)/libperfprof.so: $(LIB_OBJ) src/lib/perfprof.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(LIB_SONAME) -Wl,-z,defs \
		-Wl,--version-script,src/lib/perfprof.map $(LIB_OBJ) $(LIB_LIBS) -o $@
	$(Q)ln -sf libperfprof.so $(B)/$(LIB_SONAME)

# One object, in which hidden names have become local: a program that links it may have functions of
# the same names.
$(B)/libperfprof.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib $(LIB_OBJ) -o $(B)/libperfprof.o
	$(Q)objcopy --localize-hidden $(B)/libperfprof.o
	$(Q)rm -f $@ && ar rcs $@ $(B)/libperfprof.o && rm -f $(B)/libperfprof.o

$(B)/perfprof.pc: src/lib/perfprof.pc.in Makefile tools/targets.mk FORCE
	@mkdir -p $(@D)
	@sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' $< | cmp -s - $@ || \
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(includedir)|' \
		-e 's|@version@|$(VERSION)|' $< > $@
