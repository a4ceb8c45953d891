import t from 'tap';
import { type ContactFault, contactFault, describeContactFault, isMssante } from '../../acl/contact-address.ts';

const WHITE_LIST = new Set(['apicrypt.example', 'sante.hopital.example', 'xn--sant-epa.example']);

const ADDRESSES: readonly (readonly [address: string, fault: ContactFault | undefined, why: string])[] = [
  ['eloise@example.org', undefined, 'as it should be'],
  ["Eloise.d'Arc+mandat@mail.example.org", undefined, 'what RFC 5321 allows before the @, in its own case'],
  ['e@xn--mnich-kva.example', undefined, 'an international domain'],
  [`${'x'.repeat(64)}@example.org`, undefined, 'the longest before the @'],
  [`${'x'.repeat(65)}@example.org`, 'format', 'one more'],
  [`e@${`${'x'.repeat(60)}.`.repeat(4)}example`, undefined, '253 characters in all'],
  [`e@${`${'x'.repeat(60)}.`.repeat(4)}example.org`, 'format', 'too long'],
  [`${'x'.repeat(288)}@example.org`, 'format', '300 characters'],
  ['', 'empty', 'none'],
  ['eloise', 'format', 'no domain'],
  ['@example.org', 'format', 'nobody'],
  ['eloise@', 'format', 'nowhere'],
  ['eloise@localhost', 'format', 'no domain that mail is sent to'],
  ['eloise@example..org', 'format', 'an empty label'],
  ['eloise@.example.org', 'format', 'the same'],
  ['eloise@-example.org', 'format', 'no label'],
  ['eloise@exam_ple.org', 'format', 'no host'],
  ['eloise@Example.org', 'format', 'folded before it comes here'],
  ['.eloise@example.org', 'format', 'no dot-string'],
  ['eloise..d@example.org', 'format', 'the same'],
  ['eloise@example.org\n', 'format', 'a line end, which would end a header'],
  ['eloise\r\nBcc: x@example.org', 'format', 'another header'],
  ['eloise@example.org\0', 'format', 'a NUL'],
  [' eloise@example.org', 'format', 'a space'],
  ['<eloise@example.org>', 'format', 'with what surrounds it'],
  ['a@example.org,b@example.org', 'format', 'two'],
  ['"eloise x"@example.org', 'format', 'a quoted string'],
  ['eloise@[192.0.2.1]', 'format', 'an address literal'],
  ['éloïse@example.org', 'format', 'not ASCII'],
  ['eloise@mssante.fr', 'mssante', "the operators' domain"],
  ['eloise@pro.formation.mssante.fr', 'mssante', 'below it'],
  ['eloise@notmssante.fr', undefined, 'another that ends alike'],
  ['eloise@mssante.fr.example', undefined, 'another that begins alike'],
  ['eloise@apicrypt.example', 'mssante', 'listed'],
  ['eloise@a.b.apicrypt.example', 'mssante', 'below what is listed'],
  ['eloise@hopital.example', undefined, 'above what is listed'],
  ['eloise@xn--sant-epa.example', 'mssante', 'an international one, listed'],
];

t.test('contact addresses', async (t) => {
  for (const [address, fault, why] of ADDRESSES) {
    t.equal(contactFault(address, WHITE_LIST), fault, `${why}: ${JSON.stringify(address.slice(0, 40))}`);
  }
  t.match(describeContactFault('format'), /^L'adresse mail ne respecte pas le format attendu/, "the guide's words");
});

t.test('without a white list the operators’ domain is known all the same', async (t) => {
  t.ok(isMssante('chu.mssante.fr', new Set()));
  t.notOk(isMssante('example.org', new Set()));
});
