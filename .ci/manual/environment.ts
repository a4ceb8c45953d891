// Secrets and environment variables, with the words for docs/reference/configuration.md.

import {
  DOVEADM_API_KEY,
  EVENTS_PASSWORD,
  IMAP_ADMIN_PASSWORD,
  OIDC_SECRET,
  type SecretName,
  SMTP_PASSWORD,
} from '../../config/secret.ts';

export const SECRETS: readonly (SecretName & { readonly what: string })[] = [
  { ...IMAP_ADMIN_PASSWORD, what: 'the password of `[imap] admin_user`' },
  { ...DOVEADM_API_KEY, what: 'Dovecot\'s `doveadm_api_key`, for `[sessions] kind = "doveadm-http"`' },
  { ...EVENTS_PASSWORD, what: 'the password with which Dovecot posts its events' },
  { ...SMTP_PASSWORD, what: 'the password of `[notices] user`' },
  { ...OIDC_SECRET, what: 'the secret of `[portal] client_id`' },
];

/** Each variable that the program reads: tests/docs/reference.test.ts finds those that are missing here. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  MANDAT_CONFIG: 'the configuration file, where `--config` is not given',
  MANDAT_IMAP_ADMIN_PASSWORD: 'wins over `[imap] admin_password_file`',
  MANDAT_DOVEADM_API_KEY: 'wins over `[sessions] api_key_file`',
  MANDAT_EVENTS_PASSWORD: 'wins over `[events] password_file`',
  MANDAT_SMTP_PASSWORD: 'wins over `[notices] password_file`',
  MANDAT_OIDC_SECRET: 'wins over `[portal] client_secret_file`',
  MANDAT_SERVICE_KEY_NAME: 'wins over `[portal.services.NAME] key_file`, NAME in capitals with `_` for `-`',
  MANDAT_DATABASE_PASSWORD: 'for the database in PostgreSQL, instead of database_password_file',
  MANDAT_PROBE_PASSWORD:
    'the password that `mandat doctor --probe` sends a message with, where `--probe-password-file` is not given',
  SUDO_USER: 'who is at the keyboard, for the audit trail, where the command runs under sudo',
  CREDENTIALS_DIRECTORY: 'set by systemd: where the secrets are that it passes to the service',
  NOTIFY_SOCKET:
    'set by systemd: where `mandat run`, `mandat filter`, `mandat portal` and `mandat shares serve` say how they are',
  LISTEN_PID: 'set by systemd for `mandat shares serve`: which process it hands a socket to',
  LISTEN_FDS: 'set by systemd: how many it hands over',
  LISTEN_FDNAMES: 'set by systemd: what it calls them',
  WATCHDOG_USEC: 'set by systemd: within how many microseconds it wants to hear of the service',
  WATCHDOG_PID: 'set by systemd: of which process',
  NO_COLOR: 'when set, nothing is shown in colour',
};
