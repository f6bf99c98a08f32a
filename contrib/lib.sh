# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What contrib/quickstart, contrib/check, .ci/run and tests/run share. Sourced, never run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Ends the script with one sentence that says what to do.
refuse() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

say() {
	printf '\n== %s\n' "$*"
}

# --- packages ----------------------------------------------------------------------------------

# What a build needs and how to see that it is there: package, then a command that succeeds. A
# probe and not dpkg, because what counts is the tool, wherever it came from.
# shellcheck disable=SC2034
build_needs='
gcc              command -v gcc
libc6-dev        test -e /usr/include/stdio.h
make             command -v make
autoconf         command -v autoreconf
automake         command -v automake
libtool          command -v libtoolize
pkg-config       command -v pkg-config
libjansson-dev   pkg-config --exists jansson
libcap-dev       pkg-config --exists libcap
libcgroup-dev    pkg-config --exists libcgroup
libmnl-dev       pkg-config --exists libmnl
libseccomp-dev   pkg-config --exists libseccomp
libcriterion-dev pkg-config --exists criterion
'
# What .ci/run needs besides: for make lint, clang builds, distcheck, the model, a second Varlink
# client, and what tests look, damage and compare with (systemctl's links; it need not run), and
# for the guest of make check-vm.
# shellcheck disable=SC2034
ci_needs='
attr               command -v setfattr
bubblewrap         command -v bwrap
busybox-static     command -v busybox
clang              command -v clang
clang-format       command -v clang-format
clang-tidy         command -v clang-tidy
cppcheck           command -v cppcheck
crun               command -v crun
libclang-rt-14-dev test -d /usr/lib/llvm-14/lib/clang/14.0.6/lib
e2fsprogs          command -v mke2fs
golang-go          command -v go
golang-github-varlink-go-dev test -d /usr/share/gocode/src/github.com/varlink/go
libuv1-dev         pkg-config --exists libuv
libxml2-utils      command -v xmllint
mandoc             command -v mandoc
musl-dev           test -e "/usr/lib/$(gcc -print-multiarch | sed s/gnu/musl/)/libc.a"
podman             command -v podman
python3            command -v python3
qemu-system-x86    command -v qemu-system-x86_64
runit              command -v runsvdir
s6                 command -v s6-svscan
runc               command -v runc
shellcheck         command -v shellcheck
socat              command -v socat
spin               command -v spin
strace             command -v strace
systemd            command -v systemctl
systemd-container  command -v systemd-nspawn
tini               command -v tini
valgrind           command -v valgrind
xz-utils           command -v xz
'

# install_missing NEEDS: touches the system only when something is missing.
install_missing() {
	local package probe
	local -a missing=()

	while read -r package probe; do
		[ -z "$package" ] || eval "$probe" >/dev/null 2>&1 || missing+=("$package")
	done <<<"$1"
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		refuse "there is no apt-get here: install ${missing[*]} by hand and run this again"
	[ "$(id -u)" = 0 ] ||
		refuse "run 'apt-get install ${missing[*]}' as root, then this again"
	say "apt-get install ${missing[*]}"
	apt-get -q update >&2 ||
		refuse "apt-get update failed: repair /etc/apt/sources.list, or install ${missing[*]} by hand"
	DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "${missing[@]}" >&2 ||
		refuse "apt-get could not install ${missing[*]}: install them by hand and run this again"
}

# --- build -------------------------------------------------------------------------------------

# configured DIR [CONFIGURE-OPTION…]: configures DIR (below the clone) when it is new or was configured otherwise.
configured() {
	local dir=$top/$1 wanted

	shift
	wanted="CC=${CC-} CFLAGS=${CFLAGS-} LDFLAGS=${LDFLAGS-} JANSSON_LIBS=${JANSSON_LIBS-} $*"
	[ ! -e "$top/config.status" ] ||
		refuse "the clone itself is configured: run 'make distclean' in $top, then this again"
	# Later changes of configure.ac and Makefile.am are seen to by make.
	[ -x "$top/configure" ] || "$top/autogen.sh" || return
	mkdir -p "$dir" || return
	if [ ! -e "$dir/config.status" ] ||
		[ "$(cat "$dir/.configured" 2>/dev/null)" != "$wanted" ]; then
		rm -f "$dir/.configured"
		(cd "$dir" && "$top/configure" --quiet "$@") || return
		printf '%s\n' "$wanted" >"$dir/.configured"
	fi
}

# build DIR [CONFIGURE-OPTION…]: makes everything there.
build() {
	configured "$@" && make -s -C "$top/$1" -j"$(nproc)"
}

# --- results -----------------------------------------------------------------------------------

# totals DIR…: passed, failed and skipped test cases of the .trs files that make check left there.
totals() {
	find "$@" -name '*.trs' -exec cat {} + 2>/dev/null | awk '
		$1 != ":test-result:" { next }
		$2 == "PASS" || $2 == "XFAIL" { passed++ }
		$2 == "FAIL" || $2 == "XPASS" || $2 == "ERROR" { failed++ }
		$2 == "SKIP" { skipped++ }
		END { print passed + 0, failed + 0, skipped + 0 }'
}

# failures DIR…: what each failed case there said of itself, for who sees nothing but this output.
failures() {
	local log

	grep -rlE --include='*.log' '^(FAIL|ERROR|XPASS):' "$@" 2>/dev/null | while read -r log; do
		echo "$log:"
		# A case's words follow it in a shell test, and go before it in one of Criterion's.
		grep -E -B 5 -A 40 '^(not ok|Bail out)' "$log" || tail -n 60 "$log"
		grep -E '^(FAIL|ERROR|XPASS):' "$log"
	done
}

# --- cgroups -----------------------------------------------------------------------------------

# The first cgroup2 mount: "MOUNT-POINT ROOT", fields 5 and 4 of proc_pid_mountinfo(5), which has the
# type behind a "-".
cgroup2_mountinfo() {
	awk '{ for (i = 7; i < NF; i++)
		if ($i == "-" && $(i + 1) == "cgroup2") { print $5, $4; exit } }' /proc/self/mountinfo
}

# Its mount point; fails where there is none.
cgroup2_mount() {
	local point root

	read -r point root <<<"$(cgroup2_mountinfo)"
	[ -n "$root" ] || return
	printf '%b\n' "${point//\\/\\0}" # \040 is a space
}

# The cgroup path, as /proc/PID/cgroup shows it, of a directory below the mount.
cgroup_path_of() {
	local point root

	read -r point root <<<"$(cgroup2_mountinfo)"
	printf '%s\n' "${root%/}${1#"$(cgroup2_mount)"}"
}

# The directory in which this user may make cgroups; says what to do where there is none.
cgroup_base() {
	local point root own base

	base=$(cgroup2_mount) ||
		refuse "no cgroup2 is mounted: run 'mount -t cgroup2 none /sys/fs/cgroup' as root," \
			"then this again"
	if [ "$(id -u)" != 0 ]; then
		read -r point root <<<"$(cgroup2_mountinfo)"
		own=$(sed -n 's/^0:://p' /proc/self/cgroup)
		base+=${own#"${root%/}"}
	fi
	if ! mkdir "$base/cgkill-probe.$$" 2>/dev/null; then
		[ "$(id -u)" = 0 ] ||
			refuse "you may not make cgroups: run this as root, or in a delegated cgroup" \
				"('systemd-run --user --scope -p Delegate=yes $0')"
		refuse "no cgroup can be made in $base: make it writable" \
			"('mount -o remount,rw $base', or a container with a writable cgroupfs)" \
			"and run this again"
	fi
	rmdir "$base/cgkill-probe.$$"
	printf '%s\n' "$base"
}

# cgroup_remove DIR: kills what lives in a cgroup of our own making and removes it, within 5 s.
cgroup_remove() {
	local deadline=$((SECONDS + 5))

	[ -d "$1" ] || return 0
	while echo 1 >"$1/cgroup.kill" && grep -q '^populated 1' "$1/cgroup.events" &&
		[ $SECONDS -lt $deadline ]; do
		sleep 0.02
	done 2>/dev/null
	find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	[ ! -d "$1" ]
}
