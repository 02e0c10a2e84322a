#!/usr/bin/env bash
# A real Asterisk for the tests, in a Debian folder of its own (debootstrap) and
# started in a chroot on the host's loopback. It comes from Debian sid and must
# be release 22 or newer. Nothing of it lands in the host system or the checkout.
#
#   asterisk.sh install     once, about a minute and 300 MB; later a look
#   asterisk.sh start       start an instance (installs first when necessary);
#                           returns when it is fully booted, in about 0.3 s
#   asterisk.sh stop        stop it; returns when the process is gone
#   asterisk.sh cli CMD     for example: cli 'queue show support'
#   asterisk.sh status      release, pid, ports and folders; 3 when not running
#   asterisk.sh remove      stop all instances and delete the installation
#
# Needs root, or sudo. Settings from the environment, all optional:
#   ASTERISK_ROOT       the installation    /var/cache/firstline-dev/asterisk
#   ASTERISK_CONF       the configuration   the folder asterisk/ beside this
#   PEER_SIP_PORT       SIP on 127.0.0.1, UDP and TCP   5060
#   PEER_ARI_PORT       ARI over HTTP on 127.0.0.1      8088
#   PEER_RTP_START, PEER_RTP_END                        20000 29999
#   PEER_AGENTS         static queue members            8
#   PEER_AGENT_PORT     SIP port of agent 1             5071
#   PEER_AGENT_STEP     to the next agent's; 0: all on one   1
#   PEER_NAME           the instance's name             PEER_SIP_PORT
# Instances that differ in ports and RTP range run side by side; `stop`, `cli`
# and `status` take the PEER_SIP_PORT (or PEER_NAME) of `start`. What an instance
# writes lies in ASTERISK_ROOT/srv/peer-NAME: etc, log, run, db, spool/monitor; it
# plays sound:firstline/… from sounds/firstline there, which anybody may fill.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${ASTERISK_ROOT:-/var/cache/firstline-dev/asterisk}
conf=${ASTERISK_CONF:-$here/asterisk}
sip_port=${PEER_SIP_PORT:-5060}
ari_port=${PEER_ARI_PORT:-8088}
rtp_start=${PEER_RTP_START:-20000}
rtp_end=${PEER_RTP_END:-29999}
agents=${PEER_AGENTS:-8}
agent_port=${PEER_AGENT_PORT:-5071}
agent_step=${PEER_AGENT_STEP:-1}
name=${PEER_NAME:-$sip_port}

release_wanted=22
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=asterisk,asterisk-core-sounds-en-gsm,asterisk-moh-opsound-wav
inst=/srv/peer-$name # the instance's folder, as seen inside the chroot

say() { printf 'asterisk.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Goes on as root: a chroot and a mount need it.
as_root() {
	[ "$(id -u)" != 0 ] || return 0
	type -P sudo >/dev/null || die "needs root, and there is no sudo"
	local settings
	mapfile -t settings < <(env | grep -E '^(ASTERISK|PEER)_[A-Z_]+=' || true)
	exec sudo env "${settings[@]}" "${BASH_SOURCE[0]}" "$@"
}

# The archive the host's own apt uses (the main one, not security).
archive() {
	local list
	list=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages')
	{
		sed -n 's/^Debian|//p' <<<"$list" # the label is known after apt-get update
		sed 's/^[^|]*|//' <<<"$list" | grep -v security || true
	} | grep -m1 . || die "no Debian archive among the host's apt sources"
}

# The release number in "Asterisk 22.5.0~dfsg...": 22; 0 when there is none.
release_of() {
	local v=${1#Asterisk }
	v=${v%%[!0-9]*}
	echo "${v:-0}"
}

installed() { [ -s "$root/.installed" ]; }

# The release is looked at every time: an old folder must not pass for a new one.
check_release() {
	[ "$(release_of "$1")" -ge "$release_wanted" ] ||
		die "'$1' found, release $release_wanted or newer is needed; 'asterisk.sh remove' deletes what is installed"
}

install() {
	if ! installed; then
		mkdir -p "$(dirname "$root")"
		exec 9>"$root.lock"
		flock 9 # a second one waits here, then finds the work done
		installed || bootstrap
		flock -u 9
	fi
	local version
	version=$(cat "$root/.installed")
	check_release "$version"
	say "$version in $root"
}

bootstrap() {
	local new=$root.new version url
	[ ! -e "$root" ] || die "$root exists but is no finished installation; remove it first"
	"$here/deps.sh" asterisk
	url=$(archive)
	rm -rf --one-file-system "$new"
	say "installing from Debian sid, about a minute"
	# --force-check-gpg: fail rather than go on unsigned.
	if ! debootstrap --variant=minbase --include="$packages" --force-check-gpg \
		--keyring="$keyring" sid "$new" "$url" >"$root.log" 2>&1; then
		tail -n 5 "$root.log" >&2
		die "the installation did not work, log in $root.log"
	fi
	version=$(chroot "$new" asterisk -V)
	check_release "$version"
	rm -rf "$new"/var/cache/apt/archives "$new"/var/lib/apt/lists "$new"/usr/share/{doc,man,locale}
	echo "$version" >"$new/.installed"
	mv "$new" "$root"
	rm -f "$root.log"
}

# The pid of the running instance; fails when there is none.
pid_of() {
	local pid
	pid=$(cat "$root$inst/run/asterisk.pid" 2>/dev/null) || return 1
	# A stale file may name any process: it must be this instance's Asterisk.
	[ -n "$pid" ] && grep -qzx -- "$inst/etc/asterisk.conf" "/proc/$pid/cmdline" 2>/dev/null || return 1
	echo "$pid"
}

cli() { chroot "$root" asterisk -C "$inst/etc/asterisk.conf" -rx "$*"; }

# Static agents: one endpoint and one queue member each.
write_agents() {
	local etc=$1 i port
	: >"$etc/pjsip_agents.conf"
	: >"$etc/queue_agents.conf"
	for ((i = 1; i <= agents; i++)); do
		port=$((agent_port + (i - 1) * agent_step))
		printf '[agent%d](agent)\naors=agent%d\n[agent%d]\ntype=aor\ncontact=sip:agent%d@127.0.0.1:%d\n\n' \
			"$i" "$i" "$i" "$i" "$port" >>"$etc/pjsip_agents.conf"
		printf 'member => PJSIP/agent%d,0,Agent %d\n' "$i" "$i" >>"$etc/queue_agents.conf"
	done
}

# A data folder of the instance's own, so that one instance's prompts are not
# another's: all but the sounds is the installation's.
link_data() {
	local dir=$1 share=/usr/share/asterisk f
	rm -rf "$dir/data"
	mkdir -p "$dir/data" "$dir/sounds/firstline"
	for f in "$root$share"/*; do ln -s "$share/$(basename "$f")" "$dir/data/"; done
	rm -f "$dir/data/sounds"
	ln -s ../sounds "$dir/data/sounds"
	for f in "$root$share"/sounds/*; do ln -sfn "$share/sounds/$(basename "$f")" "$dir/sounds/$(basename "$f")"; done
}

write_conf() {
	local dir=$1 modules f
	modules=$(sed -n 's/^astmoddir *=> *//p' "$root/etc/asterisk/asterisk.conf") # differs between releases
	rm -rf "$dir/etc" "$dir/run" "$dir/log"
	mkdir -p "$dir"/{etc/site,run,log,db,spool/monitor,spool/recording,spool/tmp,sounds}
	for f in "$conf"/*.conf "$conf"/site/*.conf; do
		[ -e "$f" ] || continue # no folder of the site's own values
		sed -e "s|@INST@|$inst|g" -e "s|@SIP_PORT@|$sip_port|g" \
			-e "s|@ARI_PORT@|$ari_port|g" -e "s|@RTP_START@|$rtp_start|g" \
			-e "s|@RTP_END@|$rtp_end|g" -e "s|@NAME@|$name|g" \
			-e "s|@MODULES@|$modules|g" \
			"$f" >"$dir/etc/${f#"$conf"/}"
	done
	write_agents "$dir/etc"
	# Asterisk looks its own name up, and asks the root servers when that fails.
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" >"$root/etc/hosts"
	echo "SIP 127.0.0.1:$sip_port, ARI 127.0.0.1:$ari_port, RTP $rtp_start-$rtp_end, $agents agents from 127.0.0.1:$agent_port" >"$dir/ports"
	link_data "$dir"
	if [ -d "$conf/sounds" ]; then cp -r "$conf"/sounds/* "$dir/sounds/"; fi
	chroot "$root" chown -R asterisk:asterisk "$inst"
	chmod 1777 "$dir/sounds/firstline"
}

# Becomes Asterisk. /proc is mounted in a mount namespace of the process's own,
# so it goes away with the process and nothing is left to unmount. Each step
# execs the next: one process, one pid.
become_asterisk() {
	ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
	ulimit -c 0
	cd /
	exec setsid unshare --mount --propagation private sh -c '
		mount -t proc proc "$1/proc" 2>/dev/null || mount --bind /proc "$1/proc" ||
			echo "no /proc in the chroot; going on without" >&2
		exec chroot "$1" asterisk -f -q -C "$2/etc/asterisk.conf" -U asterisk -G asterisk
	' sh "$root" "$inst"
}

start() {
	local dir=$root$inst pid i
	if pid=$(pid_of); then
		say "already running, pid $pid"
		return
	fi
	install
	[ -f "$conf/asterisk.conf" ] || die "no asterisk.conf in $conf"
	write_conf "$dir"
	become_asterisk </dev/null >"$dir/log/stdout" 2>&1 9>&- &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		if pid_of >/dev/null && cli 'core waitfullybooted' 2>/dev/null | grep 'fully booted' >/dev/null; then
			# Asterisk boots even when a port is taken: look.
			cli 'pjsip show transports' | grep "127.0.0.1:$sip_port" >/dev/null || break
			cli 'http show status' | grep "Bound to 127.0.0.1:$ari_port" >/dev/null || break
			say "running, pid $pid, SIP 127.0.0.1:$sip_port, ARI 127.0.0.1:$ari_port, files $dir"
			return
		fi
		sleep 0.1
	done
	tail -n 20 "$dir/log/stdout" "$dir/log/full" >&2 2>/dev/null || true
	stop || true
	die "did not start; is port $sip_port or $ari_port in use?"
}

stop() {
	local pid i
	if ! pid=$(pid_of); then
		say "not running"
		return
	fi
	cli 'core stop now' >/dev/null 2>&1 || true
	for ((i = 0; i < 100; i++)); do
		if ! kill -0 "$pid" 2>/dev/null; then
			say "stopped"
			return
		fi
		case $i in 50) kill -TERM "$pid" || true ;; 80) kill -KILL "$pid" || true ;; esac
		sleep 0.1
	done
	die "pid $pid does not end"
}

status() {
	installed || die "not installed in $root"
	cat "$root/.installed"
	echo "folder $root$inst"
	local pid
	if pid=$(pid_of); then
		echo "running, pid $pid, $(cat "$root$inst/ports")"
	else
		echo "not running"
		return 3
	fi
}

remove() {
	local d
	for d in "$root"/srv/peer-*; do # every instance, whatever its name
		[ -d "$d" ] || continue
		inst=/srv/$(basename "$d")
		stop
	done
	rm -rf --one-file-system "$root" "$root.new" "$root.lock" "$root.log"
}

case ${1:-} in
install | start | stop | cli | status | remove)
	as_root "$@"
	"$@"
	;;
*)
	sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
	exit 2
	;;
esac
