// How things stand at a glance, from a Tally: the path of questions, what was
// done about calls that failed, and what the cache saves.

import { el } from '../chat/render.js';
import { empty, ms, number, pair, table, usd, word } from './parts.js';
import { tiers } from './tally.js';

const good = ['up', 'closed', 'success', 'answered', 'hit', 'allow', 'done'];
const middling = ['half_open', 'abstained', 'degraded', 'waiting', 'care', 'warned', 'cheaper', 'offline', 'cancelled'];
const plain = ['miss', 'bypass', 'started'];

/** badge is a value of a closed set with how good it is. */
export function badge(set, value, ...more) {
  const tone = (good.includes(value) && 'ready') || (middling.includes(value) && 'abstained') || (plain.includes(value) ? '' : 'failed');
  return el('span', { class: `state ${tone}` }, word(set, value), ...more);
}

/** path are the places that a question passes, each with what it counted and how it is. */
export function path(t) {
  const counts = (set, map) => [...map].map(([value, n]) => el('p', { class: 'pairs' }, word(set, value), number(n)));
  return [
    place('stageAsked', [el('p', { class: 'pairs' }, pair('asked', number(total(t.outcomes) + t.refused)), t.refused ? pair('ops_refused', number(t.refused)) : '')]),
    place('stepCache', tiers.filter((tier) => looks(t, tier)).map((tier) => el('p', { class: 'pairs' }, word('tier', tier), `${number(hits(t, tier))} / ${number(looks(t, tier))}`)), 'redis', t),
    place('knowledge', t.release ? [el('p', { class: 'pairs' }, pair('revision', t.release.revision), pair('documents', number(t.release.documents ?? 0)), pair('chunks', number(t.release.chunks ?? 0)))] : [], 'knowledge', t),
    place('stepRoute', counts('route', t.routes)),
    place('stepAttempts', [...t.models.values()].map(model), 'models', t),
    ...(t.tools.size ? [place('stepTools', counts('tool', t.tools))] : []),
    place('stageAnswered', [...t.outcomes].map(([outcome, n]) => el('p', { class: 'pairs' }, badge('outcome', outcome), number(n))), 'database', t),
  ];
}

const looks = (t, tier) => ['hit', 'miss', 'error'].reduce((sum, result) => sum + (t.looks.get(`${tier} ${result}`) ?? 0), 0);
const hits = (t, tier) => t.looks.get(`${tier} hit`) ?? 0;
const total = (counts) => [...counts.values()].reduce((sum, n) => sum + n, 0);

/** place is one stage, with the state of what it depends on. */
function place(key, content, depends, t) {
  const state = t?.dependencies.get(depends);
  return el('li', { class: 'card-box' }, el('h4', { 'data-text': key }), ...content,
    ...(state ? [el('p', { class: 'pairs' }, pair(`dep_${depends}`, badge('up', state)))] : []),
    ...(state === 'down' ? [runbook('KefuDependencyDown', `kefu_dependency_up{dependency="${depends}"}`)] : []));
}

/** runbook names where an alarm is explained, and the metric that raised it. */
const runbook = (alert, metric) => el('p', { class: 'path' }, el('code', {}, metric), ' ', el('code', {}, `deploy/runbooks/${alert}.md`));

function model(m) {
  const amiss = [...m.breakers].filter(([, state]) => state !== 'closed');
  const breakers = amiss.map(([deployment, state]) => badge('breaker', state, deployment > 1 ? ` #${deployment}` : ''));
  return el('div', {},
    el('p', {}, `${m.provider} · ${m.model}`),
    el('p', { class: 'pairs' }, pair('calls', number(m.calls)), m.failed ? pair('failedCalls', number(m.failed)) : '', pair('ops_breaker', ...(breakers.length ? breakers : [badge('breaker', 'closed')]))),
    ...(amiss.some(([, state]) => state === 'open') ? [runbook('KefuBreakerOpen', `llm_breaker_state{provider="${m.provider}"}`)] : []));
}

/** flow is what was done for one answer after something failed or was slow, in its order. */
export function flow({ steps }) {
  const shown = [];
  let ended = 0;
  for (const e of steps) {
    const at = Date.parse(e.at);
    if (e.kind === 'attempt') {
      const waited = at - (e.latency_ms ?? 0) - ended;
      if (ended && waited >= 50) shown.push(el('li', { class: 'reason' }, pair('waited', ms(waited * 1e6))));
      shown.push(el('li', {}, `${e.provider} · ${e.model} `, badge('failure', e.outcome), ` ${ms((e.latency_ms ?? 0) * 1e6)}`));
      ended = at;
    } else if (e.kind === 'decision') {
      shown.push(el('li', { class: 'reason' }, word('step', e.step), ...(e.to && e.to !== e.from ? [` ${e.to}`] : [])));
    } else {
      shown.push(el('li', {}, answerLink(e, badge('outcome', e.outcome)), ` ${ms((e.latency_ms ?? 0) * 1e6)}`));
    }
  }
  return el('li', { class: 'card-box' }, el('p', { class: 'path' }, clock(steps[0].at)), el('ol', { class: 'flow' }, ...shown));
}

/** answerLink leads to the answer that an event tells of, and to the tenant that was given it. */
export const answerLink = ({ answer_id: id, tenant = '' }, ...text) => el('a', { href: `#/answers/${encodeURIComponent(id)}`, 'data-tenant': tenant }, ...text);
export const clock = (moment) => new Date(moment).toLocaleTimeString('en-GB');

/** savings compares where answers came from. */
export function savings(t) {
  const from = [...tiers, 'generated'].filter((source) => t.sources.has(source));
  if (!from.length) return [empty('noAnswersYet')];
  const time = (within) => (within === null ? '–' : ms(within * 1e6));
  const all = total(t.outcomes);
  return [
    el('p', { class: 'pairs totals' }, pair('within', time(t.within(...from))), pair('withinGenerated', time(t.within('generated'))),
      pair('saved', usd(from.reduce((sum, source) => sum + t.sources.get(source).saved, 0))), pair('spent', usd(t.spent))),
    table('savings', ['answersFrom', 'answersGiven', 'share', 'within', 'saved'], from.map((source) => {
      const { answers, saved } = t.sources.get(source);
      return [word('tier', source), number(answers), [el('meter', { min: 0, max: all, value: answers, 'aria-hidden': 'true' }), ` ${number(100 * answers / all)} %`],
        time(t.within(source)), source === 'generated' ? '–' : usd(saved)];
    })),
  ];
}
