#!/usr/bin/env bash
# A throw-away PostgreSQL (15 or newer) on loopback, for tests.
#
#   postgres.sh start DIR [PID]     start; the last line on stdout is the DSN
#   postgres.sh stop DIR [MODE]     stop; MODE is fast (default) or immediate
#   postgres.sh remove DIR          stop and delete DIR
#   postgres.sh bindir              print the folder of initdb and pg_ctl
#
# The contract:
# - DIR is one cluster. `start` makes it, or starts it again where it is: same
#   data, same port, same password, so the DSN of the first start stays good.
#   `stop DIR immediate` is a crash (no checkpoint; the next start recovers).
# - `start` returns when the server takes connections, `stop` when it is gone.
#   Both do nothing when that is so already. Exit code 0, or 1 and one sentence
#   on stderr. Nothing started here holds the caller's stdout open.
# - The DSN is a URL with user, password and database `firstline`, on 127.0.0.1
#   and a port that was free. The user is a superuser, so that tests can make
#   databases of their own.
# - With PID, the cluster is removed once that process has ended, however it
#   ended: a test that is killed leaves no server behind.
# - fsync stays on: what the server called committed must survive its death.
# - The server refuses to run as root. Root runs it as `postgres`, else as
#   `nobody`, who must be able to reach DIR: name a folder directly below /tmp or
#   /var/tmp that need not exist, not one inside a folder closed to others.
# - FIRSTLINE_PG_BINDIR names the programs' folder when the search (PATH,
#   pg_config, Debian's folders) should not choose; the log is DIR/log.
set -euo pipefail

wanted=15
say() { printf 'postgres.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The major version of the server in folder $1; fails when there is none.
major() {
	local v
	[ -x "$1/initdb" ] && [ -x "$1/pg_ctl" ] || return 1
	v=$("$1/postgres" --version 2>/dev/null) || return 1
	v=${v##*PostgreSQL) }
	v=${v%%[!0-9]*}
	[ -n "$v" ] && echo "$v"
}

candidates() {
	local d
	if [ -n "${FIRSTLINE_PG_BINDIR:-}" ]; then
		echo "$FIRSTLINE_PG_BINDIR"
		return
	fi
	# Debian keeps the server out of PATH, one folder per release; newest first.
	for d in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do echo "$d"; done
	if d=$(type -P pg_ctl); then dirname "$(readlink -f "$d")"; fi
	pg_config --bindir 2>/dev/null || true
}

bindir() {
	local d v
	for d in $(candidates); do
		if v=$(major "$d") && [ "$v" -ge "$wanted" ]; then
			echo "$d"
			return
		fi
	done
	die "no PostgreSQL server $wanted or newer here (package postgresql)"
}

server_user() {
	if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# as_server CMD...: as the user who may run the server, in a folder he can read.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec runuser -u "$(server_user)" -- "$@")
	else
		"$@"
	fi
}

running() { as_server "$bin/pg_ctl" status -D "$dir/data" >/dev/null 2>&1; }

create() {
	mkdir -p "$dir" || die "cannot make $dir"
	[ -z "$(ls -A "$dir")" ] || die "$dir is neither empty nor a cluster of this script"
	if [ "$(id -u)" = 0 ]; then chown "$(server_user):" "$dir"; fi
	chmod 700 "$dir"
	as_server test -w "$dir" || {
		rmdir "$dir"
		die "user $(server_user) cannot reach $dir; name a folder directly below /tmp"
	}
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | as_server tee "$dir/password" >/dev/null
	# --no-sync: nothing in an empty cluster is worth the wait.
	as_server "$bin/initdb" -D "$dir/data" --no-sync --username=firstline --encoding=UTF8 --locale=C \
		--auth=scram-sha-256 --pwfile="$dir/password" 2>&1 | as_server tee "$dir/log" >/dev/null ||
		{ tail -n 5 "$dir/log" >&2; die "initdb did not work"; }
	as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<-'CONF'
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		max_connections = 100
		shared_buffers = 64MB
		log_line_prefix = '%m [%p] '
	CONF
}

launch() { # launch PORT
	as_server "$bin/pg_ctl" start -w -t 60 -s -D "$dir/data" -l "$dir/log" -o "-p $1" >/dev/null 2>&1 </dev/null
}

# A port below the ephemeral range that nobody answers on. Whoever takes it
# before the server does is met by the next attempt.
launch_on_free_port() {
	local i port
	for ((i = 0; i < 20; i++)); do
		port=$((10000 + (RANDOM * 32768 + RANDOM) % 20000))
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
		if launch "$port"; then
			PGPASSWORD=$(cat "$dir/password") "$bin/createdb" -h 127.0.0.1 -p "$port" -U firstline firstline ||
				die "createdb did not work"
			echo "$port" >"$dir/port"
			return
		fi
		grep -q 'could not bind' "$dir/log" || return 1
	done
	return 1
}

dsn() { echo "postgres://firstline:$(cat "$dir/password")@127.0.0.1:$(cat "$dir/port")/firstline?sslmode=disable"; }

# Outlives this script, and takes the cluster away when process $1 has ended.
watch_owner() {
	setsid "${BASH_SOURCE[0]}" watch "$dir" "$1" </dev/null >/dev/null 2>&1 &
}

start() {
	local first=
	if [ ! -d "$dir/data" ]; then
		first=1
		create
	fi
	if ! running; then
		if [ -s "$dir/port" ]; then launch "$(cat "$dir/port")"; else launch_on_free_port; fi ||
			{ tail -n 5 "$dir/log" >&2; die "the server did not start, log in $dir/log"; }
	fi
	if [ -n "$first" ] && [ -n "$1" ]; then watch_owner "$1"; fi
	dsn
}

stop() {
	[ -d "$dir/data" ] && running || return 0
	as_server "$bin/pg_ctl" stop -w -t 60 -s -m "$1" -D "$dir/data" >/dev/null ||
		die "the server in $dir does not stop, log in $dir/log"
}

remove() {
	# Only a folder that `start` filled is deleted.
	[ -e "$dir" ] || return 0
	[ -f "$dir/password" ] || die "$dir is no cluster of this script"
	stop immediate
	rm -rf --one-file-system "$dir"
}

usage() {
	sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
	exit 2
}

cmd=${1:-}
if [ "$cmd" = bindir ]; then
	bindir
	exit
fi
[ $# -ge 2 ] || usage
dir=$(realpath -m "$2")
bin=$(bindir)
case $cmd in
start) start "${3:-}" ;;
stop)
	case ${3:-fast} in
	fast | immediate) stop "${3:-fast}" ;;
	*) die "no such way to stop: $3" ;;
	esac
	;;
remove) remove ;;
watch)
	while kill -0 "$3" 2>/dev/null; do sleep 1; done
	remove
	;;
*) usage ;;
esac
