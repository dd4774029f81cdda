// What the page says, in English and Chinese.

import { always } from './store.js';

const texts = {
  en: {
    other: '中文',
    api: 'API',
    conversation: 'Conversation',
    hello: 'How can we help?',
    disclosure: 'You are talking to an automated assistant. It answers from our knowledge base and cites its sources; it can be wrong, so check what matters.',
    suggestions: 'For example',
    suggest1: 'How long do I have to return a product?',
    suggest2: 'Can I cancel my order?',
    suggest3: 'How do I reset my password?',
    suggest4: 'I would like to talk to a person',
    question: 'Your question',
    you: 'You',
    answer: 'Answer',
    send: 'Send',
    stop: 'Stop',
    keys: 'Enter sends, Shift+Enter starts a new line, Esc stops',
    searching: 'Searching the knowledge base…',
    stopped: 'Stopped. What is shown may be incomplete and was not checked.',
    again: 'Ask again',
    retry: 'Try again',
    sources: 'Sources',
    open: 'Open the page',
    close: 'Close',
    person: 'Talk to a person',
    degraded: 'Our usual model cannot be reached: this answer quotes the knowledge base word for word.',
    offline: 'Quoted from the knowledge base by a program, without an AI model',
    automatic: 'Automatic reply',
    model: 'Written by AI and checked against the sources:',
    confirm: 'Confirm',
    cancel: 'Do not do it',
    confirmGroup: 'Please confirm',
    confirmed: 'Confirmed:',
    cancelled: 'It was not done.',
    use_started: 'under way…',
    use_done: 'done',
    use_failed: 'not possible',
    use_error: 'did not work',
    use_unknown: 'unknown whether it was done',
    use_waiting: 'waits for you',
    expired: 'This confirmation is no longer valid. Please ask again.',
    key: 'Access key',
    use: 'Use this key',
    complete: 'Answer: ',
    cut: 'The connection was lost before the answer was complete.',
    unreachable: 'The server cannot be reached. Check your connection.',
    e400: 'This question cannot be read. Please write it differently.',
    e401: 'This service needs an access key.',
    over_budget: 'The budget for answers is used up. Please come back later.',
    e413: 'This question is too long. Please shorten it.',
    e429: 'Too many questions at once. Please wait a moment.',
    e503: 'The service is not available at the moment.',
    e504: 'The answer took too long.',
    failed: 'Something went wrong on our side.',
  },
  zh: {
    other: 'English',
    api: 'API',
    conversation: '对话',
    hello: '您好，需要什么帮助？',
    disclosure: '您正在与自动客服助手对话。它依据知识库回答并注明出处，仍可能出错，重要信息请核对原文。',
    suggestions: '您可以这样问',
    suggest1: '签收后多少天内可以退货？',
    suggest2: '可以取消订单吗？',
    suggest3: '忘记密码怎么办？',
    suggest4: '我要转人工客服',
    question: '您的问题',
    you: '您',
    answer: '回答',
    send: '发送',
    stop: '停止',
    keys: '回车发送，Shift+回车换行，Esc 停止',
    searching: '正在查找知识库…',
    stopped: '已停止。以上内容可能不完整，且未经核对。',
    again: '重新提问',
    retry: '重试',
    sources: '出处',
    open: '打开原文',
    close: '关闭',
    person: '联系人工客服',
    degraded: '暂时无法使用常用模型，以下内容直接摘自知识库。',
    offline: '由程序摘自知识库，未使用 AI 模型',
    automatic: '自动回复',
    model: '由 AI 撰写，并与出处核对：',
    confirm: '确认',
    cancel: '不办理',
    confirmGroup: '请确认',
    confirmed: '已确认：',
    cancelled: '没有办理。',
    use_started: '进行中…',
    use_done: '已完成',
    use_failed: '无法办理',
    use_error: '未成功',
    use_unknown: '无法确认是否完成',
    use_waiting: '等待您确认',
    expired: '此确认已失效，请重新提问。',
    key: '访问密钥',
    use: '使用此密钥',
    complete: '回答：',
    cut: '连接中断，回答不完整。',
    unreachable: '无法连接服务器，请检查网络。',
    e400: '无法理解该问题，请换一种说法。',
    e401: '此服务需要访问密钥。',
    over_budget: '回答额度已用完，请稍后再来。',
    e413: '问题太长，请缩短后再试。',
    e429: '提问过于频繁，请稍候再试。',
    e503: '服务暂时不可用。',
    e504: '回答超时。',
    failed: '我们这边出了点问题。',
  },
};

const remembered = 'kefu.language';

/** language is the one chosen here before, else the browser's first that we have. */
export let language = always?.getItem(remembered) ?? preferred();

function preferred() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in texts);
  return known ?? 'en';
}

export const say = (key) => texts[language][key];

/** localise words everything below root: data-text is content, data-hint a placeholder, data-label a name for screen readers. */
export function localise(root) {
  for (const node of root.querySelectorAll('[data-text]')) node.textContent = say(node.dataset.text);
  for (const node of root.querySelectorAll('[data-hint]')) node.placeholder = say(node.dataset.hint);
  for (const node of root.querySelectorAll('[data-label]')) node.setAttribute('aria-label', say(node.dataset.label));
}

export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  always?.setItem(remembered, language);
  showLanguage();
}

/** showLanguage makes the whole page, old answers included, speak the language. */
export function showLanguage() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  const button = document.getElementById('language');
  button.textContent = say('other');
  button.lang = language === 'zh' ? 'en' : 'zh-CN';
  localise(document);
}
