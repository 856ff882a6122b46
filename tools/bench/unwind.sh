#!/bin/sh
# Unwinding: tables, ns a frame, libunwind beside it.
# shellcheck disable=SC2016
bench=$PERFPROF_BUILD/bench/unwind
[ -x "$bench" ] || make -s B="$PERFPROF_BUILD" "$bench" > /dev/null || exit 1
echo "# python3"
"$bench" -l -n 500 python3 -c '
import json
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
f(24)
json.loads(json.dumps([{"a": i, "b": str(i) * 3} for i in range(40000)]))'
echo "# g++"
"$bench" -l -n 500 g++ -O2 -c tests/oracle/programs/templates.cc -o /dev/null
