/** Where one says who one is: a button for each person. As /interaction/ID of the lab's identity provider. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';

/** What the provider says of somebody, by claim: SubjectNameID, given_name, family_name, groups; `acr`: how they sign in, null: nothing is said. */
export type LabClaims = Readonly<Record<string, unknown>>;

/** `POST person=SUB` signs in as they do (their `acr`, or eidas1); `POST cancel=1` goes back without. */
export async function signingInPage(
  provider: Provider,
  people: ReadonlyMap<string, LabClaims>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await provider.interactionDetails(request, response);
    if (request.method !== 'POST') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(people));
      return;
    }
    const form = new URLSearchParams(await text(request));
    const person = form.get('person');
    const claims = person === null ? undefined : people.get(person);
    const { acr = 'eidas1' } = claims ?? {};
    const result =
      person === null || claims === undefined
        ? { error: 'access_denied', error_description: 'nobody signed in' }
        : { login: { accountId: person, ...(acr === null ? {} : { acr }), remember: true } };
    await provider.interactionFinished(request, response, result);
  } catch (error) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end(String(error));
  }
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function page(people: ReadonlyMap<string, LabClaims>): string {
  const buttons = [...people].map(([sub, { given_name = '', family_name = '' }]) => {
    const name = escaped(`${given_name} ${family_name}`.trim() || sub);
    return `<p><button name="person" value="${escaped(sub)}">${name} (${escaped(sub)})</button></p>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The lab's identity provider</title><h1>Who are you?</h1><form method="post">${buttons.join('\n')}
<p><button name="cancel" value="1">Nobody</button></p></form></html>`;
}
