// What tools do for an answer, and what the customer must agree to first.

import { el } from './render.js';

/** showUse adds a use of a tool that began to the list, or tells how it ended. */
export function showUse(list, { tool, title, outcome }) {
  const word = { invalid: 'error', timeout: 'error' }[outcome] ?? outcome;
  const under = [...list.children].find((line) => line.dataset.tool === tool && line.dataset.outcome === 'started');
  const line = el('li', { 'data-tool': tool, 'data-outcome': word }, `${title}: `, el('span', { 'data-text': `use_${word}` }));
  if (under) under.replaceWith(line);
  else if (title) list.append(line); // a tool that a model invented has none
}

/** confirmations asks about each action; nothing is done before the customer agrees. */
export function confirmations(list, question) {
  return el('div', { class: 'confirmations' }, ...list.map((action) => confirmation(action, question)));
}

function confirmation({ question: asked, token }, question) {
  const yes = el('button', { type: 'button', class: 'yes', 'data-text': 'confirm' });
  const no = el('button', { type: 'button', class: 'no', 'data-text': 'cancel' });
  const group = el('section', { class: 'confirm', role: 'group', 'data-label': 'confirmGroup' }, el('p', {}, asked), el('div', {}, yes, no));
  yes.addEventListener('click', () => group.dispatchEvent(new CustomEvent('confirm', { bubbles: true, detail: { question, asked, token } })));
  no.addEventListener('click', () => {
    const notice = el('p', { class: 'notice', tabindex: '-1', 'data-text': 'cancelled' });
    group.replaceWith(notice);
    notice.focus();
  });
  return group;
}
