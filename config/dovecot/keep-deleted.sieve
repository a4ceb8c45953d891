# What a delegate moves or copies from a delegated mailbox into their own Trash goes into the owner's: keep-deleted.conf.
# After a change: sievec /etc/dovecot/mandat/keep-deleted.sieve
require ["environment", "imapsieve", "vnd.dovecot.imapsieve", "variables", "fileinto", "mailbox"];

# The prefix of the shared namespace, without what stands for the login.
set "shared" "shared/";

# How the delegate's Trash may be called.
if not environment :is "vnd.dovecot.mailbox-to"
  ["Trash", "Corbeille", "Éléments supprimés", "Deleted Items", "Deleted Messages", "INBOX/Trash", "INBOX.Trash"] {
  stop;
}

# Whose it was: the first part behind the prefix. An INBOX has no second one.
if not environment :matches "vnd.dovecot.mailbox-from" "${shared}*/*" {
  if not environment :matches "vnd.dovecot.mailbox-from" "${shared}*" {
    stop;
  }
}
set "owner" "${shared}${1}";

# How the owner's may be called; the first that is there and that the delegate may file into. Without one, the INBOX.
if mailboxexists "${owner}/Trash" { fileinto "${owner}/Trash"; }
elsif mailboxexists "${owner}/Corbeille" { fileinto "${owner}/Corbeille"; }
elsif mailboxexists "${owner}/Éléments supprimés" { fileinto "${owner}/Éléments supprimés"; }
elsif mailboxexists "${owner}/Deleted Items" { fileinto "${owner}/Deleted Items"; }
elsif mailboxexists "${owner}/Deleted Messages" { fileinto "${owner}/Deleted Messages"; }
else { fileinto "${owner}"; }
