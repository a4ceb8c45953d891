/**
 * The one script, for what the pages do without it by another page: the state of a change as it happens (a reload shows it too), and the
 * question before a removal (a page of its own asks it too). It writes text, never markup.
 */
export const SCRIPT = `'use strict';
(() => {
  document.querySelector('[data-first]')?.focus();
  for (const link of document.querySelectorAll('a[data-asks]')) link.addEventListener('click', (event) => {
    const dialog = document.getElementById(link.dataset.asks);
    if (!dialog || !dialog.showModal || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.querySelector('[name=delegate]').value = link.dataset.delegate;
    dialog.querySelector('[data-question]').textContent = link.dataset.question;
    dialog.showModal();
  });
  for (const form of document.querySelectorAll('form[method=post]')) form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return void event.preventDefault();
    form.dataset.sent = '1';
  });
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  const watch = (place) => {
    const live = place.dataset.live;
    const line = place.querySelector('[data-text]');
    const lost = place.querySelector('[data-lost]');
    let source, silent, misses = 0, wait = 1000;
    const isLive = (yes) => {
      const says = yes ? '' : lost.dataset.lost;
      if (lost.textContent !== says) lost.textContent = says;
      if (!yes) line.classList.remove('busy');
    };
    const again = () => {
      clearTimeout(silent);
      source.close();
      isLive(false);
      setTimeout(ask, wait);
      wait = Math.min(2 * wait, 30000);
    };
    const ask = () => fetch(live, { headers: { accept: 'text/event-stream' }, signal: AbortSignal.timeout(15000) }).then(({ status, body }) => {
      body?.cancel();
      if (status === 200) return begin();
      if (status === 429 || status >= 500 || document.querySelector('dialog[open]')) return again();
      location.reload(); // whoever has to sign in again comes back to what stands now
    }, again);
    const heard = () => { // a server that has gone without a word says nothing either
      misses = 0;
      wait = 1000;
      isLive(true);
      clearTimeout(silent);
      silent = setTimeout(again, 30000);
    };
    const begin = () => {
      source = new EventSource(live);
      source.addEventListener('open', heard);
      source.addEventListener('alive', heard);
      source.addEventListener('error', () => { // a stream that has lasted its time is opened anew by the browser itself
        misses += 1;
        if (source.readyState === 2) again();
        else if (misses > 1) isLive(false);
      });
      source.addEventListener('state', ({ data }) => {
        heard();
        told(JSON.parse(data));
      });
    };
    const told = ({ text, tone, final, delegate, state }) => {
      if (line.textContent !== text) line.textContent = text;
      line.classList.toggle('busy', !final);
      place.className = 'note ' + tone;
      for (const cell of document.querySelectorAll('[data-state-of]')) {
        if (cell.dataset.stateOf !== delegate || !state) continue;
        const chip = cell.querySelector('.state');
        if (chip.textContent !== state.text) cell.querySelector('[data-from]')?.remove();
        chip.textContent = state.text;
        chip.className = 'state ' + state.tone;
        const why = cell.querySelector('.why');
        if (why) why.textContent = state.why || '';
      }
      if (!final) return;
      clearTimeout(silent);
      source.close();
      const look = place.querySelector('[data-again]');
      if (look) look.hidden = true;
    };
    begin();
  };
  for (const place of document.querySelectorAll('[data-live]')) watch(place);
})();
`;
