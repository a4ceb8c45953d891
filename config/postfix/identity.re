# Everyone owns the address that is his login. Without these lines an address that no table lists belongs to nobody, and
# every user would be refused. They hold where logins are full addresses; elsewhere replace them by your own table.
# Local alias addresses need a table of yours beside this one (see main.cf.fragment).

# login+anything@domain belongs to login@domain. The extension is dropped before the rule below can claim the whole.
/^([^+@]+)\+[^@]*@([^@]+)$/     $1@$2

/^([^@]+@[^@]+)$/               $1
