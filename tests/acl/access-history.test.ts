import t from 'tap';
import { openStanding, type Told } from '../../acl/access-history.ts';

const at = (minute: number) => `2026-11-23T08:${String(minute).padStart(2, '0')}:00.000Z`;
const after = (entries: readonly (readonly [string, string | null, string | null, object?])[]) => {
  const reader = openStanding();
  entries.forEach(([action, mailbox, delegate, detail], minute) => {
    const told: Told = {
      at: at(minute),
      action,
      mailbox,
      delegate,
      detail: detail === undefined ? null : JSON.stringify(detail),
    };
    reader.take(told);
  });
  return reader.now();
};
const bob = (access: string | null, delegated: string | null = at(0), sends: readonly string[] = []) => ({
  m: { bob: { delegated, access, sends } },
});

t.test('each entry changes one thing', async (t) => {
  /** entries, what stands, why */
  const table = [
    [[], {}, 'nothing'],
    [[['grant', 'm', 'bob']], bob(null), 'asked for, not there yet'],
    [
      [
        ['grant', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
      ],
      bob(at(1)),
      'there',
    ],
    [
      [
        ['grant', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
      ],
      bob(at(1)),
      'since the first',
    ],
    [
      [
        ['grant', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
        ['withdrawn', 'm', 'bob'],
      ],
      bob(null),
      'suspended',
    ],
    [
      [
        ['in-force', 'm', 'bob'],
        ['grant', 'm', 'bob'],
      ],
      bob(at(0), at(1)),
      'an outcome may be sealed before its row',
    ],
    [
      [
        ['grant', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
        ['revoke', 'm', 'bob'],
      ],
      bob(at(1), null),
      'not taken back yet',
    ],
    [
      [
        ['grant', 'm', 'bob'],
        ['in-force', 'm', 'bob'],
        ['revoke', 'm', 'bob'],
        ['ended', 'm', 'bob'],
      ],
      {},
      'gone',
    ],
    [
      [
        ['grant', 'm', 'bob'],
        ['publish', 'm', 'bob', { addresses: ['b', 'a'] }],
      ],
      bob(null, at(0), ['a', 'b']),
      'sends',
    ],
    [
      [
        ['publish', 'm', 'bob', { addresses: ['a', 'b'] }],
        ['withdraw', 'm', 'bob', { addresses: ['b'] }],
      ],
      bob(null, null, ['a']),
      'one address less',
    ],
    [
      [
        ['grant', 'old', 'bob'],
        ['mailbox-set', 'm', null, { address: 'old' }],
      ],
      bob(null),
      'the mailbox moved',
    ],
    [
      [
        ['grant', 'm', 'b'],
        ['delegate-set', null, 'bob', { identifier: 'b' }],
      ],
      bob(null),
      'they have another identifier',
    ],
    [
      [
        ['delegate-add', null, 'bob', { login: 'b@x' }],
        ['in-force', 'm', 'b@x'],
        ['grant', 'm', 'bob'],
      ],
      bob(at(1), at(2)),
      'older entries name them by their login',
    ],
    [
      [
        ['failed', 'm', null, { code: 'retry' }],
        ['audit-export', null, null],
      ],
      {},
      'what concerns nobody',
    ],
  ] as const;
  for (const [entries, expected, why] of table) t.same(after(entries), expected, why);
});

t.test('taken up again from what stood', async (t) => {
  const reader = openStanding({ m: { bob: { delegated: at(0), access: at(1), sends: ['a'] } } });
  reader.take({ at: at(5), action: 'withdrawn', mailbox: 'm', delegate: 'bob', detail: null });
  t.same(reader.now(), { m: { bob: { delegated: at(0), access: null, sends: ['a'] } } });
});
