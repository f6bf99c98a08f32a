# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What tests of containers share. Sourced as the first thing, never run.
#
# Their runtimes want cgroup v2 at its usual place, and alone; they write to /run, and leave things there. So all of such a
# test is in a mount namespace of its own.
if [ "$(id -u)" = 0 ] && [ -z "${CGKILL_CONTAINERS-}" ]; then
	# shellcheck disable=SC2016
	CGKILL_CONTAINERS=1 exec unshare -m --propagation private sh -c '
		mount -t tmpfs tmpfs /run || exit
		if [ -e /sys/fs/cgroup/unified/cgroup.procs ]; then
			mount --bind /sys/fs/cgroup/unified /mnt && umount -lR /sys/fs/cgroup &&
			mount --bind /mnt /sys/fs/cgroup && umount /mnt || exit
		fi
		exec bash "$0"' "$0"
fi
. "$(dirname "$0")/lib.sh"
[ -e /sys/fs/cgroup/cgroup.procs ] || skip_all 'no cgroup2 can be had at /sys/fs/cgroup'
: >"$dir/log"
mkdir "$root"
unset CGKILL_RUNTIME_DIR
programs=$(dirname "$CGKILLD")

# make_rootfs DIR: the files of this host, as those of another root directory: /usr, $dir and $programs are to be mounted there.
make_rootfs() {
	local d

	mkdir -p "$1"/{dev,proc,sys/fs/cgroup,etc,run,tmp,usr,var/log,var/tmp} "$1$dir" "$1$programs"
	touch "$1/etc/os-release"
	for d in bin lib lib32 lib64 libx32 sbin; do
		[ ! -L /$d ] || ln -s "usr/$d" "$1/$d"
	done
}

# The command of a container, which a test makes; what it says is in $dir/box.out.
box=()
box_until() { # box_until FILE: the box, in the background, has made it
	rm -f "$1"
	"${box[@]}" >"$dir/box.out" 2>&1 </dev/null &
	outer=$!
	wait_until exists_or_dead "$1"
}

exists_or_dead() {
	[ -s "$1" ] || dead "$outer"
}

is_empty() {
	[ -z "$(pids_in "$1")" ]
}

box_ends() { # box_ends CODE TEXT: the box ends, with that
	wait_until dead "$outer" || note "$(cat "$dir/box.out")"
	wait "$outer"
	is $? "$1" "$2"
}
