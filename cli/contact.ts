/** A contact address as it is typed. R41, R51. */
import { contactFault, describeContactFault } from '../acl/contact-address.ts';
import { isCorrespondenceAddress } from '../bridge/directory/correspondence.ts';
import { whiteListIn } from '../bridge/directory/white-list.ts';
import { asciiDomain } from '../bridge/shared/domain-name.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { shown } from './arguments.ts';
import type { Session } from './session.ts';

/** In its own case before the @, folded behind it. Fails `refused`. */
export function contactAddress({ out, files }: Pick<Session, 'out' | 'files'>, typed: string): string {
  const list = whiteListIn(files.privateDirectory);
  if (list === undefined) {
    out.warn(
      'mandat: no white list has been imported, so of MSSanté only mssante.fr is known ("mandat directory import --whitelist FILE")',
    );
  }
  const at = typed.lastIndexOf('@');
  const domain = typed.slice(at + 1);
  const address = at < 0 ? typed : `${typed.slice(0, at)}@${asciiDomain(domain) ?? domain}`;
  const published = address.includes('@') && isCorrespondenceAddress(files.privateDirectory, address.toLowerCase());
  const fault = contactFault(address, new Set(list?.domains)) ?? (published ? 'mssante' : undefined);
  if (fault === undefined) return address;
  throw new Failure('refused', `${describeContactFault(fault)}: "${shown(typed)}"`, '', { rule: 'MANDAT_CONTACT' });
}
