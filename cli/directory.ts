import type { Command } from 'commander';
import { noteWhoIsListed } from '../bridge/acting/note-listed.ts';
import { RPPS_PORTAL, searchPeople } from '../bridge/acting/people.ts';
import { correspondenceStatus, isCorrespondence } from '../bridge/directory/correspondence.ts';
import { type Criteria, directoryStatus, type Found, MOST_SHOWN, noDirectory } from '../bridge/directory/search.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { identifiersInUse, type ListedChange } from '../bridge/store/table/listed-people.ts';
import { takeCorrespondence } from './correspondence.ts';
import { warnOfLeftOut } from './left-out-lines.ts';
import { atLowPriority } from './low-priority.ts';
import { counted, facts, oneLine, table } from './output.ts';
import { openProgress } from './progress.ts';
import type { Runner } from './runner.ts';
import { shareForAll } from './shared-imports.ts';
import { shownDuration, shownTime } from './times.ts';
import { importDomains, shownWhiteList, whiteListStatus } from './white-list.ts';

/** R21: who isn't in the directory and may get into it. */
const PORTAL = `nobody is found. Only professionals with an RPPS number are in the directory; secretaries and medical assistants get one at ${RPPS_PORTAL}`;

export function directoryCommand(program: Command, run: Runner): void {
  const directory = program
    .command('directory')
    .description('the national directory of health professionals (Annuaire santé), as it was published');

  directory
    .command('import')
    .description(
      'take over the published PS_LibreAcces_Personne_activite, or Extraction_Correspondance_MSSante; the old one stays until the new one is whole',
    )
    .argument('[file]', 'the .txt or the .zip')
    .option(
      '--whitelist <file>',
      'instead, the white list of MSSanté domains (XML), in which no contact address may lie',
    )
    .action(
      run(async (session, file: string | undefined, { whitelist }: { whitelist?: string }) => {
        const { out, config, files } = session;
        if (whitelist !== undefined && file === undefined) return importDomains(session, whitelist);
        if (whitelist !== undefined || file === undefined) {
          throw new Failure('config', 'give the extract, or --whitelist FILE');
        }
        if (await isCorrespondence(file)) return takeCorrespondence(session, file);
        const { importExtract } = await import('../bridge/directory/import.ts');
        const known = await session.table(identifiersInUse);
        const progress = openProgress(out, 'read');
        const options = {
          known,
          maxShrinkPercent: config.directory.maxShrink,
          now: new Date().toISOString(),
          onProgress: progress.at,
        };
        const report = await atLowPriority(() => importExtract(files.privateDirectory, file, options)).finally(
          progress.end,
        );
        await shareForAll(session, 'directory');
        const { lines, people, source } = report;
        const { listed, renamed } = await noteWhoIsListed(session, 'directory import');
        const detail = { source, people, lines };
        await session.table((table) => noteEvent(table, session.writer, { action: 'directory-import', detail }));
        out.result(
          { ...report, listed, renamed },
          [
            `${oneLine(source)}: ${counted(people, 'person', 'people')} in ${counted(lines, 'line')}`,
            ...listed.map(told),
            ...renamed.map((identifier) => `${identifier}: name and profession as the directory has them`),
          ].join('\n'),
        );
        warnOfLeftOut(out, report);
        return undefined;
      }),
    );

  directory
    .command('search')
    .description('find a professional: at least two criteria, or a full identifier')
    .option('--last-name <name>', 'its beginning; accents and case do not matter')
    .option('--first-name <name>', 'its beginning')
    .option('--profession <profession>', 'a code, or the beginning of its name')
    .option('--postal-code <code>', 'its beginning')
    .option('--city <city>', 'its beginning')
    .option('--id <number>', 'an RPPS identifier, of 12 digits or 11')
    .action(
      run(async (session, { id, ...criteria }: Criteria & { id?: string }) => {
        const { out } = session;
        const found = await searchPeople(session, { identifier: id, ...criteria });
        out.result(found, found.total === 0 ? PORTAL : shown(found));
        if (found.total > found.people.length) {
          out.say(`the first ${MOST_SHOWN} of ${found.total}: add a criterion to see the others`);
        }
        return undefined;
      }),
    );

  directory
    .command('status')
    .description('what has been imported, and how old it is')
    .action(
      run(async (session) => {
        const { out, config, files } = session;
        const { timezone } = config.policy;
        const people = directoryStatus(files.privateDirectory);
        const addresses = correspondenceStatus(files.privateDirectory);
        const whiteList = whiteListStatus(session);
        if (people === undefined && addresses === undefined && whiteList === null) throw noDirectory();
        const ageMs = (one: { readonly imported: string }) => Date.now() - Date.parse(one.imported);
        const imported = (one: { readonly imported: string }) =>
          `${shownTime(one.imported, timezone)}, ${shownDuration(ageMs(one))} ago`;
        const none = { source: null, lines: 0, people: 0, imported: null, ageMs: null };
        out.result(
          {
            ...(people === undefined ? none : { ...people, ageMs: ageMs(people) }),
            correspondence: addresses === undefined ? null : { ...addresses, ageMs: ageMs(addresses) },
            whiteList,
          },
          facts([
            ['file', people?.source ?? null],
            ['lines', people?.lines ?? null],
            ['people', people?.people ?? null],
            ['imported', people === undefined ? null : imported(people)],
            ['MSSanté addresses', addresses?.addresses ?? null],
            ['from', addresses?.source ?? null],
            ['imported', addresses === undefined ? null : imported(addresses)],
            ['white list', shownWhiteList(whiteList, timezone)],
          ]),
        );
        return undefined;
      }),
    );
}

const told = ({ identifier, listed }: ListedChange) =>
  `${identifier}: ${listed ? 'is in the directory' : 'is not in the directory: what depends on them is suspended'}`;

function shown({ people }: Found): string {
  return table(
    ['IDENTIFIER', 'FIRST NAME', 'LAST NAME', 'PROFESSION', 'POSTAL CODE', 'CITY'],
    people.map((one) => [
      one.identifier,
      one.firstName,
      one.lastName,
      one.role === null ? one.profession : `${one.profession}: ${one.role}`,
      one.postalCode,
      one.city,
    ]),
  );
}
