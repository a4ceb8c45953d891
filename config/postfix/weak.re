# Only with delegates-sending.conf of config/dovecot/: what a login by password keeps. A third table in main.cf's
# smtpd_sender_login_maps, inside the braces:  regexp:/etc/postfix/weak.re
# Aliases and delegated addresses aren't among it: from these one sends after a strong login.
/^([^+@]+)\+[^@]*@([^@]+)$/     weak/$1@$2

/^([^@]+@[^@]+)$/               weak/$1
