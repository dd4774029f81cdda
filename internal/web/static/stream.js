// Asks POST /query, reads its server-sent events, and tells the server what the
// customer thinks of them.

/** Problem is why there is no answer; text is its key in texts.js. */
export class Problem extends Error {
  constructor(text, status) {
    super(text);
    this.text = text;
    this.status = status;
  }

  /** of words an application/problem+json body. */
  static of({ status, code }) {
    if (['over_budget', 'answer_cut', 'answer_ungrounded', 'content_refused'].includes(code)) return new Problem(code, status);
    if (['models_busy', 'overloaded'].includes(code)) return new Problem('e429', status);
    if (['confirmation_expired', 'confirmation_invalid'].includes(code)) return new Problem('expired', status);
    if (code === 'user_hash_expired') return new Problem('lapsed', status);
    if (['user_hash_invalid', 'user_hash_missing', 'field_forbidden'].includes(code)) return new Problem('unrecognised', status);
    return new Problem([400, 401, 413, 429, 503, 504].includes(status) ? `e${status}` : 'failed', status);
  }
}

/**
 * Who asks is nobody in particular, or a customer of the website around this
 * page: {user_id, expires, user_hash}, as its server signed them.
 *
 * ask yields {type, data} as they arrive, the last of type "done". Whatever
 * else ends the stream is a Problem; an abort throws as fetch does.
 */
export async function* ask(question, { conversation, confirmation, key, customer, signal }) {
  const headers = { ...written(key), Accept: 'text/event-stream' };
  const body = JSON.stringify({ question, stream: true, conversation_id: conversation || undefined, confirmation: confirmation || undefined, ...customer });
  const response = await reached(() => fetch('query', { method: 'POST', headers, body, signal }), signal, 'unreachable');
  if (!response.ok) throw await refused(response);
  for await (const event of frames(response, signal)) {
    if (!event) continue;
    if (event.type === 'error') throw Problem.of(event.data);
    yield event;
    if (event.type === 'done') return;
  }
  throw new Problem('cut');
}

/**
 * frames yields the {type, data} of a response as they arrive, null for what
 * only keeps it open, and ends as it does. What breaks it is a Problem.
 */
export async function* frames(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reached(() => reader.read(), signal, 'cut');
    if (done) return;
    const whole = (buffer + value).split('\n\n');
    buffer = whole.pop();
    yield* whole.map(parse);
  }
}

/** rate tells the server what the customer says of an answer: {rating, reason, comment}. */
export async function rate(id, said, { key, customer }) {
  const body = JSON.stringify({ ...said, ...customer });
  const response = await fetch(`v1/answers/${encodeURIComponent(id)}/feedback`, { method: 'POST', headers: written(key), body });
  if (!response.ok) throw await refused(response);
}

/** refused is the problem that a response tells of. */
async function refused(response) {
  const { code } = await response.json().catch(() => ({})); // a proxy may have words of its own
  return Problem.of({ status: response.status, code });
}

/** written are the headers of a body in JSON from the holder of a key. */
function written(key) {
  return { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) };
}

/** reached turns a network failure into a Problem. */
async function reached(step, signal, text) {
  try {
    return await step();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem(text);
  }
}

/** parse reads one frame; a comment is null. */
function parse(frame) {
  const fields = new Map(frame.split('\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
  }));
  return fields.has('event') ? { type: fields.get('event'), data: JSON.parse(fields.get('data')) } : null;
}
