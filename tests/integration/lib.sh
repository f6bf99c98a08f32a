# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the end-to-end tests (*.test here) share: a cgkilld of the test's own, words for what is
# expected, and a teardown that runs whatever happens. Sourced first; TAP on standard output.
#
# The programs come from $CGKILLD and $CGKILLCTL, the helpers from $CGKILL_TESTLIB; all are below
# $CGKILL_BUILDDIR otherwise. Everything the test makes is in $dir and below the cgroup $root.
set -u
: "${CGKILL_SRCDIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${CGKILL_BUILDDIR:=$PWD}"
CGKILLD=$(realpath "${CGKILLD:-$CGKILL_BUILDDIR/src/cgkilld}")
CGKILLCTL=$(realpath "${CGKILLCTL:-$CGKILL_BUILDDIR/src/cgkillctl}")
CGKILL_TESTLIB=$(realpath "${CGKILL_TESTLIB:-$CGKILL_BUILDDIR/tests/lib}")
. "$CGKILL_SRCDIR/contrib/lib.sh"
unset NOTIFY_SOCKET JOURNAL_STREAM

# shellcheck disable=SC2034 # for who sources this
patient=$CGKILL_TESTLIB/patient
# shellcheck disable=SC2034
notifier=$CGKILL_TESTLIB/notifier
# shellcheck disable=SC2034
unkillable=$CGKILL_TESTLIB/unkillable
# How many times slower this machine is than one that a test's times are meant for: an emulated one.
slowness=${CGKILL_TEST_SLOWNESS:-1}
limit=$((10 * slowness)) # seconds that anything is waited for at most

# --- results -----------------------------------------------------------------------------------

tests=0

note() {
	sed 's/^/# /' <<<"$*"
}

pass() { # pass TEXT
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

fail() { # fail TEXT [DIAGNOSTIC]
	tests=$((tests + 1))
	echo "not ok $tests - $1"
	[ -z "${2-}" ] || note "$2"
	if [ -s "$dir/log" ]; then
		note "cgkilld:
$(tail -n 20 "$dir/log")"
	fi
}

ok() { # ok TEXT COMMAND…
	local text=$1

	shift
	if "$@"; then
		pass "$text"
	else
		fail "$text" "failed: $*"
	fi
}

is() { # is GOT WANTED TEXT
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3" "got:
$1
wanted:
$2"
	fi
}

like() { # like GOT REGEX TEXT
	if [[ $1 =~ $2 ]]; then
		pass "$3"
	else
		fail "$3" "got:
$1
wanted something like: $2"
	fi
}

unlike() { # unlike GOT REGEX TEXT
	if [[ $1 =~ $2 ]]; then
		fail "$3" "got:
$1
did not want: $2"
	else
		pass "$3"
	fi
}

skip() { # skip TEXT REASON
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all() { # skip_all REASON
	echo "1..0 # SKIP $1"
	exit 0
}

not() {
	! "$@"
}

# between MIN VALUE MAX
between() {
	[ "$2" -ge "$1" ] && [ "$2" -le "$3" ] || ! note "$2 is not in $1..$3"
}

# took MIN TIME MAX: what it may take above MIN is work, for which a slow machine has more time.
took() {
	between "$1" "$2" $(($1 + ($3 - $1) * slowness))
}

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}

	echo $((us / 1000))
}

# wait_until COMMAND…: tries again until it succeeds, for $limit seconds.
wait_until() {
	local until=$((SECONDS + limit))

	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.01
	done 2>/dev/null
}

# run COMMAND…: its exit status in $code, its output in $out, the time it took in $ms.
run() {
	local start

	start=$(now_ms)
	out=$(timeout -k 1 $((30 * slowness)) "$@" 2>&1 </dev/null)
	code=$?
	# shellcheck disable=SC2034
	ms=$(($(now_ms) - start))
}

ctl() {
	run "$CGKILLCTL" "$@"
}

# ctl_is CODE TEXT ARGUMENT…: cgkillctl with these arguments exits with this code.
ctl_is() {
	local wanted=$1 text=$2

	shift 2
	ctl "$@"
	if [ $code = "$wanted" ]; then
		pass "$text"
	else
		fail "$text" "cgkillctl $* exits with $code, not $wanted:
$out"
	fi
}

# --- units -------------------------------------------------------------------------------------

# write_unit FILE: from standard input.
write_unit() {
	cat >"$units/$1"
}

# stubborn FILE: a command that ignores SIGTERM, once FILE is there.
stubborn() {
	echo "/bin/sh -c 'trap \"\" TERM; : >$1; exec sleep infinity'"
}

# script NAME: standard input as a program in $dir, for commands in which no dollar is to be doubled.
script() {
	{
		echo '#!/bin/sh'
		cat
	} >"$dir/$1"
	chmod 755 "$dir/$1"
}

# play STEP…: a command of the notifier; its words are in double quotes, in which a unit file knows \n.
play() {
	echo "$notifier$(printf ' "%s"' "$@")"
}

# start_until FILE UNIT: started, and FILE is there again.
start_until() {
	rm -f -- "$1"
	"$CGKILLCTL" start "$2" && wait_until exists "$1"
}

# simple_unit NAME [LINE…]: a service that sleeps, with these lines in its [Service].
simple_unit() {
	local name=$1

	shift
	{
		printf '[Service]\n'
		[[ "$*" == *ExecStart=* ]] || printf 'ExecStart=/bin/sleep infinity\n'
		[[ "$*" == *TimeoutStopSec=* ]] || printf 'TimeoutStopSec=%sms\n' $((300 * slowness))
		printf '%s\n' "$@"
	} | write_unit "$name.service"
}

# prop UNIT NAME
prop() {
	timeout $((30 * slowness)) "$CGKILLCTL" show --value -p "$2" "$1"
}

prop_is() { # prop_is UNIT NAME VALUE
	[ "$(prop "$1" "$2")" = "$3" ]
}

# have_ended UNIT…: none of them runs, or waits for its restart.
have_ended() {
	local unit

	for unit; do
		case $(prop "$unit" SubState) in
		dead | failed) ;;
		*) return 1 ;;
		esac
	done
}

main_pid() {
	prop "$1" MainPID
}

# The cgroup directory of a unit.
unit_cgroup() {
	echo "$root/$1.service"
}

# Every process that lives below a cgroup directory.
pids_in() {
	find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null
}

pids_of() {
	pids_in "$(unit_cgroup "$1")"
}

count_of() { # count_of UNIT: how many processes it has
	pids_of "$1" | wc -l
}

has_processes() { # has_processes UNIT N
	[ "$(count_of "$1")" = "$2" ]
}

gone() { # gone UNIT: neither process nor cgroup
	[ ! -e "$(unit_cgroup "$1")" ]
}

alive() { # alive PID…: and no zombie
	local pid key state

	for pid; do
		state=Z
		while read -r key state _; do
			[ "$key" != State: ] || break
		done <"/proc/$pid/status"
		[[ $state != [ZX] ]] || return
	done 2>/dev/null
}

dead() {
	local pid

	for pid; do
		! alive "$pid" || return
	done
}

cpu_ms() { # cpu_ms PID: the time it has spent; proc_pid_stat(5), fields 14 and 15
	local fields

	read -r -a fields <<<"$(sed 's/.*) //' "/proc/$1/stat")"
	echo $(((fields[11] + fields[12]) * 1000 / $(getconf CLK_TCK)))
}

exists() {
	[ -e "$1" ]
}

# --- cgkilld -----------------------------------------------------------------------------------

dir=$(mktemp -d "${TMPDIR:-/tmp}/cgkill-test.XXXXXX") || exit 99
units=$dir/units
root=''
daemon=''
daemons=()
found_root='' # $root, when it was there before cgkilld
prefix=() # what cgkilld is started by: prlimit, unshare …
mkdir "$units"
chmod 755 "$dir"
export CGKILL_RUNTIME_DIR=$dir/run
export NO_COLOR=1

# start_cgkilld [OPTION…]: in $root, with $prefix; its PID in $daemon. Options given last win.
start_cgkilld() {
	local fd

	found_root=$root
	[ -e "$root" ] || found_root=''
	# A file and no FIFO: what bash has read when the time of "read -t" is over, it has lost.
	exec {fd}>"$dir/ready"
	"${prefix[@]}" "$CGKILLD" --root="$root" --runtime-dir="$CGKILL_RUNTIME_DIR" \
		--unit-path="$units" --ready-fd=$fd "$@" 2>>"$dir/log" >&2 &
	daemon=$!
	daemons+=("$daemon")
	exec {fd}>&-
	wait_until ready_or_dead "$daemon"
	[ -s "$dir/ready" ]
}

ready_or_dead() {
	[ -s "$dir/ready" ] || dead "$1"
}

# stop_cgkilld: by SIGTERM; its exit status in $code.
stop_cgkilld() {
	kill -TERM "$daemon"
	wait_until dead "$daemon" || kill -KILL "$daemon"
	wait "$daemon"
	code=$?
}

# crash_cgkilld: SIGKILL, and nobody takes its place.
crash_cgkilld() {
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
}

# cgkilld_refuses TEXT REGEX OPTION…: it does not start, and says why.
cgkilld_refuses() {
	local text=$1 regex=$2

	shift 2
	run "${prefix[@]}" "$CGKILLD" --root="$root" --runtime-dir="$CGKILL_RUNTIME_DIR" \
		--unit-path="$units" "$@"
	if [ $code = 1 ] && [[ $out =~ $regex ]]; then
		pass "$text"
	else
		fail "$text" "exits with $code:
$out"
	fi
}

# is_idle: cgkilld takes no time while it waits; looked at for a second.
is_idle() {
	local before

	before=$(cpu_ms "$daemon")
	sleep 1
	took 0 $(($(cpu_ms "$daemon") - before)) 20
}

# Its services and its helpers, dead or alive; not the logger, which is there once it was needed.
has_children() {
	grep -lsx "PPid:[[:space:]]*$daemon" /proc/[0-9]*/status |
		xargs -r grep -Lsx 'Name:[[:space:]]*cgkill-logger' | grep -q .
}

# The last words of most tests: cgkilld is unharmed, and leaves nothing.
done_testing() {
	! grep -q 'a helper process of cgkilld has crashed' "$dir/log" || fail 'a helper of cgkilld has crashed'
	if alive "$daemon"; then
		stop_cgkilld
		is $code 0 'SIGTERM ends cgkilld, which exits with 0'
		# What it found it leaves, empty.
		[ -z "$found_root" ] || [ ! -e "$root" ] || rmdir "$root"
		ok 'and leaves no cgroup' not exists "$root"
	fi
	echo "1..$tests"
}

clean_up() {
	local pid

	trap '' HUP INT TERM
	for pid in "${daemons[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	for pid in "${daemons[@]}"; do
		limit=5 wait_until dead "$pid" || kill -KILL "$pid"
	done
	for pid in $(jobs -p); do
		kill -TERM "$pid" 2>/dev/null
	done
	if [ -e "$root" ]; then
		# cgroup.kill misses a process whose main thread has exited.
		for pid in $(pids_in "$root"); do
			kill -KILL "$pid"
		done
		cgroup_remove "$root" || echo "# $root could not be removed"
	fi
	# What a test has mounted there: it is removed from below that.
	awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | while read -r point; do
		umount -l "$point"
	done
	rm -rf "$dir"
} 2>/dev/null

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" = 0 ] || skip_all 'needs root'
base=$(cgroup2_mount) || skip_all 'no cgroup2 is mounted here'
root=$base/cgkill-test.${CGKILL_TEST_PID:-$$}
