# Debian 12's Dovecot, for people who have mail and no Unix account. Read by site.sh, in conf.d.
sed -i 's|^mail_location = .*|mail_location = maildir:/var/vmail/%d/%n/Maildir|' 10-mail.conf
cat >auth-site.conf.ext <<'U'
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/vmail/%d/%n
}
U
sed -i 's|^ssl_cert = .*|ssl_cert = </etc/ssl/certs/ssl-cert-snakeoil.pem|; s|^ssl_key = .*|ssl_key = </etc/ssl/private/ssl-cert-snakeoil.key|' 10-ssl.conf
