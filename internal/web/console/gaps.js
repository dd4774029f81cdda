// Questions that were not answered well, and writing answers to them.

import { el } from '../chat/render.js';
import { get, post } from './api.js';
import { announce, button, empty, field, form, number, pair, when } from './parts.js';

export async function gaps({ other, signal }) {
  const { data } = await get('v1/gaps', { signal });
  const open = data.filter((gap) => !gap.curated);
  const written = data.filter((gap) => gap.curated);
  const list = (some) => el('ul', { class: 'cards' }, ...some.map((gap) => el('li', { class: 'card-box' }, ...card(gap, other))));
  return [
    el('p', { class: 'lead', 'data-text': 'gapsLead' }),
    open.length ? list(open) : empty('noGaps'),
    ...(written.length ? [el('details', {}, el('summary', {}, el('span', { 'data-text': 'gapsWritten' }), ` (${number(written.length)})`), list(written))] : []),
  ];
}

function card(gap, other) {
  const place = el('div', { 'data-notices': '' });
  const write = button('writeAnswer', () => {
    write.hidden = true;
    place.append(editor(gap, other, () => {
      write.hidden = false;
      write.focus();
    }));
    place.querySelector('textarea[name=answer]').focus();
  });
  return [
    el('h3', { lang: gap.lang === 'zh' ? 'zh-CN' : 'en' }, gap.question),
    el('p', { class: 'pairs' }, pair('asked', number(gap.count)), pair('disliked', gap.disliked || null), pair('lastAsked', when(gap.last_asked)),
      el('a', { href: `#/answers/${gap.answer_id}`, 'data-text': 'whatWasSaid' })),
    el('div', { class: 'row' }, write),
    place,
  ];
}

/** editor writes an answer, publishes it, and shows what a customer is told from now on. */
function editor(gap, other, closed) {
  const question = el('textarea', { name: 'question', required: '', rows: '2' });
  question.value = gap.question;
  const node = form({ class: 'editor' }, async ({ question, answer, url }) => {
    await post('v1/curated', { question, answer, url });
    const result = await told(gap.question, other);
    node.replaceWith(result);
    announce(el('span', { 'data-text': result.dataset.holds }));
    result.focus();
  },
  field('question', question),
  field('answer', el('textarea', { name: 'answer', required: '', rows: '4' })),
  field('linkOptional', el('input', { name: 'url', type: 'url', placeholder: 'https://' })),
  el('p', { class: 'hint', 'data-text': 'writeHint' }),
  el('div', { class: 'row' }, el('button', { class: 'send', 'data-text': 'publish' }), button('cancel', () => {
    node.remove();
    closed();
  })));
  return node;
}

/** told asks the customer's question again, in the own tenant; in another one it shows what a search finds first. */
async function told(question, other) {
  let said, holds;
  if (other) {
    const { hits: [first] } = await post('v1/search', { question, top: 1 });
    said = first?.text ?? '';
    holds = first && !first.cut ? 'foundNow' : 'notYet';
  } else {
    const answer = await post('query', { question, user_id: 'console' });
    said = answer.answer;
    holds = answer.grounded && !answer.handoff ? 'answeredNow' : 'notYet';
  }
  return el('div', { class: holds === 'notYet' ? 'notice' : 'success', tabindex: '-1', 'data-holds': holds },
    el('p', {}, el('strong', { 'data-text': holds })), el('blockquote', {}, said));
}
