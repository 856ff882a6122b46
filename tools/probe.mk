# What this machine has, found by compiling small programs that use the very calls that we need.
# Results are kept in $(B)/features.mk; remove it (or `make clean`) to probe again.
FEATURE_CFLAGS :=
FEATURE_LIBS := -ldw -lelf -lunwind-x86_64 -lunwind -lcjson -lz -lzstd -llzma -liberty
