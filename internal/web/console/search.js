// What a question finds, with the scores of each stage, and what of it would
// reach a model.

import { el } from '../chat/render.js';
import { post } from './api.js';
import { choice, empty, field, form, number, pair, score, word } from './parts.js';

export async function search({ signal }) {
  const found = el('div', { 'aria-live': 'polite' });
  const ask = form({ class: 'inline' }, async ({ question, top }) => {
    const inspection = await post('v1/search', { question, top: Number(top) }, { signal });
    found.replaceChildren(...results(inspection));
  },
  field('question', el('input', { name: 'question', required: '', autocomplete: 'off' })),
  field('top', choice('top', [['5', '5'], ['10', '10'], ['30', '30'], ['100', '100']], '10')),
  el('button', { class: 'send', 'data-text': 'searchNow' }));
  return [el('p', { class: 'lead', 'data-text': 'searchLead' }), ask, found];
}

function results(i) {
  return [
    el('p', { class: 'pairs' }, pair('route', word('route', i.route)), pair('reason', word('why', i.route_reason)), pair('languageOf', i.lang), pair('revision', i.revision),
      i.by_words ? el('span', { class: 'notice', 'data-text': 'byWords' }) : ''),
    i.hits.length ? el('ol', { class: 'cards' }, ...i.hits.map(hit)) : empty('nothingFound'),
  ];
}

function hit(h) {
  return el('li', { class: `card-box${h.cut ? ' cut' : ''}` },
    el('p', { class: 'pairs' }, el('strong', {}, `${h.rank}. `, el('a', { href: `#/documents/${encodeURIComponent(h.document_id)}` }, h.title || h.document_id)),
      h.heading ? el('span', {}, h.heading) : '',
      el('span', { class: `state ${h.cut ? 'failed' : 'ready'}` }, h.cut ? word('cut', h.cut) : el('span', { 'data-text': 'enters' }))),
    h.question ? el('p', { class: 'asks' }, h.question) : '',
    el('p', { class: 'passage' }, ...marked(h.text, h.terms)),
    el('p', { class: 'pairs scores' }, pair('score', score(h.score)), pair('vector', score(h.vector)), pair('bm25', number(h.bm25, 2)),
      pair('fused', score(h.fused)), pair('coverage', score(h.coverage)), pair('bestSentence', score(h.sentence)), pair('wordPairs', score(h.pairs)), pair('samePage', score(h.page)),
      pair('tokens', number(h.tokens)), pair('terms', h.terms.join(', '))));
}

/** marked shows where the question's terms stand in a text; a stem stands for its word. */
function marked(text, terms) {
  if (!terms.length) return [text];
  const plain = (term) => term.replace(/[^\p{L}\p{N}]/gu, '\\$&');
  const latin = terms.filter((term) => /^\w+$/.test(term)).map((term) => `\\b${plain(term)}${term.length > 3 ? '\\w*' : '\\b'}`);
  const others = terms.filter((term) => !/^\w+$/.test(term)).map(plain);
  return text.split(new RegExp(`(${[...latin, ...others].join('|')})`, 'giu')).map((part, i) => (i % 2 ? el('mark', {}, part) : part));
}
