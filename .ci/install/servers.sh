# Within a network of its own: the site's servers, then what docs/install.md says, step by step, and docs/operations.md, "Taking it off".
mount -t proc proc /proc 2>/dev/null || true
ip link set lo up
raw() { python3 /root/raw.py "$@"; }
# What is gone already is no failure of the test.
trap '{ kill $(cat /run/dovecot/master.pid); postfix stop; kill ${sidecar:-}; } >/dev/null 2>&1 || true' EXIT
# Postfix first: on Debian 13 its first start makes the directories in which Dovecot has its sockets.
postfix start >/root/postfix.log 2>&1 || { cat /root/postfix.log /var/log/postfix.log; exit 1; }
dovecot
raw login_works folder_made mail_flows

echo '-- mandat setup'
cat >/root/answers.toml <<'A'
try_as = ["alice@example.org", "bob@example.org"]
change_separator = true
A
mandat setup --answers /root/answers.toml --yes >/root/setup.log 2>/root/setup.err || { grep -v '^[+ @-]' /root/setup.log; cat /root/setup.err; exit 1; }
grep -v '^[-+ @\\]' /root/setup.log | cut -c1-160
raw login_works mail_flows

echo '-- systemctl enable --now mandat (there is no systemd here: what its unit says)'
start=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/mandat.service)
mkdir -p /run/mandat && chown mandat:postfix /run/mandat && chmod 2750 /run/mandat
runuser -u mandat -- $start 2>/root/sidecar.log &
sidecar=$!
for _ in $(seq 100); do grep -q '"watching"' /root/sidecar.log && break; sleep 0.1; done

echo '-- the first delegation'
bash -e /root/grant.sh
raw delegate_reads login_works mail_flows
mandat verify
mandat doctor >/root/doctor.log || { grep FAIL /root/doctor.log; exit 1; }
tail -1 /root/doctor.log

echo '-- taking it off'
mandat withdraw --all --yes
raw nothing_shared mail_flows
for file in /etc/postfix/main.cf /etc/postfix/master.cf; do mv $file.before-mandat $file; done
postfix check && postfix reload 2>/dev/null
raw mail_flows
kill $sidecar && wait $sidecar || true
mv /etc/dovecot/dovecot.conf.before-mandat /etc/dovecot/dovecot.conf
doveconf -n >/dev/null && doveadm reload
rm -r /etc/systemd/system/mandat.service /etc/mandat /etc/dovecot/mandat /var/lib/dovecot/mandat /etc/postfix/mandat.cf /etc/postfix/identity.re /usr/local/bin/mandat /opt/mandat /var/lib/mandat
deluser mandat >/dev/null 2>&1
raw login_works mail_flows
left=$(grep -rl bob@example.org /var/vmail --include=dovecot-acl || true)
[ -z "$left" ] || { echo "entries are left: $left"; exit 1; }
echo '-- off'
