/** Ending sessions by commands: are they there, in nobody else's hands, and do they do as they are told? Asked for a login that nobody has. */
import { othersMayChange } from '../../config/trusted.ts';
import { sessionCommands } from '../configured/drivers.ts';
import { sessionsOf, withLogin } from '../sessions/command.ts';
import { runBounded } from '../sessions/run-bounded.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { nobodysLogin } from './nobodys-login.ts';
import { cutting } from './sessions.ts';

export const sessionPrograms: Check = {
  name: 'session commands',
  needs: [cutting],
  look: async ({ config }) => {
    const commands = sessionCommands(config);
    if (commands === undefined) return skipped('sessions are not ended by commands');
    const { end, list, timeoutMs } = commands;
    for (const program of new Set([end[0] ?? '', ...(list?.slice(0, 1) ?? [])])) {
      const wrong = changeable(program);
      if (wrong !== undefined) return fail(wrong, 'give it to root, mode 0755, and every directory above it');
    }
    const login = nobodysLogin();
    if (list !== undefined) {
      const open = await sessionsOf(commands, list, login);
      if (open.length > 0) {
        return fail(
          `list_command names ${open.length} sessions of ${login}, a login that nobody has: no cut could be proven`,
          'it must name the sessions of the login that it is given, and no others',
        );
      }
    }
    const { status, said } = await runBounded(withLogin(end, login), timeoutMs);
    if (status !== 0) {
      return fail(
        `end_command, for a login that nobody has: ${status}${said === '' ? '' : ` (${said})`}; nobody to end is as good as ended`,
        'its exit status must be 0 then; run it by hand, as the user that mandat runs as',
      );
    }
    return list === undefined
      ? warn('end_command may be run; without list_command no cut is proven', '[sessions] list_command')
      : ok('both may be run, and name nobody where nobody is connected');
  },
};

function changeable(program: string): string | undefined {
  try {
    return othersMayChange(program)?.message;
  } catch {
    return `${program} is not there`;
  }
}
