// What was answered, and how each answer came to be.

import { el } from '../chat/render.js';
import { get } from './api.js';
import { button, choice, empty, field, form, ms, number, pair, person, score, table, usd, when, word } from './parts.js';

export async function answers({ id, signal }) {
  return id ? one(id, signal) : all(signal);
}

const columns = ['question', 'outcome', 'route', 'cost', 'at'];
const outcomes = ['answered', 'abstained', 'degraded', 'waiting', 'error'];

async function all(signal) {
  const place = el('div', {});
  const load = async (outcome = '') => {
    const first = await get('v1/answers', { query: { outcome }, signal });
    const list = table('answers', columns, first.data.map(row));
    place.replaceChildren(...(first.data.length ? [list, more(first, list, outcome, signal)] : [empty('noAnswers')]));
  };
  await load();
  const filter = choice('outcome', [['', 'anyOutcome'], ...outcomes.map((o) => [o, `outcome_${o}`])]);
  const node = form({ class: 'inline' }, ({ outcome, id }) => {
    if (!id.trim()) return load(outcome);
    location.hash = `#/answers/${encodeURIComponent(id.trim())}`;
    return null;
  }, field('outcome', filter), field('answerID', el('input', { name: 'id', placeholder: 'ans_…', autocomplete: 'off', spellcheck: 'false' })),
  el('button', { class: 'send', 'data-text': 'showThem' }));
  return [node, place];
}

function row(a) {
  return [
    [el('a', { class: 'title', href: `#/answers/${a.id}` }, a.question), el('span', { class: 'path' }, a.answer)],
    el('span', { class: `state ${a.outcome}` }, word('outcome', a.outcome)),
    [word('route', a.route), el('span', { class: 'path' }, a.cache_tier ? word('cache', a.cache_tier) : a.model)],
    usd(a.cost_usd),
    when(a.asked_at),
  ];
}

function more(page, list, outcome, signal) {
  const node = el('div', { class: 'row', 'data-notices': '' });
  if (!page.has_more) return node;
  node.append(button('more', async () => {
    const next = await get('v1/answers', { query: { outcome, cursor: page.next_cursor }, signal });
    list.querySelector('tbody').append(...table('answers', columns, next.data.map(row)).querySelectorAll('tbody tr'));
    node.replaceWith(more(next, list, outcome, signal));
  }));
  return node;
}

async function one(id, signal) {
  const r = await get(`v1/answers/${encodeURIComponent(id)}`, { signal });
  const { answer: a, trace: t } = r;
  return [
    el('p', {}, el('a', { href: '#/answers', 'data-text': 'allAnswers' })),
    el('h3', {}, r.question),
    el('p', { class: 'pairs' }, el('span', { class: `state ${r.outcome}` }, word('outcome', r.outcome)), pair('at', when(r.asked_at)), pair('user', person(r.user_id)), pair('key', r.key_id),
      pair('latency', `${number(a.latency_ms)} ms`), pair('traceID', a.trace_id)),
    el('blockquote', {}, a.answer),
    sources(a.source_documents),
    ...(r.feedback.length ? [el('h3', { 'data-text': 'said' }), el('ul', { class: 'cards' }, ...r.feedback.map(opinion))] : []),
    ...(t ? [el('h3', { 'data-text': 'how' }), el('ol', { class: 'steps' }, ...steps(a, t).filter(Boolean))] : []),
  ];
}

function sources(list) {
  if (!list.length) return '';
  return el('ul', { class: 'sources' }, ...list.map((s) => el('li', {}, `[${s.index}] `,
    el('a', { href: `#/documents/${encodeURIComponent(s.document_id)}` }, s.title || s.document_id), el('q', {}, s.quote))));
}

const opinion = (f) => el('li', { class: 'card-box' },
  el('p', { class: 'pairs' }, el('span', { class: `state ${f.rating === 'up' ? 'ready' : 'failed'}` }, word('rating', f.rating)),
    f.reason ? word('wrong', f.reason) : '', when(f.at)),
  f.comment ? el('p', { class: 'passage' }, f.comment) : '');

/** steps are those of the pipeline, in its order; null for one that was not taken. */
function steps(a, t) {
  return [
    t.standalone || judged(t.guard, 'question').length ? step('stepQuestion', pair('standalone', t.standalone), ...judged(t.guard, 'question')) : null,
    step('stepCache', el('p', { class: 'pairs' }, word('cache', a.cache_tier || t.cache || 'miss'), pair('revision', t.revision))),
    t.routes?.length ? step('stepRoute', ...t.routes.map((route) => el('p', { class: 'pairs' }, word('route', route.kind), pair('reason', word('why', route.reason)), pair('confidence', score(route.confidence))))) : null,
    t.passages?.length ? step('stepPassages', t.answerable ? pair('answerable', score(t.answerable)) : '', passages(t.passages)) : null,
    t.tools?.length ? step('stepTools', ...t.tools.map((use) => el('p', { class: 'pairs' }, use.tool, pair('outcome', use.outcome)))) : null,
    t.attempts?.length ? step('stepAttempts', attempts(t.attempts), ...decisions(t.decisions)) : null,
    t.grounds?.length || judged(t.guard, 'answer').length ? step('stepChecks', grounds(t.grounds), ...judged(t.guard, 'answer')) : null,
    step('stepCost', el('p', { class: 'pairs' }, pair('cost', usd(a.usage.cost_usd)), pair('promptTokens', number(a.usage.prompt_tokens)),
      pair('completionTokens', number(a.usage.completion_tokens))), times(t.stages)),
  ];
}

const step = (key, ...content) => el('li', { class: 'card-box' }, el('h4', { 'data-text': key }), ...content);

const passages = (list) => table('stepPassages', ['passage', 'score', 'vector', 'bm25', 'cited'], list.map((p) => [
  el('a', { href: `#/documents/${encodeURIComponent(p.document_id)}` }, `[${p.index}] ${p.chunk_id}`),
  score(p.score), score(p.vector), number(p.lexical, 2), el('span', { 'data-text': p.cited ? 'yes' : 'no' }),
]));

const attempts = (list) => table('stepAttempts', ['model', 'purpose', 'result', 'latency', 'cost'], list.map((t) => [
  `${t.provider} · ${t.model}`, word('purpose', t.purpose),
  el('span', { class: `state ${t.failure ? 'failed' : 'ready'}` }, t.failure ? word('failure', t.failure) : el('span', { 'data-text': 'succeeded' })),
  ms(t.latency_ns), t.priced ? usd(t.cost / 1e6) : el('span', { 'data-text': 'unpriced' }),
]));

const decisions = (list) => (list ?? []).map((d) => el('p', { class: 'pairs' }, word('step', d.step), `${d.from} → ${d.to}`, d.reason ? pair('reason', word('failure', d.reason)) : ''));

function grounds(list) {
  if (!list?.length) return '';
  return table('stepChecks', ['sentence', 'supported', 'passage', 'coverage', 'reason'], list.map((g) => [
    [el('span', { 'data-text': 'sentence' }), ` ${g.sentence + 1}`], el('span', { class: `state ${g.supported ? 'ready' : 'failed'}` }, el('span', { 'data-text': g.supported ? 'yes' : 'no' })),
    g.source ? `[${g.source}]` : '–', score(g.coverage), g.reason,
  ]));
}

const judged = (list, stage) => (list ?? []).filter((v) => (v.stage || 'question') === stage).map((v) => el('p', { class: 'pairs notice' },
  el('span', { 'data-text': 'guard' }), word('action', v.action), pair('rule', v.rule), pair('score', number(v.score, 2)),
  v.enforced ? '' : el('span', { 'data-text': 'notEnforced' })));

function times(stages) {
  if (!stages?.length) return '';
  const longest = Math.max(...stages.map((s) => s.ns), 1);
  return el('ul', { class: 'times' }, ...stages.map((s) => el('li', {},
    el('span', {}, s.name), el('meter', { min: 0, max: longest, value: s.ns, 'aria-hidden': 'true' }), el('span', {}, ms(s.ns)))));
}
