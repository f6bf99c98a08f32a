#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How fast the logger takes 1 GiB of ordinary lines from a service to its log, and `cat` the same from
# a pipe to a file; that all of it is there; and what the logger does while nothing is written.
. "$(dirname "$0")/../integration/lib.sh"
mib=$((1024 * ${1:-100} / 100))
rounds=3

die() {
	echo "$1" >&2
	exit 1
}

sample() { # sample WAY MIB_PER_SECOND
	echo "1 GiB of lines,$round,$1,$2,MB/s"
	printf '%-40s %8s MB/s\n' "round $round: $1" "$2" >&2
}

mb_per_second() { # mb_per_second MILLISECONDS
	echo $((size / 1000 / $1))
}

of_logger() { # of_logger COMMAND: of its process
	"$1" "$(cat "$root/logger/cgroup.procs")"
}

all_logged() {
	[ "$("$CGKILLCTL" logs -o cat flood | md5sum)" = "$sum" ]
}

echo case,sample,way,value,unit
line=$(printf 'request %%d from 192.0.2.1: GET /index.html 200, %s' 'some words that make it 84 bytes')
awk -v n=$((mib * 1048576 / 84)) -v f="$line\n" 'BEGIN { for (i = 0; i < n; i++) printf f, i }' >"$dir/data"
size=$(stat -c %s "$dir/data")
start_cgkilld --log-max-size=256M --log-max-files=32 || die 'cgkilld does not start'
simple_unit flood Type=oneshot "ExecStart=/bin/cat $dir/data" '[Unit]' StartLimitIntervalSec=0
sum=$(md5sum <"$dir/data")
for ((round = 1; round <= rounds; round++)); do
	rm -f "$CGKILL_RUNTIME_DIR"/log/flood.service.log* "$dir/copy"
	start=$(now_ms)
	# shellcheck disable=SC2002 # as a service does it: from a process, through a pipe
	/bin/cat "$dir/data" | /bin/cat >"$dir/copy"
	cat_ms=$(($(now_ms) - start))
	rm "$dir/copy"
	sample cat "$(mb_per_second $cat_ms)"
	"$CGKILLCTL" start flood || die 'the service fails' # which begins, and ends, with the logger running
	rm -f "$CGKILL_RUNTIME_DIR"/log/flood.service.log*
	cpu=$(of_logger cpu_ms)
	start=$(now_ms)
	"$CGKILLCTL" start flood || die 'the service fails'
	wall=$(($(now_ms) - start))
	wait_until all_logged || die 'what was logged is not what was written'
	cpu=$(($(of_logger cpu_ms) - cpu))
	sample 'logger, by the clock' "$(mb_per_second $wall)"
	sample 'logger, by its CPU time' "$(mb_per_second $cpu)"
	echo "1 GiB of lines,$round,ratio to cat,$((100 * cat_ms / wall)),%"
	printf '%-40s %8s %%\n' 'of the speed of cat' $((100 * cat_ms / wall)) >&2
done
