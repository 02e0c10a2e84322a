#!/bin/sh
# Puts the site's own values in place and becomes Asterisk. It does not start
# without a password for ARI.
#   ARI_PASSWORD   of the user firstline; or ARI_PASSWORD_FILE, which names a file
#   SYSTEM_NAME    goes before unique ids; another one for each node
#   SITE           folder with the site's *.conf   /site
#   ETC            /etc/asterisk
set -eu
etc=${ETC:-/etc/asterisk}
site=${SITE:-/site}

die() { echo "entrypoint.sh: $*" >&2; exit 1; }

password=${ARI_PASSWORD:-}
if [ -n "${ARI_PASSWORD_FILE:-}" ]; then password=$(cat "$ARI_PASSWORD_FILE"); fi
case $password in
'') die "set ARI_PASSWORD, the password between firstline and Asterisk" ;;
*[!0-9A-Za-z._-]*) die "ARI_PASSWORD has a character beyond letters, digits, '.', '_' and '-'" ;;
esac
[ ${#password} -ge 16 ] || die "ARI_PASSWORD is shorter than 16 characters"

umask 027
mkdir -p "$etc/site"
rm -f "$etc"/site/*.conf # also their permissions
cp "$site"/*.conf "$etc/site/"
rm -f "$etc/site/ari.conf"
printf '[firstline]\ntype = user\nread_only = no\npassword = %s\n' "$password" >"$etc/site/ari.conf"
if [ -n "${SYSTEM_NAME:-}" ]; then
	case $SYSTEM_NAME in
	*[!0-9A-Za-z_]*) die "SYSTEM_NAME has a character beyond letters, digits and '_'" ;;
	esac
	# The file belongs to root: the name goes with the command line's own copy.
	sed "s/^systemname = .*/systemname = $SYSTEM_NAME/" "$etc/asterisk.conf" >"$etc/site/asterisk.conf"
	set -- -C "$etc/site/asterisk.conf" "$@"
fi
unset ARI_PASSWORD password
exec "${ASTERISK:-asterisk}" -f "$@"
