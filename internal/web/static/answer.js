import { Citation } from './citation.js';
import { confirmations, showUse } from './action.js';
import { block, blocks, el, link, page, settled, spoken } from './render.js';
import { say } from './language.js';
import { rating } from './rating.js';

/**
 * <kefu-answer> shows one answer as it comes. It is no live region: the page
 * announces spoken() once the answer is complete.
 */
export class Answer extends HTMLElement {
  #question;
  #said;
  #text = '';
  #sources = new Map(); // by their number in the text
  #shown = []; // of each block: what it was made from
  #frame = 0;
  #meta = {};
  #handoff = null;
  #failure = '';
  #body = el('div', { class: 'text' });
  #wait = el('p', { class: 'wait', 'data-text': 'searching' });
  #uses = el('ul', { class: 'uses' });
  #foot = el('div', { class: 'foot' });
  #confirmation;

  /** said is what the customer is shown to have said; confirmation is the token of the action that this answer is to carry out, '' mostly. */
  constructor(question, said, confirmation) {
    super();
    this.#question = question;
    this.#said = said;
    this.#confirmation = confirmation;
  }

  connectedCallback() {
    this.setAttribute('role', 'article');
    this.setAttribute('tabindex', '-1');
    this.dataset.label = 'answer';
    this.setAttribute('aria-label', say('answer'));
    this.begin();
  }

  get question() {
    return this.#question;
  }

  get said() {
    return this.#said;
  }

  /** failure is why there is no answer, a key in texts.js, '' mostly. */
  get failure() {
    return this.#failure;
  }

  get confirmation() {
    return this.#confirmation;
  }

  /** begin empties the answer for another try. */
  begin() {
    this.#text = this.#failure = '';
    this.#meta = {};
    this.#handoff = null;
    this.#sources.clear();
    this.#shown = [];
    this.#body.replaceChildren();
    this.#foot.replaceChildren();
    this.#uses.replaceChildren();
    this.replaceChildren(this.#uses, this.#body, this.#wait, this.#foot);
    this.setAttribute('aria-busy', 'true');
  }

  /** take shows one event of the stream. */
  take({ type, data }) {
    switch (type) {
      case 'meta': this.#meta = data; break;
      case 'delta': this.#text += data.text; this.#soon(); break;
      case 'tool': this.#use(data); break;
      case 'citation': this.#sources.set(data.index, data); this.#soon(); break;
      case 'handoff': this.#handoff = data; break;
      case 'done': this.#finish(data); break;
    }
  }

  /** #finish shows the answer as it was judged in the end, which may differ from what was streamed. */
  #finish(answer) {
    this.#text = answer.answer;
    this.#meta = answer;
    this.#handoff = answer.handoff;
    this.#sources = new Map(answer.source_documents.map((source) => [source.index, source]));
    this.#end(this.#text);
    if (answer.confirmations) this.#foot.append(confirmations(answer.confirmations, this.#question));
    if (answer.degraded) this.#foot.append(el('p', { class: 'notice', 'data-text': 'degraded' }));
    if (this.#handoff?.pages) this.#foot.append(pages(this.#handoff.pages));
    if (this.#handoff) this.#foot.append(contact(this.#handoff.contact));
    if (this.#sources.size) this.#foot.append(sources(this.#sources.values()));
    this.#foot.append(writer(answer));
    if (this.#sources.size) this.#foot.append(rating((said) => this.#rate(answer.id, said)));
  }

  /** #rate leaves to the page how to reach the server. */
  async #rate(id, said) {
    const event = new CustomEvent('rate', { bubbles: true, detail: { id, said } });
    this.dispatchEvent(event);
    await event.detail.sent;
  }

  #use(use) {
    showUse(this.#uses, use);
    this.dispatchEvent(new CustomEvent('grown', { bubbles: true }));
  }

  stopped() {
    this.#failure = 'stopped';
    this.#end(settled(this.#text));
    this.#foot.append(el('p', { class: 'notice', 'data-text': 'stopped' }), this.#button('again', 'again'));
  }

  failed(problem) {
    this.#failure = problem.text ?? 'failed';
    this.#end(settled(this.#text));
    this.#foot.append(el('p', { class: 'notice', 'data-text': this.#failure }));
    if (this.#failure === 'expired') this.#confirmation = ''; // asking again makes a new one
    if (problem.status === 401) this.#foot.append(this.#unlock());
    else if (['lapsed', 'unrecognised'].includes(this.#failure)) this.#foot.append(this.#button('asNobody', 'nobody'));
    else this.#foot.append(this.#button('retry', 'again'));
  }

  /** spoken is what a screen reader says when the answer has ended. */
  spoken() {
    if (this.#failure) return say(this.#failure);
    return [say('complete') + spoken(this.#text), this.#handoff?.contact.message].filter(Boolean).join(' ');
  }

  /** #button leaves to the page what is done about a failure. */
  #button(text, event) {
    const button = el('button', { type: 'button', class: 'again', 'data-text': text });
    button.addEventListener('click', () => this.dispatchEvent(new CustomEvent(event, { bubbles: true })));
    return button;
  }

  /** #unlock asks for the key that the service wants. */
  #unlock() {
    const input = el('input', { type: 'password', autocomplete: 'off', required: '' });
    const form = el('form', { class: 'key' }, el('label', {}, el('span', { 'data-text': 'key' }), input), el('button', { 'data-text': 'use' }));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent('again', { bubbles: true, detail: input.value.trim() }));
    });
    return form;
  }

  #soon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show(settled(this.#text));
    });
  }

  #end(text) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#show(text);
    this.#wait.remove();
    this.removeAttribute('aria-busy');
  }

  /** #show renders the blocks that changed: the others keep their nodes, and with them focus and selection. */
  #show(text) {
    if (text) this.#wait.remove();
    const cite = (n) => (this.#sources.has(n) ? new Citation(this.#sources.get(n)) : `[${n}]`);
    const known = [...this.#sources.keys()].join();
    const next = blocks(text);
    next.forEach((b, i) => {
      const made = JSON.stringify([b, /\[\d/.test(b.lines.join()) && known]);
      if (made === this.#shown[i]) return;
      this.#shown[i] = made;
      const node = block(b, cite);
      if (i < this.#body.children.length) this.#body.children[i].replaceWith(node);
      else this.#body.append(node);
    });
    while (this.#body.children.length > next.length) this.#body.lastElementChild.remove();
    this.#shown.length = next.length;
    this.dispatchEvent(new CustomEvent('grown', { bubbles: true }));
  }
}

function contact({ url, email, phone, message }) {
  const ways = el('p', { class: 'ways' });
  if (url) ways.append(page(url, url));
  if (email) ways.append(link(`mailto:${email}`, email, 'mailto:'));
  if (phone) ways.append(link(`tel:${phone.replace(/[^\d+]/g, '')}`, phone, 'tel:'));
  return el('section', { class: 'contact' }, el('h2', { 'data-text': 'person' }), el('p', {}, message), ...(ways.childElementCount ? [ways] : []));
}

function pages(list) {
  const items = list.map(({ url, title, excerpt }) => el('li', {}, page(url, title), ...(excerpt ? [el('q', {}, excerpt)] : [])));
  return el('section', { class: 'sources' }, el('h2', { 'data-text': 'pages' }), el('ul', {}, ...items));
}

function sources(list) {
  const items = [...list].map((source) => el('li', { value: source.index }, page(source.url, source.title)));
  return el('section', { class: 'sources' }, el('h2', { 'data-text': 'sources' }), el('ol', {}, ...items));
}

/** writer discloses what wrote the answer. */
function writer({ provider, model, source_documents: cited }) {
  if (!cited.length) return el('p', { class: 'writer', 'data-text': 'automatic' });
  if (provider === 'offline') return el('p', { class: 'writer', 'data-text': 'offline' });
  return el('p', { class: 'writer' }, el('span', { 'data-text': 'model' }), ` ${model}`);
}

customElements.define('kefu-answer', Answer);
