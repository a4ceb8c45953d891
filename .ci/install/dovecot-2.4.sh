# Debian 13's Dovecot, for people who have mail and no Unix account. Read by site.sh, in conf.d.
sed -i 's|^mail_driver = .*|mail_driver = maildir|; s|^mail_home = .*|mail_home = /var/vmail/%{user \| domain}/%{user \| username}|; s|^mail_path = .*|mail_path = ~/Maildir|; s|^mail_inbox_path = |#&|' 10-mail.conf
cat >auth-site.conf.ext <<'U'
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb static {
  fields {
    uid = vmail
    gid = vmail
    home = /var/vmail/%{user | domain}/%{user | username}
  }
}
U
# Mail comes for whole addresses.
sed -i 's|^  auth_username_format = .*|  auth_username_format = %{user \| lower}|' 20-lmtp.conf
sed -i 's|^ssl_server_cert_file = .*|ssl_server_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem|; s|^ssl_server_key_file = .*|ssl_server_key_file = /etc/ssl/private/ssl-cert-snakeoil.key|' 10-ssl.conf
