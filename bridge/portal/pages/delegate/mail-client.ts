/** How a delegated mailbox is reached in an ordinary mail client. R37, R46, R31 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { Config } from '../../../../config/schema.ts';
import { delegationsOf, type SeenDelegation } from '../../../acting/delegation-states.ts';
import type { PortalEnv } from '../../context.ts';
import { addressShown, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { ACCOUNT, clientPath } from '../paths.ts';
import { appleProfile, autoconfig, type MailClient, serversOf } from './mail-client-files.ts';
import { notOpen } from './parts.ts';
import { type OwnAccount, ownAccount } from './whose-account.ts';

export function mountMailClient(app: Hono<PortalEnv>): void {
  const at = `${ACCOUNT}/mailboxes/:mailbox`;
  app.get(at, async (c) => {
    const { own, row } = await delegated(c);
    return own === undefined || row === undefined ? notOpen(c) : clientPage(c, own, row);
  });
  app.get(`${at}/mail.mobileconfig`, async (c) => {
    const { own, row } = await delegated(c);
    const servers = own && serversOf(own.acting.config, row?.mailbox.server);
    if (row === undefined || servers === undefined) return notOpen(c);
    return c.body(appleProfile(servers, row.delegate.login, wordsOf(c).site), 200, {
      'content-type': 'application/x-apple-aspen-config',
      'content-disposition': 'attachment; filename="mail.mobileconfig"',
    });
  });
}

/** Where Thunderbird looks, before anybody has signed in: the same for everybody. */
export function mountAutoconfig(app: Hono<PortalEnv>, config: Pick<Config, 'mailClient'>): void {
  const servers = serversOf(config);
  app.get('/.well-known/autoconfig/mail/config-v1.1.xml', (c) =>
    servers === undefined
      ? c.body(null, 404)
      : c.body(autoconfig(servers), 200, { 'content-type': 'text/xml; charset=utf-8' }),
  );
}

async function delegated(
  c: PortalContext,
): Promise<{ own?: OwnAccount | undefined; row?: SeenDelegation | undefined }> {
  const own = await ownAccount(c);
  if (own === undefined) return {};
  const rows = await delegationsOf(own.acting, { delegate: own.identifier });
  return { own, row: rows.find(({ mailbox }) => mailbox.address === c.req.param('mailbox')) };
}

function clientPage(c: PortalContext, { acting }: OwnAccount, row: SeenDelegation) {
  const all = wordsOf(c);
  const words = all.delegate;
  const { address } = row.mailbox;
  const { submission } = acting.config;
  const servers = serversOf(acting.config, row.mailbox.server);
  const title = words.clientTitle(address);
  const folder = servers?.sharedFolders?.replace('OWNER', row.mailbox.login);
  const fact = (name: string, value: unknown) => html`<dt>${name}</dt><dd>${value}</dd>`;
  const body = html`<p class="crumb"><a href="${ACCOUNT}">${all.account}</a></p><h1>${addressShown(title)}</h1>
${row.reason === null ? '' : html`<div class="note wait"><p>${words.notInForce}</p></div>`}
<p>${words.clientLead}</p>
${servers === undefined ? html`<div class="note wait"><p>${words.notConfigured}</p></div>` : serverFacts(c, servers, row.delegate.login)}
<section class="card" aria-labelledby="folder"><h2 id="folder">${words.delegatedOne}</h2><dl class="facts">
${fact(words.folder, folder ?? words.folderUnknown)}${fact(words.from, address)}<dt>${words.copy}</dt><dd class="said">${submission?.sentCopy === 'owner' ? words.copyOwner : words.copyClient}</dd></dl>
<p class="hint">${words.folderHint}</p><p class="hint">${words.fromHint(address)}</p></section>
${servers === undefined ? '' : html`<section class="card" aria-labelledby="profiles"><h2 id="profiles">${words.profiles}</h2><p><a class="button plain" href="${clientPath(address, '/mail.mobileconfig')}">${words.apple}</a></p><p>${words.thunderbird}</p></section>`}`;
  return page(c, { title, place: 'account', body });
}

function serverFacts(c: PortalContext, servers: MailClient, login: string): Html {
  const words = wordsOf(c).delegate;
  const one = (id: string, title: string, host: string, port: number, tls: MailClient['imapTls']) =>
    html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2><dl class="facts"><dt>${words.server}</dt><dd>${host}</dd><dt>${words.port}</dt><dd>${port}</dd><dt>${words.security}</dt><dd>${tls === 'implicit' ? 'TLS' : 'STARTTLS'}</dd><dt>${words.login}</dt><dd>${login}</dd></dl></section>`;
  const { imapHost, imapPort, imapTls, smtpHost, smtpPort, smtpTls } = servers;
  return html`<div class="pair">${one('imap', words.imap, imapHost, imapPort, imapTls)}${one('smtp', words.smtp, smtpHost, smtpPort, smtpTls)}</div>`;
}
