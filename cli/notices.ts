import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { retryNotices } from '../bridge/notify/retry.ts';
import { shippedTemplates } from '../bridge/notify/templates.ts';
import { noticePages, type StoredNotice } from '../bridge/store/state/outbox.ts';
import type { OutboxState } from '../bridge/store/state/state-db.ts';
import { EXIT } from './exit.ts';
import { printList } from './long-list.ts';
import { counted } from './output.ts';
import type { Runner } from './runner.ts';
import { shownTime } from './times.ts';

const STATES: readonly OutboxState[] = ['waiting', 'sending', 'sent', 'failed', 'no-address'];

export function noticesCommand(program: Command, run: Runner): void {
  const notices = program
    .command('notices')
    .description('the mails that tell owners and delegates what became of a delegation');

  notices
    .command('list')
    .description('list the notices: to whom, about what, and whether they were sent')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .action(
      run(async ({ out, state: read, config }, { state }: { readonly state?: OutboxState }) => {
        const time = (instant: string | null) => shownTime(instant, config.policy.timezone);
        const list = {
          head: ['ID', 'STATE', 'KIND', 'TO', 'MAILBOX', 'OF', 'SENT OR NEXT', 'ERROR'],
          row: (one: StoredNotice) => [
            one.id,
            one.state,
            one.kind,
            toWhom(one),
            one.mailbox,
            time(one.createdAt),
            one.state === 'sent' ? time(one.sentAt) : time(one.nextAt),
            one.error,
          ],
          document,
          none: 'no notices',
        };
        const only = state === undefined ? {} : { states: [state] };
        await read((db) => printList(out, list, () => noticePages(db, only)));
        return undefined;
      }),
    );

  notices
    .command('retry')
    .description('try again to send the notices that failed, or for which no address was known')
    .addArgument(new Argument('[id...]', 'which ones; all of them by default').argParser(number))
    .action(
      run(async ({ out, table: read, state }, ids: readonly number[] | undefined) => {
        const { again, noAddress } = await read((db) =>
          state((own) => retryNotices(db, own, ids ?? [], new Date().toISOString())),
        );
        out.result(
          { again, noAddress: noAddress.map(document) },
          [
            `${counted(again.length, 'notice')} to be tried again${again.length === 0 ? '' : ' by the sidecar'}`,
            ...noAddress.map((one) => `${one.id}: still no address is known for ${toWhom(one)}`),
          ].join('\n'),
        );
        return noAddress.length > 0 ? EXIT.failed : undefined;
      }),
    );

  notices
    .command('templates')
    .description(
      'write the templates that come with mandat into a directory, for [notices] templates; what is there stays',
    )
    .argument('<directory>', 'the directory; made where it is not there')
    .action(
      run(
        async ({ out }, directory: string) => {
          const [from, to] = [shippedTemplates(), path.resolve(directory)];
          mkdirSync(to, { recursive: true });
          const there = new Set(filesBelow(to));
          const wanted = filesBelow(from);
          cpSync(from, to, { recursive: true, force: false });
          const written = wanted.filter((name) => !there.has(name));
          const stay = wanted.length - written.length;
          out.result(
            { directory: to, written },
            `${counted(written.length, 'file')} written into ${to}${stay === 0 ? '' : `; ${stay} were there already and stay as they are`}`,
          );
          return undefined;
        },
        [],
        'caller',
      ), // it writes where the user wants it, and touches no file of ours
    );
}

function number(typed: string, before: readonly number[] | undefined): readonly number[] {
  if (!/^\d{1,15}$/.test(typed)) throw new InvalidArgumentError('A number, as "mandat notices list" shows it.');
  return [...(before ?? []), Number(typed)];
}

/** Whom it is for, never at which address: that is between them and the mail. R42. */
export function toWhom({ part, subject }: Pick<StoredNotice, 'part' | 'subject'>): string {
  return `${part} ${subject}`;
}

/** Without the address, and without what stands in the mail: that may be a code. */
function document({ recipient: _, data: __, messageId: ___, since: ____, ...notice }: StoredNotice) {
  return notice;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => path.relative(directory, path.join(one.parentPath, one.name)))
    .sort();
}
