/** How Python's email package reads author fields, with the policy of old programs and with the one of new ones. One process for many messages. */
import { spawnSync } from 'node:child_process';

/** By policy and by field in lower case: the addresses, or what Python raised. */
export interface PythonReading {
  readonly compat32: Readonly<Record<string, readonly string[] | string>>;
  readonly default: Readonly<Record<string, readonly string[] | string>>;
  /** By a program that decodes the field before it looks for addresses, which is wrong and often seen. */
  readonly decodedFirst: Readonly<Record<string, readonly string[] | string>>;
}

const PROGRAM = `
import base64, email, email.header, email.policy, email.utils, json, sys
NAMES = ('from', 'sender', 'resent-from', 'resent-sender', 'author')

def old(message, name):
    return [address for _, address in email.utils.getaddresses([str(value) for value in message.get_all(name)])]

def new(message, name):
    return [one.addr_spec for value in message.get_all(name) for one in value.addresses]

def decoded(message, name):
    values = [str(email.header.make_header(email.header.decode_header(value))) for value in message.get_all(name)]
    return [address for _, address in email.utils.getaddresses(values)]

def read(raw, policy, how, names=NAMES):
    message = email.message_from_bytes(raw, policy=policy)
    found = {}
    for name in names:
        if name in message:
            try:
                found[name] = how(message, name)
            except Exception as error:
                found[name] = repr(error)
    return found

for line in sys.stdin:
    raw = base64.b64decode(line)
    print(json.dumps({
        'compat32': read(raw, email.policy.compat32, old),
        'default': read(raw, email.policy.default, new, NAMES[:-1]),  # which takes Author for text
        'decodedFirst': read(raw, email.policy.compat32, decoded),
    }))
`;

/** In the order of the messages. Undefined where there is no python3. */
export function pythonReads(messages: readonly Buffer[]): readonly PythonReading[] | undefined {
  const input = messages.map((message) => `${message.toString('base64')}\n`).join('');
  const { error, status, stdout, stderr } = spawnSync('python3', ['-c', PROGRAM], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  if (error !== undefined || status !== 0) throw new Error(`python3: ${error?.message ?? stderr}`);
  const lines = stdout.split('\n').slice(0, -1);
  if (lines.length !== messages.length) throw new Error(`python3 answered ${lines.length} of ${messages.length}`);
  return lines.map((line) => JSON.parse(line) as PythonReading);
}
