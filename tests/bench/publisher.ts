/** Publishes into a sender map without pause, until it is killed. */
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';

const map = openSenderMap(process.argv[2] ?? '');
const owner = { address: 'user1@lab.test', login: 'user1@lab.test' };
process.stdout.write('publishing\n');
for (;;) {
  map.publish(1, [owner, { address: 'user1@lab.test', login: 'bob@lab.test' }]);
  map.publish(1, [owner]);
}
