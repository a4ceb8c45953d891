/** The checks, in the order in which they are made: one that needs another comes after it. */

import { bans } from './bans.ts';
import { copiesKept, copyListener, copyRoute } from './copies.ts';
import { auditTrail, clock, delegationTable, epoch, integrity, ownState } from './databases.ts';
import { deletedMail } from './deleted-mail.ts';
import { dovecotVersion } from './dovecot-version.ts';
import { eventsArrive, eventsSent, eventsTaken, eventsWouldArrive } from './events.ts';
import { eventsLog } from './events-log.ts';
import {
  configuration,
  dataDirectory,
  dataModes,
  doveadmKey,
  eventsPassword,
  imapPassword,
  sealed,
  smtpPassword,
} from './files.ts';
import { filterInPostfix, reinjection, submissionFilter } from './filter.ts';
import type { Check } from './finding.ts';
import { aclCapability, adminLogin, imapServer, tls } from './imap.ts';
import { cut } from './kick-trial.ts';
import { logins } from './logins.ts';
import { sieveReach, submissionReach } from './master-reach.ts';
import { noticeServer, noticeTemplates } from './notices.ts';
import { identity, metadata, sharedNamespace } from './own-session.ts';
import { portal } from './portal.ts';
import { ownProxymap, senderAnswers, senderMaps } from './postfix-maps.ts';
import { postgresql, postgresqlRoles } from './postgresql.ts';
import { messageFromOutside, messageSubmitted } from './probe-mail.ts';
import { reinjectionLimits } from './reinjection-limits.ts';
import { senderFiles, senderReadable, senderRules, senderTable, senderWal } from './sender.ts';
import { senderFile, socketmap } from './sender-outputs.ts';
import { senderView } from './sender-view.ts';
import { separator } from './separator.ts';
import { serverKind } from './server-kind.ts';
import { sessionPrograms } from './session-commands.ts';
import { sessionLimit } from './session-limit.ts';
import { cutting, hibernation, keyReach, kick, who } from './sessions.ts';
import { shares } from './shares.ts';
import { aclCache, inheritance, probing, seenFlag, sharing } from './sharing.ts';
import { pause, sidecar, sweep } from './sidecar.ts';
import { sockets } from './sockets.ts';
import { authAtPort25, outside, postfix, refusedSenders, restriction } from './submission.ts';
import { subscriptions } from './subscriptions.ts';
import { trace } from './trace.ts';

export const CHECKS: readonly Check[] = [
  configuration,
  imapPassword,
  doveadmKey,
  dataDirectory,
  postgresql,
  postgresqlRoles,
  delegationTable,
  ownState,
  dataModes,
  sealed,
  integrity,
  auditTrail,
  trace,
  epoch,
  clock,
  sidecar,
  pause,
  sweep,
  imapServer,
  tls,
  adminLogin,
  dovecotVersion,
  aclCapability,
  logins,
  separator,
  serverKind,
  identity,
  sharedNamespace,
  probing,
  sharing,
  shares,
  inheritance,
  aclCache,
  seenFlag,
  subscriptions,
  deletedMail,
  metadata,
  cutting,
  who,
  kick,
  cut,
  keyReach,
  sessionPrograms,
  hibernation,
  eventsPassword,
  eventsTaken,
  eventsSent,
  eventsArrive,
  eventsWouldArrive,
  eventsLog,
  sessionLimit,
  bans,
  senderRules,
  senderFiles,
  senderWal,
  senderTable,
  senderReadable,
  senderFile,
  socketmap,
  senderView,
  postfix,
  restriction,
  refusedSenders,
  authAtPort25,
  outside,
  senderMaps,
  ownProxymap,
  senderAnswers,
  sockets,
  submissionFilter,
  filterInPostfix,
  reinjection,
  reinjectionLimits,
  copyRoute,
  copyListener,
  copiesKept,
  messageFromOutside,
  messageSubmitted,
  submissionReach,
  sieveReach,
  smtpPassword,
  noticeServer,
  noticeTemplates,
  portal,
];
