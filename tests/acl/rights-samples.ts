/** Arbitrary canonical rights, and the ways servers and people write them. */
import fc from 'fast-check';
import { canonical, LETTERS, type Rights } from '../../acl/rights.ts';

export const someRights: fc.Arbitrary<Rights> = fc.subarray([...LETTERS]).map((letters) => canonical(letters.join('')));

/** Letters in any order and number, with those that are no rights of their own among them. */
export const writtenRights: fc.Arbitrary<string> = fc.string({ unit: fc.constantFrom(...LETTERS, ...'cdn07ZR ') });
