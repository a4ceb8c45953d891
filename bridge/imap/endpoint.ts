/** Where an IMAP server is, and how it is spoken to. */

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
  /** PEM; undefined for those that Node trusts by itself. */
  readonly ca?: readonly string[] | undefined;
  readonly serverName?: string | undefined;
  readonly timeoutMs: number;
  /** The address of this machine that connections come from; undefined: as the system chooses. */
  readonly localAddress?: string | undefined;
}
