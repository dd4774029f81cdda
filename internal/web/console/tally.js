// Counts what was heard. Everything here is bounded: a page may stay open.

const mostEvents = 500;
const mostTimes = 500; // latencies, of which percentiles are taken
const mostCalls = 50; // answers whose calls may still be going on
const mostFlows = 6; // of those, with something that failed or was slow
const mostSteps = 20; // of one

export const tiers = ['memory', 'redis', 'semantic'];

export class Tally {
  total = 0;
  refused = 0;
  spent = 0;
  recent = []; // events, the latest first
  outcomes = new Map(); // of answers
  routes = new Map();
  tools = new Map();
  looks = new Map(); // into the cache: tier and result
  sources = new Map(); // of answers, by tier or generated: {answers, saved, times}
  models = new Map(); // {provider, model, calls, failed, breakers by deployment}
  dependencies = new Map();
  release = null;
  flows = []; // the latest first: {steps}
  #calls = new Map(); // by answer and by request

  hear({ type, data }) {
    const event = { kind: type, ...data };
    this.total++;
    this.recent.unshift(event);
    this.recent.length = Math.min(this.recent.length, mostEvents);
    this.#of[type]?.(event);
    return event;
  }

  #of = {
    attempt: (e) => {
      const model = this.#model(e);
      model.calls++;
      model.failed += e.outcome === 'success' ? 0 : 1;
      this.spent += e.cost_usd ?? 0;
      this.#step(e, e.outcome !== 'success' && e.outcome !== 'cancelled');
    },
    decision: (e) => this.#step(e, true),
    breaker: (e) => this.#model(e).breakers.set(e.deployment, e.state),
    cache: (e) => add(this.looks, `${e.tier} ${e.outcome}`),
    route: (e) => add(this.routes, e.route),
    answer: (e) => {
      add(this.outcomes, e.outcome);
      const key = e.tier ?? 'generated';
      const source = held(this.sources, key, () => ({ answers: 0, saved: 0, times: [] }));
      source.answers++;
      source.saved += e.saved_usd ?? 0;
      keep(source.times, e.latency_ms ?? 0, mostTimes);
      const calls = this.#calls.get(e.answer_id);
      if (calls) keep(calls.steps, e, mostSteps);
    },
    refused: () => this.refused++,
    tool: (e) => add(this.tools, e.name),
    publish: (e) => (this.release = e),
    dependency: (e) => this.dependencies.set(e.name, e.state),
  };

  #model({ provider, model }) {
    return held(this.models, `${provider} ${model}`, () => ({ provider, model, calls: 0, failed: 0, breakers: new Map() }));
  }

  /** step adds to the calls of one answer; a trouble makes them a flow. */
  #step(e, trouble) {
    const ids = [e.answer_id, e.request_id].filter(Boolean);
    const calls = ids.map((id) => this.#calls.get(id)).find(Boolean) ?? { steps: [] };
    keep(calls.steps, e, mostSteps);
    for (const id of ids) this.#calls.set(id, calls);
    while (this.#calls.size > 2 * mostCalls) this.#calls.delete(this.#calls.keys().next().value);
    if (!trouble || this.flows.includes(calls)) return;
    this.flows.unshift(calls);
    this.flows.length = Math.min(this.flows.length, mostFlows);
  }

  /** within is the time in ms that 95 of 100 of the answers took; null without any. */
  within(...sources) {
    const times = sources.flatMap((source) => this.sources.get(source)?.times ?? []).sort((a, b) => a - b);
    return times.length ? times[Math.ceil(times.length * 0.95) - 1] : null;
  }
}

const add = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1);

function held(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function keep(list, item, most) {
  list.push(item);
  if (list.length > most) list.shift();
}
