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
  const watch = (place, wait) => {
    const source = new EventSource(place.dataset.live);
    source.addEventListener('open', () => { wait = 2000; });
    source.addEventListener('error', () => { // refused, as where the table is away: a browser does not ask again by itself
      if (source.readyState === 2 && wait < 300000) setTimeout(watch, wait, place, 2 * wait);
    });
    source.addEventListener('state', ({ data }) => {
      const { text, tone, final, delegate, state } = JSON.parse(data);
      const line = place.querySelector('[data-text]');
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
      source.close();
      const again = place.querySelector('[data-again]');
      if (again) again.hidden = true;
    });
  };
  for (const place of document.querySelectorAll('[data-live]')) watch(place, 2000);
})();
`;
