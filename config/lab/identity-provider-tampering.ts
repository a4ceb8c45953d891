/** An ID token with other claims than the provider would give: what a provider that is wrong, or somebody else's, sends. */
import type { ServerResponse } from 'node:http';
import { decodeJwt, type JWTPayload } from 'jose';

/** From now on the answer's id_token is another, signed as `sign` does. */
export function tampered(
  response: ServerResponse,
  change: (claims: JWTPayload) => JWTPayload,
  sign: (claims: JWTPayload) => Promise<string>,
): void {
  const end = response.end.bind(response);
  const later = async (body: unknown) => {
    const answer = JSON.parse(String(body)) as { id_token?: string };
    if (answer.id_token !== undefined) answer.id_token = await sign(change(decodeJwt(answer.id_token)));
    const text = JSON.stringify(answer);
    response.setHeader('content-length', Buffer.byteLength(text));
    end(text);
  };
  response.end = ((body: unknown) => {
    void later(body);
    return response;
  }) as ServerResponse['end'];
}
