// The chat page: <kefu-chat> holds the conversation, <kefu-answer> one answer,
// <kefu-citation> one [n] in it.

import { Answer } from './answer.js';
import { drop, keep, kept } from './kept.js';
import { language, localise, say, showLanguage, switchLanguage } from './language.js';
import { el } from './render.js';
import { thisTab } from './store.js';
import { ask, Problem, rate } from './stream.js';
import './texts.js';

const keptKey = 'kefu.key';
const longestWait = 2 ** 31 - 1; // ms that a timer can wait

/** fresh names a conversation. */
const fresh = () => crypto.randomUUID?.() ?? String(Math.random()).slice(2); // not every page is a secure context

class Chat extends HTMLElement {
  key = thisTab?.getItem(keptKey); // that the service may want
  #conversation = fresh();
  #customer = null; // who asks, as stream.js says
  #owner = ''; // whose conversation is shown, '' for nobody in particular
  #until = Infinity; // ms of Unix time at which the owner's signature ends
  #ending = 0; // the timer for it
  #turns = []; // of it, as kept.js has them
  #renewed = null; // the answer for which the website was asked who asks once more
  #asking = null; // aborts the question under way
  #current = null; // the latest answer
  #reached = 0; // how far the page was scrolled for the reader
  #log = el('main', { 'data-label': 'conversation' });
  #suggestions = el('ul');
  #empty = welcome(this.#suggestions);
  #status = el('p', { role: 'status', class: 'unseen' });
  #draft = el('textarea', { id: 'question', rows: '1', 'data-hint': 'question', enterkeyhint: 'send', autocomplete: 'off', 'aria-describedby': 'keys' });
  #send = el('button', { class: 'send', 'data-text': 'send' });
  #stop = el('button', { type: 'button', class: 'stop', 'data-text': 'stop', hidden: '' });

  connectedCallback() {
    const form = el('form', { class: 'ask' },
      el('label', { for: 'question', 'data-text': 'question', class: 'unseen' }), this.#draft, this.#send, this.#stop,
      el('p', { id: 'keys', 'data-text': 'keys' }));
    this.#log.append(this.#empty);
    this.#suggest();
    document.addEventListener('language', () => this.#suggest());
    this.append(this.#log, this.#status, form);

    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#draft.addEventListener('keydown', (event) => {
      // An input method uses Enter to choose a word; Safari says so by 229 only.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.addEventListener('keydown', (event) => event.key === 'Escape' && !event.isComposing && this.#asking?.abort());
    this.#stop.addEventListener('click', () => this.#asking?.abort());
    this.#empty.addEventListener('click', (event) => {
      const suggestion = event.target.closest('button');
      if (suggestion) this.#start(suggestion.textContent).focus({ preventScroll: true });
    });
    this.addEventListener('again', (event) => {
      if (event.detail) {
        this.key = event.detail;
        thisTab?.setItem(keptKey, this.key);
      }
      this.#again(event.target);
    });
    this.addEventListener('nobody', (event) => {
      if (this.#asking) return;
      this.#customer = null;
      this.#conversation = fresh();
      this.#again(event.target);
    });
    this.addEventListener('confirm', (event) => {
      if (this.#asking) return;
      const { question, asked, token } = event.detail;
      event.target.remove();
      this.#start(question, { said: `${say('confirmed')} ${asked}`, confirmation: token }).focus({ preventScroll: true });
    });
    this.addEventListener('rate', ({ detail }) => (detail.sent = this.#rate(detail)));
    this.addEventListener('grown', () => this.#follow());
    this.#restore();
    if (!matchMedia('(pointer: coarse)').matches) this.#draft.focus(); // elsewhere it would raise the keyboard
  }

  get busy() {
    return this.#asking !== null;
  }

  /** write puts the cursor where the question goes. */
  write() {
    this.#draft.focus();
  }

  /**
   * identify says who asks from now on, as stream.js says it; null for nobody.
   * Whoever had a conversation here leaves nothing of it to another, and it is
   * kept for the next page only as long as the signature holds. A question
   * that was refused because the same customer's signature was too old is asked
   * again.
   */
  identify(customer) {
    const user = customer?.user_id ?? '';
    const same = user === this.#owner;
    if (this.#owner && !same) this.#forget();
    else if (user && !this.#customer) this.#conversation = fresh(); // theirs alone
    this.#customer = customer;
    this.#owner = user;
    this.#until = customer ? customer.expires * 1000 : Infinity;
    clearTimeout(this.#ending);
    if (customer) this.#ending = setTimeout(() => this.#keep(), Math.min(this.#until - Date.now(), longestWait));
    if (!this.#restore()) this.#keep();
    if (user && same && this.#current?.failure === 'lapsed') this.#again(this.#current);
  }

  /** #holds tells whether the owner's signature still does; nobody in particular has none. */
  get #holds() {
    return Date.now() < this.#until;
  }

  /** #restore shows the conversation that its owner had on the page before; false where there is none. */
  #restore() {
    const before = kept();
    if (this.#current || before?.owner !== this.#owner || !this.#holds) return false;
    try {
      for (const { question, said, answer } of before.turns) this.#show(question, said).take({ type: 'done', data: answer });
    } catch {
      this.#forget(); // another version of the page had kept it
      return false;
    }
    this.#turns = before.turns;
    this.#conversation = before.conversation;
    requestAnimationFrame(() => this.#follow());
    return true;
  }

  /** #keep remembers what is shown for the next page, as its owner's; nothing remains of what was there before. */
  #keep() {
    if (this.#turns.length && this.#holds) keep({ owner: this.#owner, conversation: this.#conversation, turns: this.#turns });
    else drop();
  }

  #forget() {
    drop();
    this.#turns = [];
    this.#asking?.abort();
    this.#asking = this.#current = null;
    this.#busy(false);
    this.#conversation = fresh();
    this.#draft.value = this.#status.textContent = '';
    localise(this.#empty); // the language may have changed since it was shown
    this.#log.replaceChildren(this.#empty);
  }

  /** #suggest shows what the company suggests to ask in the language of the page, else what a shop would. */
  #suggest() {
    const { [language]: own } = JSON.parse(this.dataset.suggestions ?? '{}');
    const questions = own ?? [1, 2, 3, 4].map((n) => say(`suggest${n}`));
    this.#suggestions.replaceChildren(...questions.map((question) => el('li', {}, el('button', { type: 'button' }, question))));
  }

  #submit() {
    const question = this.#draft.value.trim();
    if (!question || this.#asking) return; // the draft stays
    this.#draft.value = '';
    this.#start(question);
  }

  /** #start asks; said is what the customer is shown to have said. */
  #start(question, { said = question, confirmation = '' } = {}) {
    const answer = this.#show(question, said, confirmation);
    this.#run(answer);
    return answer;
  }

  /** #show adds a question, and the answer to come. */
  #show(question, said, confirmation = '') {
    if (this.#empty.isConnected) this.#empty.replaceWith(this.#anew());
    this.#current = new Answer(question, said, confirmation);
    this.#log.append(el('p', { class: 'question' }, el('span', { class: 'unseen', 'data-text': 'you' }), said), this.#current);
    return this.#current;
  }

  /** #anew is the way out of a conversation that goes on from page to page. */
  #anew() {
    const button = el('button', { type: 'button', class: 'anew', 'data-text': 'anew' });
    button.addEventListener('click', () => {
      this.#forget();
      this.write();
    });
    return button;
  }

  #again(answer) {
    if (this.#asking) return;
    answer.begin();
    answer.focus({ preventScroll: true });
    this.#run(answer);
  }

  async #run(answer) {
    this.#current = answer;
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    let done = null;
    this.#busy(true);
    this.#status.textContent = '';
    this.#reached = 0;
    this.#follow();
    try {
      for await (const event of ask(answer.question, { conversation: this.#conversation, confirmation: answer.confirmation, key: this.key, customer: this.#customer, signal })) {
        answer.take(event);
        if (event.type === 'done') done = event.data;
      }
    } catch (error) {
      if (signal.aborted) answer.stopped();
      else answer.failed(error);
      if (!signal.aborted && !(error instanceof Problem)) console.error(error);
    }
    if (this.#current !== answer) return; // it was forgotten
    this.#asking = null;
    this.#busy(false);
    if (done) {
      this.#turns.push({ question: answer.question, said: answer.said, answer: done });
      this.#keep();
    }
    if (answer.failure === 'lapsed' && this.#renewed !== answer) this.#lapse(answer);
    this.#status.textContent = answer.spoken();
    this.#follow();
  }

  /** #lapse lets the website sign for the customer anew, once for each answer. */
  #lapse(answer) {
    this.#renewed = answer;
    this.dispatchEvent(new CustomEvent('lapsed'));
  }

  async #rate({ id, said }) {
    try {
      await rate(id, said, { key: this.key, customer: this.#customer });
    } catch (problem) {
      if (problem.text === 'lapsed') this.dispatchEvent(new CustomEvent('lapsed')); // the next try may do
      throw problem;
    }
    this.#status.textContent = say('thanks');
  }

  /** #busy swaps the two buttons; the one that goes hands its focus to the draft. */
  #busy(busy) {
    const focused = [this.#send, this.#stop].includes(document.activeElement);
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
    if (focused) this.#draft.focus();
  }

  /** #follow keeps the end in view, but never pushes the question out; a reader who scrolled up is left alone. */
  #follow() {
    const page = document.documentElement;
    if (page.scrollTop < this.#reached - 1) return;
    const top = document.querySelector('header').offsetHeight + 16;
    const target = Math.min(this.#current.previousElementSibling.offsetTop - top, page.scrollHeight - page.clientHeight);
    if (target > page.scrollTop) scrollTo(0, target);
    this.#reached = page.scrollTop;
  }
}

/** welcome is what an empty conversation shows. */
function welcome(suggestions) {
  return el('section', { class: 'welcome' },
    el('h2', { 'data-text': 'hello' }), el('p', { 'data-text': 'disclosure' }),
    el('h3', { 'data-text': 'suggestions' }), suggestions);
}

customElements.define('kefu-chat', Chat);
document.getElementById('language').addEventListener('click', switchLanguage);
showLanguage();
