# Within a root and a network of its own: the package installed, set up, used, upgraded with a live sidecar, removed, purged. /root/before.deb is
# installed already, from a network.
mount -t proc proc /proc 2>/dev/null || true
ip link set lo up
raw() { python3 /root/raw.py "$@"; }
fails() { echo "$*" >&2; exit 1; }
mode() { stat -c '%U:%G %a' "$1"; }
is() { [ "$2" = "$3" ] || fails "$1 is $2, and should be $3"; }
said() { grep -q -- "$2" "$1" || { cat "$1"; fails "that does not say: $2"; }; }
gone() { for one in "$@"; do [ ! -e "$one" ] || fails "$one is still there"; done; }
trap '{ touch /root/seen/stop; systemctl stop mandat; kill $(cat /run/dovecot/master.pid); postfix stop; } >/dev/null 2>&1 || true' EXIT
# Postfix looks for systemd too, and is not started by it here.
rm -r /run/systemd/system
postfix start >/root/postfix.log 2>&1 || { cat /root/postfix.log /var/log/postfix.log; exit 1; }
dovecot
mkdir /run/systemd/system
raw login_works folder_made mail_flows

echo '-- installed, and nothing runs'
is /var/lib/mandat "$(mode /var/lib/mandat)" 'mandat:mandat 711'
is /etc/mandat "$(mode /etc/mandat)" 'root:mandat 750'
for secret in imap doveadm smtp; do
  is $secret "$(mode /etc/mandat/$secret.secret)" 'mandat:mandat 600'
  [ ! -s /etc/mandat/$secret.secret ] || fails "$secret.secret is not empty"
done
id -nG mandat | grep -qw postfix || fails 'mandat is not in group postfix'
systemctl is-enabled mandat | grep -q enabled || fails 'not enabled'
systemctl start mandat 2>/dev/null
! systemctl is-active mandat || fails 'it runs before it is configured'
systemd-analyze verify --man=no /usr/lib/systemd/system/mandat.service /usr/lib/systemd/system/mandat-filter.service 2>&1 | grep mandat && fails 'systemd-analyze verify' || true

setup() { mandat setup --answers /root/answers.toml --yes >/root/setup.log 2>/root/setup.err || { cat /root/setup.log /root/setup.err; exit 1; }; }
off() {
  mandat withdraw --all --yes
  raw nothing_shared mail_flows
  for file in /etc/postfix/main.cf /etc/postfix/master.cf /etc/dovecot/dovecot.conf; do mv $file.before-mandat $file; done
  postfix check && postfix reload 2>/dev/null
  doveconf -n >/dev/null && doveadm reload
  rm -r /etc/dovecot/mandat /var/lib/dovecot/mandat /etc/postfix/mandat.cf /etc/postfix/identity.re
}
echo '-- set up, by the version before'
# It may not know the package yet: the service is started as its unit says.
printf 'try_as = ["alice@example.org", "bob@example.org"]\nchange_separator = true\nservice = false\n' >/root/answers.toml
mv /etc/mandat/mandat.toml /root/
setup
raw login_works mail_flows

echo '-- the first delegation'
# The filter listens, for what asks at its socket during the upgrade; Postfix does not ask there.
printf '\n[submission]\n' >>/etc/mandat/mandat.toml
systemctl restart mandat
mandat mailbox add alice@example.org
mandat delegate add bob@example.org
mandat grant alice@example.org bob@example.org
raw delegate_reads login_works mail_flows

echo '-- another version, with a live sidecar'
before=$(mandat --version) was=$(cat /run/mandat.test-pid)
runuser -u postfix -- python3 /root/at-the-filter.py /run/mandat/filter.sock /root/seen/stop >/root/at-the-filter.log 2>&1 &
asking=$!
apt-get -qq -y install /root/after.deb >/root/upgrade.log 2>&1 </dev/null || { cat /root/upgrade.log; exit 1; }
grep '^mandat' /root/upgrade.log
touch /root/seen/stop
wait $asking || { cat /root/at-the-filter.log; exit 1; }
cat /root/at-the-filter.log
[ "$(mandat --version)" != "$before" ] || fails 'the version is the same'
systemctl is-active mandat || { cat /root/mandat.log; fails 'the sidecar does not run'; }
[ "$(cat /run/mandat.test-pid)" != "$was" ] || fails 'the sidecar is the old one'
said /root/upgrade.log 'standing in'
copy=$(sed -n 's/^mandat: databases and keys as they were under .*: //p' /root/upgrade.log)
is "$copy" "$(mode "$copy")" 'mandat:mandat 700'
is 'the copy' "$(sqlite3 "$copy/table/delegation.db" 'SELECT mailbox || delegate FROM delegation')" 'alice@example.orgbob@example.org'
[ -s "$copy/private/seal.key" ] || fails 'no seal key in the copy'
mandat verify
mandat audit verify
raw delegate_reads mail_flows
# Without the filter, which Postfix was not told of.
sed -i '/^\[submission\]/d' /etc/mandat/mandat.toml && systemctl restart mandat
mandat doctor >/root/doctor.log || { grep FAIL /root/doctor.log; exit 1; }
tail -1 /root/doctor.log

echo '-- revoke and grant by the new one'
mandat revoke --yes alice@example.org bob@example.org
raw nothing_shared
mandat grant alice@example.org bob@example.org
raw delegate_reads

echo '-- removed while a delegation stands'
apt-get -qq -y remove mandat >/root/remove.log 2>&1 </dev/null || { cat /root/remove.log; exit 1; }
grep '^mandat' /root/remove.log
said /root/remove.log 'alice@example.org to bob@example.org'
said /root/remove.log 'Postfix asks'
! systemctl is-active mandat || fails 'the sidecar runs'
raw delegate_reads

echo '-- purged while it stands'
apt-get -qq -y purge mandat >/root/purge.log 2>&1 </dev/null || { cat /root/purge.log; exit 1; }
grep '^mandat' /root/purge.log
said /root/purge.log '1 delegations still stand'
[ -s /var/lib/mandat/private/state.db ] && [ -s /etc/mandat/imap.secret ] || fails 'the data are gone'

echo '-- installed again, and taken off'
apt-get -qq -y install /root/after.deb >/root/again.log 2>&1 </dev/null || { cat /root/again.log; exit 1; }
said /root/again.log 'configuration that the purge had kept'
off
all_gone() {
  apt-get -qq -y purge mandat >/root/off.log 2>&1 </dev/null || { cat /root/off.log; exit 1; }
  ! grep '^mandat:' /root/off.log || fails 'nothing was to be said'
  gone /usr/lib/mandat /usr/bin/mandat /usr/share/mandat /usr/share/doc/mandat /etc/mandat /var/lib/mandat /var/backups/mandat-upgrade /run/mandat /etc/systemd/system/multi-user.target.wants/mandat.service
  raw login_works mail_flows
  left=$(grep -rl bob@example.org /var/vmail --include=dovecot-acl || true)
  [ -z "$left" ] || fails "entries are left: $left"
}
all_gone

echo '-- a new site by this version: installed, mandat setup, a delegation'
apt-get -qq -y install /root/after.deb >/root/new.log 2>&1 </dev/null || { cat /root/new.log; exit 1; }
bash -n /usr/share/bash-completion/completions/mandat
[ -d /usr/lib/mandat/dist/cli/code ] || fails 'nothing is kept of the everyday commands'
zcat /usr/share/man/man1/mandat.1.gz | grep -q '^.TH' || fails 'no manual page'
zcat /usr/share/doc/mandat/changelog.gz >/dev/null && [ -s /usr/share/doc/mandat/copyright ]
for fragment in dovecot/2.3/mandat.conf dovecot/2.4/mandat.conf postfix/main.cf.fragment exim/senders.acl opensmtpd/mandat.conf nftables/mandat.nft cyrus/imapd.conf.fragment mandat.toml; do
  [ -s /usr/share/mandat/$fragment ] || fails "no /usr/share/mandat/$fragment"
done
sed -i /service/d /root/answers.toml
setup
said /root/setup.log 'started by systemd'
gone /etc/systemd/system/mandat.service /etc/mandat/imap.secret.before-mandat
systemctl is-active mandat || fails 'setup did not start it'
mandat mailbox add alice@example.org
mandat delegate add bob@example.org
mandat grant alice@example.org bob@example.org
raw delegate_reads mail_flows

echo '-- taken off, removed, purged'
off
all_gone
echo '-- off'
