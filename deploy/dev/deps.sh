#!/usr/bin/env bash
# Installs what this repository needs from Debian and is not there yet.
#
#   deps.sh GROUP...
#
#   run        what `make run` needs: Go and Node are checked, not installed
#   test       what `make test` needs: run, race, postgres, sip, browser, asterisk, sound,
#              kamailio, prometheus
#   race       a C compiler, which Go's race detector links with
#   postgres   PostgreSQL 15 or newer, server programs
#   sip        sipp, baresip
#   browser    Chromium
#   asterisk   debootstrap, for asterisk.sh
#   sound      sox, for media.sh
#   kamailio   the proxy in front of several Asterisk nodes
#   prometheus promtool, which reads the alerts
#
#   prompts    the speech synthesisers of `firstline prompts build`; no test needs it
#
# Looks for each program first and takes a moment when all is there; otherwise
# it calls apt-get, as root or through sudo. It may be called again at any time.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node_wanted=20.19
missing=()

say() { printf 'deps.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# want PROBE PACKAGE...: a program's name or an absolute file, and what brings it.
want() {
	local probe=$1
	shift
	case $probe in
	/*) [ -e "$probe" ] || missing+=("$@") ;;
	# debootstrap lives in sbin, which a user's PATH may not name.
	*) PATH=$PATH:/usr/sbin:/sbin type -P "$probe" >/dev/null || missing+=("$@") ;;
	esac
}

at_least() { # at_least HAVE WANTED: both dotted numbers
	local h w
	IFS=. read -r -a h <<<"$1"
	IFS=. read -r -a w <<<"$2"
	((h[0] > w[0] || (h[0] == w[0] && ${h[1]:-0} >= ${w[1]:-0})))
}

check_toolchains() {
	local v
	type -P go >/dev/null || die "no go in PATH; see go.mod for the version"
	type -P node >/dev/null && type -P npm >/dev/null || die "no node and npm in PATH; Node $node_wanted or newer is needed"
	v=$(node --version)
	at_least "${v#v}" "$node_wanted" || die "Node $v is too old, $node_wanted or newer is needed"
	# The module proxy is reached over TLS, and a bare Debian trusts nobody.
	[ -n "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}" ] || want /etc/ssl/certs/ca-certificates.crt ca-certificates
}

want_group() {
	case $1 in
	run) check_toolchains ;;
	test)
		local g
		for g in run race postgres sip browser asterisk sound kamailio prometheus; do want_group "$g"; done
		;;
	race) want "${CC:-gcc}" gcc libc6-dev; want /usr/include/stdlib.h libc6-dev ;;
	postgres) "$here/postgres.sh" bindir >/dev/null 2>&1 || missing+=(postgresql) ;;
	sip) want sipp sip-tester; want baresip baresip-core ;;
	browser) want chromium chromium ;;
	asterisk) want debootstrap debootstrap debian-archive-keyring; want unshare util-linux ;;
	sound) want sox sox ;;
	kamailio) want kamailio kamailio ;;
	prometheus) want promtool prometheus ;;
	prompts)
		want text2wave festival
		want /usr/share/festival/voices/us/cmu_us_slt_arctic_hts festvox-us-slt-hts
		want espeak-ng espeak-ng
		;;
	*) die "unknown group '$1'; run it without arguments for the list" ;;
	esac
}

install() {
	local as=()
	type -P apt-get >/dev/null || die "needs ${missing[*]}, and there is no apt-get here to install them"
	if [ "$(id -u)" != 0 ]; then
		type -P sudo >/dev/null || die "needs ${missing[*]}: run 'apt-get install ${missing[*]}' as root, or install sudo"
		as=(sudo)
	fi
	local apt=("${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)

	say "installing ${missing[*]}"
	case " ${missing[*]} " in *" postgresql "*)
		# The tests make clusters of their own; none should start with the machine.
		"${as[@]}" mkdir -p /etc/postgresql-common/createcluster.d
		echo 'create_main_cluster = false' |
			"${as[@]}" tee /etc/postgresql-common/createcluster.d/firstline-dev.conf >/dev/null
		;;
	esac
	# The tests start what they need; nothing of it should start with the machine.
	local unit
	for unit in kamailio prometheus; do
		case " ${missing[*]} " in *" $unit "*)
			"${as[@]}" mkdir -p /etc/systemd/system
			[ -e "/etc/systemd/system/$unit.service" ] || "${as[@]}" ln -s /dev/null "/etc/systemd/system/$unit.service"
			;;
		esac
	done
	# A list of packages may be absent (a fresh image) or too old for the archive.
	if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then "${apt[@]}" update >&2; fi
	if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >&2; then
		say "trying again with a fresh package list"
		"${apt[@]}" update >&2 || die "apt-get update did not work, see above"
		"${apt[@]}" install --no-install-recommends "${missing[@]}" >&2 ||
			die "could not install ${missing[*]}, see above"
	fi
}

if [ $# -eq 0 ]; then
	sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
	exit 2
fi
for group in "$@"; do want_group "$group"; done
if [ ${#missing[@]} -gt 0 ]; then
	install
	missing=()
	for group in "$@"; do want_group "$group"; done
	[ ${#missing[@]} -eq 0 ] || die "still missing after the installation: ${missing[*]}"
fi
