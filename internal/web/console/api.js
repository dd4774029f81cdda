// Talks to /v1 of the same server, as whoever is signed in.

/** Problem is why something was not done: an application/problem+json body, or {code} alone. */
export class Problem extends Error {
  constructor(body) {
    super(body.code);
    this.code = body.code;
    this.status = body.status ?? 0;
    this.detail = body.detail ?? '';
  }
}

/** tenant is whose data an administrator looks at; '' is their own. */
let tenant = '';
export const choose = (id) => (tenant = id);
export const chosen = () => tenant;

/**
 * send makes a request and returns its response. What fails is a Problem; an
 * abort throws as fetch does. Where the session has ended the page is told by
 * the event "signedout".
 */
export async function send(method, path, { body, query = {}, signal } = {}) {
  const headers = { 'X-Kefu-Console': '1' }; // without it the session counts for nothing
  if (body && !(body instanceof FormData)) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(body);
  }
  const values = Object.entries({ tenant, ...query }).filter(([, value]) => value !== '' && value !== undefined);
  const url = values.length ? `${path}?${new URLSearchParams(values)}` : path;
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, credentials: 'same-origin' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ code: 'unreachable' });
  }
  if (response.ok) return response;
  const problem = new Problem({ code: 'failed', status: response.status, ...parsed(await response.text()) });
  if (['session_ended', 'key_missing'].includes(problem.code)) document.dispatchEvent(new CustomEvent('signedout', { detail: problem }));
  throw problem;
}

/** call is send for the JSON of the response, null where there is none. */
export const call = async (...request) => parsed(await (await send(...request)).text());

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // nothing, or a proxy's own page
  }
}

export const get = (path, options) => call('GET', path, options);
export const post = (path, body, options) => call('POST', path, { body, ...options });
