/** The drivers, with every change they make told to somebody: the log of a sidecar, or the list of a dry run. */
import type { DelegateView, MailServer, OwnerView, SenderPublisher, SessionCutter } from './driver-interfaces.ts';
import type { OnStep } from './steps.ts';

export function recordedServer(server: MailServer, onStep: OnStep): MailServer {
  return {
    name: server.name,
    prepare: server.prepare,
    asOwner: async (...about) => recordedOwner(await server.asOwner(...about), onStep),
    asDelegate: async (login) => recordedDelegate(await server.asDelegate(login), onStep),
  };
}

function recordedOwner(view: OwnerView, onStep: OnStep): OwnerView {
  const owner = view.login;
  return {
    ...view,
    set: async (folder, login, rights) => {
      const done = await view.set(folder, login, rights);
      if (done) onStep({ kind: 'set-entry', owner, folder, login, rights });
      return done;
    },
    remove: async (folder, login) => {
      const done = await view.remove(folder, login);
      if (done) onStep({ kind: 'delete-entry', owner, folder, login });
      return done;
    },
    subscribe: async (folder) => {
      const done = await view.subscribe(folder);
      if (done) onStep({ kind: 'subscribe', owner, folder, login: owner });
      return done;
    },
  };
}

function recordedDelegate(view: DelegateView, onStep: OnStep): DelegateView {
  const { login } = view;
  return {
    ...view,
    subscribe: async (owner, folder) => {
      const done = await view.subscribe(owner, folder);
      if (done) onStep({ kind: 'subscribe', owner, folder, login });
      return done;
    },
    unsubscribe: async (owner, folder) => {
      const done = await view.unsubscribe(owner, folder);
      if (done) onStep({ kind: 'unsubscribe', owner, folder, login });
      return done;
    },
  };
}

export function recordedCutter(cutter: SessionCutter, onStep: OnStep): SessionCutter {
  return {
    cut: async (login) => {
      const cut = await cutter.cut(login);
      onStep({ kind: 'cut', login });
      return cut;
    },
  };
}

export function recordedPublisher(publisher: SenderPublisher, onStep: OnStep): SenderPublisher {
  return {
    ...publisher,
    publish: async (mailboxId, rules) => {
      const change = await publisher.publish(mailboxId, rules);
      for (const { address, login } of change.removed) onStep({ kind: 'withdraw', address, login });
      for (const { address, login } of change.added) onStep({ kind: 'publish', address, login });
      return change;
    },
  };
}
