# The programs that the tests profile. They have flags of their own (never sanitized, whatever the
# rest is built with) and lie in $(B)/programs. `shape` comes in every way that a binary comes in.
P := $(B)/programs
PROGRAM_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -fomit-frame-pointer
program_plain := restless alternate change deny phases giveback storm shares deep threads children altstack tailcall vdso execchain ending signals environ target split silent_fs jit
PROGRAMS := $(program_plain:%=$(P)/%) $(addprefix $(P)/,plugins library plug_one.so plug_two.so assembly plt libnothing.so \
	inlines shape shape_O0 shape_fp shape_frames shape_static shape_static_pie shape_no_pie shape_stripped shape_bare \
	shape_gz shape_debuglink shape_dwarf4 shape_debug_frame shape_musl shape_musl_static shape_clang)

programs: $(PROGRAMS)

# program OUT, SOURCES, COMPILER, FLAGS
define program
$(P)/$(1): $(addprefix tests/programs/,$(2)) tests/programs/meter.h tests/programs/programs.mk
	@mkdir -p $$(@D)
	$$(call say,PROGRAM,$$@)
	$$(Q)$(3) $(4) $(addprefix tests/programs/,$(2)) -o $$@ $(5)
endef
$(foreach p,$(program_plain),$(eval $(call program,$(p),$(p).c,gcc,$(PROGRAM_CFLAGS) -pthread)))
$(eval $(call program,plugins,plugins.c,gcc,$(PROGRAM_CFLAGS),-ldl))
$(eval $(call program,library,library.c,gcc,$(PROGRAM_CFLAGS),-ldl))
$(eval $(call program,plug_one.so,plugin.c,gcc,$(PROGRAM_CFLAGS) -shared -fPIC -DPLUGIN=plug_one))
$(eval $(call program,plug_two.so,plugin.c,gcc,$(PROGRAM_CFLAGS) -shared -fPIC -DPLUGIN=plug_two))
$(eval $(call program,assembly,assembly_main.c assembly.S,gcc,$(PROGRAM_CFLAGS)))
$(eval $(call program,libnothing.so,nothing.c,gcc,$(PROGRAM_CFLAGS) -shared -fPIC))
$(eval $(call program,plt,plt.c,gcc,$(PROGRAM_CFLAGS) -fplt -Wl$(comma)-z$(comma)lazy,-L$(P) -lnothing -Wl$(comma)-rpath$(comma)'$$$$ORIGIN'))
$(P)/plt: $(P)/libnothing.so
$(eval $(call program,inlines,inlines.cc,g++,-std=c++17 -O2 -g -Wall -fomit-frame-pointer))
$(eval $(call program,shape,shape.c,gcc,$(PROGRAM_CFLAGS)))
$(eval $(call program,shape_O0,shape.c,gcc,$(PROGRAM_CFLAGS) -O0))
$(eval $(call program,shape_fp,shape.c,clang,$(PROGRAM_CFLAGS) -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-asynchronous-unwind-tables -g0))
$(eval $(call program,shape_frames,shape.c,clang,$(PROGRAM_CFLAGS) -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer))
$(eval $(call program,shape_static,shape.c,gcc,$(PROGRAM_CFLAGS) -static))
$(eval $(call program,shape_static_pie,shape.c,gcc,$(PROGRAM_CFLAGS) -static-pie -fPIE))
$(eval $(call program,shape_no_pie,shape.c,gcc,$(PROGRAM_CFLAGS) -no-pie -fno-pie))
$(eval $(call program,shape_stripped,shape.c,gcc,$(PROGRAM_CFLAGS) -s))
$(eval $(call program,shape_bare,shape.c,gcc,$(PROGRAM_CFLAGS) -g0))
$(eval $(call program,shape_gz,shape.c,gcc,$(PROGRAM_CFLAGS) -gz=zlib))
$(eval $(call program,shape_dwarf4,shape.c,gcc,$(PROGRAM_CFLAGS) -gdwarf-4))
$(eval $(call program,shape_debug_frame,shape.c,gcc,$(PROGRAM_CFLAGS) -fno-asynchronous-unwind-tables -fno-unwind-tables))
$(eval $(call program,shape_musl,shape.c,musl-gcc,$(PROGRAM_CFLAGS)))
$(eval $(call program,shape_musl_static,shape.c,musl-gcc,$(PROGRAM_CFLAGS) -static))
$(eval $(call program,shape_clang,shape.c,clang,$(PROGRAM_CFLAGS)))
# Stripped, its names in another file that .gnu_debuglink tells of.
$(P)/shape_debuglink: $(P)/shape
	$(call say,STRIP,$@)
	$(Q)objcopy --only-keep-debug $< $@.debug
	$(Q)objcopy --strip-all --add-gnu-debuglink=$@.debug $< $@

.PHONY: programs
