# Everyone owns the address that is their login. Without these lines an address that no table lists belongs to nobody, and
# every user would be refused. They hold where logins are full addresses; elsewhere replace them by your own table: where a login is
# the address without your domain (auth_username_format = %Ln in Dovecot), by this line, for one domain only:
#
#     /^([^+@]+)(\+[^@]*)?@example\.org$/     $1
#
# Local alias addresses need a table of yours beside this one (see main.cf.fragment).

# login+anything@domain belongs to login@domain. The extension is dropped before the rule below can claim the whole.
/^([^+@]+)\+[^@]*@([^@]+)$/     $1@$2

/^([^@]+@[^@]+)$/               $1
