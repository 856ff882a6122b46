#!/bin/sh
# What the sampler alone does: shares of periodic work (true share 0.25), samples and CPU time
# against rusage, and what it takes to cover 200 threads.
set -eu
programs=${PERFPROF_BUILD:-build}/programs
for mode in busy threads churn; do
	"$programs/sampling" shares "$programs/cycles" $mode 50 200
done
"$programs/sampling" shares "$programs/cycles" timer 50 20
for program in threads children; do
	"$programs/sampling" count "$programs/$program"
done
# One core kept busy with the whole copy of 64 KiB: own_cpu_s / samples is what a sample costs us.
"$programs/sampling" count "$programs/cycles" busy 300000 10000
python3 -c '
import threading, time
for _ in range(199):
	threading.Thread(target=time.sleep, args=(8,), daemon=True).start()
time.sleep(6)' &
target=$!
sleep 1
"$programs/sampling" open "$target"
"$programs/sampling" open "$target"
kill "$target"
