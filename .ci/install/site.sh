# A stock Debian mail site, as its own documentation has it: Maildir, users in a passwd-file (dovecot-2.3.sh, dovecot-2.4.sh), submission switched on in master.cf.
groupadd -g 5000 vmail && useradd -u 5000 -g vmail -d /var/vmail -m vmail
make-ssl-cert generate-default-snakeoil --force-overwrite 2>/dev/null
cat >/etc/dovecot/users <<'U'
alice@example.org:{PLAIN}pw-alice
bob@example.org:{PLAIN}pw-bob
U
chown root:dovecot /etc/dovecot/users && chmod 640 /etc/dovecot/users
cd /etc/dovecot/conf.d
. /root/dovecot-site.sh
sed -i 's|^!include auth-system.conf.ext|!include auth-site.conf.ext|' 10-auth.conf
cat >>10-master.conf <<'U'
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
U

postconf -e 'mydestination = localhost' 'virtual_mailbox_domains = example.org' 'virtual_transport = lmtp:unix:private/dovecot-lmtp' \
  'smtpd_sasl_type = dovecot' 'smtpd_sasl_path = private/auth' 'mynetworks =' 'maillog_file = /var/log/postfix.log' 'inet_interfaces = loopback-only' 'inet_protocols = ipv4'
# Debian's commented block, its comment signs taken away.
sed -i '/^#submission inet/,/^#  -o milter/ s/^#\(submission\|  -o\)/\1/' /etc/postfix/master.cf
sed -i 's/^  -o smtpd_tls_security_level=encrypt/  -o smtpd_tls_security_level=may/; s/^  -o smtpd_client_restrictions=.*/  -o smtpd_client_restrictions=permit_sasl_authenticated,reject/' /etc/postfix/master.cf
sed -i '/^  -o smtpd_\(helo\|sender\|relay\|reject_unlisted\).*=/d; /^  -o smtpd_tls_auth_only/d' /etc/postfix/master.cf
