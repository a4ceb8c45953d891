/** A contact address as it is typed. R41, R51. */
import { contactFault, describeContactFault } from '../../acl/contact-address.ts';
import { isCorrespondenceAddress } from '../directory/correspondence.ts';
import { whiteListIn } from '../directory/white-list.ts';
import { asciiDomain } from '../shared/domain-name.ts';
import { Failure } from '../shared/failure.ts';
import type { Site } from './site.ts';
import { shown } from './typed.ts';

/** In its own case before the @, folded behind it. Fails `refused`. */
export function contactAddress({ warn, files }: Pick<Site, 'warn' | 'files'>, typed: string): string {
  const list = whiteListIn(files.privateDirectory);
  if (list === undefined) {
    warn(
      'mandat: no white list has been imported, so of MSSanté only mssante.fr is known ("mandat directory import --whitelist FILE")',
    );
  }
  const at = typed.lastIndexOf('@');
  const domain = typed.slice(at + 1);
  const address = at < 0 ? typed : `${typed.slice(0, at)}@${asciiDomain(domain) ?? domain}`;
  const published = address.includes('@') && isCorrespondenceAddress(files.privateDirectory, address.toLowerCase());
  const fault = contactFault(address, new Set(list?.domains)) ?? (published ? 'mssante' : undefined);
  if (fault === undefined) return address;
  throw new Failure('refused', `${describeContactFault(fault)}: "${shown(typed)}"`, '', {
    rule: 'MANDAT_CONTACT',
    fault,
    about: shown(typed) || undefined,
  });
}
