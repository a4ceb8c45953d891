/** The rules of domains, which take part or not: those of delegation.db. */
import { mark, note, object, refuse, trigger } from './functions.ts';
import { changed } from './mailboxes.ts';

const inDomain = (domain: string) =>
  `SELECT id FROM mailboxes WHERE substr(address, strpos(address, '@') + 1) = ${domain}`;

const domainRules =
  refuse(
    'MANDAT_DOMAIN',
    'a domain is written in lower case, of a-z 0-9 . - (an international one as punycode, xn--...)',
    'bad_domain(NEW.domain)',
  ) + refuse('MANDAT_ELIGIBLE', 'eligible is 0 or 1', 'NEW.eligible IS NULL OR NEW.eligible NOT IN (0, 1)');

const turnDomain = (domain: string) => `PERFORM turn('mailbox', 'domain-not-eligible', ARRAY(${inDomain(domain)}));\n`;
const setDomain = `${mark(inDomain('NEW.domain'))}${turnDomain('NEW.domain')}${note('domain-set', 'NULL', 'NULL', object({ domain: 'NEW.domain', eligible: 'NEW.eligible' }))}`;

export const domains = [
  trigger(
    'BEFORE',
    'INSERT',
    'domains',
    `${domainRules}${refuse('MANDAT_DUPLICATE', 'this domain is there already', 'EXISTS (SELECT 1 FROM domains WHERE domain = NEW.domain)')}`,
  ),
  trigger(
    'BEFORE',
    'UPDATE',
    'domains',
    `${domainRules}${refuse('MANDAT_IMMUTABLE', 'a domain keeps its name: delete it and insert another', 'NEW.domain IS DISTINCT FROM OLD.domain')}`,
  ),
  trigger('AFTER', 'INSERT', 'domains', setDomain),
  trigger('AFTER', 'UPDATE', 'domains', setDomain),
  trigger(
    'AFTER',
    'DELETE',
    'domains',
    `${mark(inDomain('OLD.domain'))}${turnDomain('OLD.domain')}${note('domain-remove', 'NULL', 'NULL', object({ domain: 'OLD.domain' }))}`,
  ),
  'CREATE OR REPLACE VIEW domain (domain, eligible) AS SELECT domain, eligible FROM domains;\n',
  trigger(
    'INSTEAD OF',
    'INSERT',
    'domain',
    'INSERT INTO domains (domain, eligible) VALUES (NEW.domain, COALESCE(NEW.eligible, 1));',
  ),
  trigger(
    'INSTEAD OF',
    'UPDATE',
    'domain',
    `UPDATE domains SET ${changed('domain')}, ${changed('eligible')} WHERE domain = OLD.domain;\nIF NOT FOUND THEN RETURN NULL; END IF;`,
  ),
  trigger(
    'INSTEAD OF',
    'DELETE',
    'domain',
    'DELETE FROM domains WHERE domain = OLD.domain;\nIF NOT FOUND THEN RETURN NULL; END IF;',
  ),
  `-- Whether a mailbox's domain takes part: its own row says so, else the setting for domains without one.
CREATE OR REPLACE VIEW domain_eligibility (mailbox_id, domain, eligible) AS
  SELECT m.id, substr(m.address, strpos(m.address, '@') + 1), COALESCE((SELECT d.eligible FROM domains d WHERE d.domain = substr(m.address, strpos(m.address, '@') + 1)),
    (SELECT (s.value <> 'listed')::integer FROM settings s WHERE s.name = 'eligible_domains'), 1) FROM mailboxes m;
`,
].join('');
