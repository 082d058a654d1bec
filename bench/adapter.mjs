// The way of this site's own page, for the load generator: the page is fetched, a message is posted as the composer
// posts it, and the reply is followed as EventSource follows it. Only the log-in form is passed by: sessions are made
// before the timed part by `manage.py make_sessions` (in the same environment as the server: DATABASE_URL).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { request, text, uuid } from './load/lib.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const venv = path.join(root, '.venv/bin/python');
const python = process.env.BENCH_PYTHON || (fs.existsSync(venv) ? venv : 'python3');
const FETCH = { 'x-requested-with': 'fetch' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

let sessions = [];

const unescape = (html) => html.replace(/&#(\d+);|&#x([0-9a-f]+);|&(amp|lt|gt|quot);/gi, (_, d, x, name) =>
  name ? { amp: '&', lt: '<', gt: '>', quot: '"' }[name.toLowerCase()] : String.fromCodePoint(d ? +d : parseInt(x, 16)));

// The value of an attribute in the first tag that `tag` matches; undefined if there is none.
function attribute(html, tag, name) {
  const found = tag.exec(html);
  const value = found && new RegExp(`\\s${name}="([^"]*)"`).exec(found[0]);
  return value ? unescape(value[1]) : undefined;
}

// What the composer on a page or in a fragment would send: address, hidden fields, the number of each model.
function composer(html) {
  const form = html.slice(html.search(/<form[^>]*\sdata-composer/));
  const field = (name) => attribute(form, new RegExp(`<input[^>]*\\sname="${name}"[^>]*>`), 'value') ?? '';
  const models = new Map();
  for (const [, number, label] of form.matchAll(/<option\s+value="(\d+)"[^>]*>([^<]*)/g)) models.set(unescape(label).trim(), number);
  return { action: attribute(form, /<form[^>]*>/, 'action'), token: field('csrfmiddlewaretoken'), parent: field('parent_id'), models };
}

// Reads events and feeds the text that is new; resolves at `done`, rejects on any other end. As on the page, the stream
// stays open after `done`, until the title has come and the site ends it.
async function follow(url, session, { feed, signal }, ctx) {
  const res = await request(ctx.base, url, { headers: { cookie: session.cookie, accept: 'text/event-stream' }, signal });
  if (res.statusCode !== 200) throw new Error(`events: HTTP ${res.statusCode}`);
  await new Promise((resolve, reject) => {
    let pending = '', fed = false;
    // Text comes in `delta`; whoever attaches late gets the beginning in another frame, rendered or plain.
    const take = (frame) => {
      const event = /^event: (.*)$/m.exec(frame)?.[1], data = /^data: (.*)$/m.exec(frame)?.[1];
      if (!event || !data) return;
      const { text: piece, html = '', tail = '', status } = JSON.parse(data);
      const fresh = event === 'delta' ? piece : fed || event === 'title' ? '' : `${html.replace(/<[^>]*>/g, ' ')}${tail}`;
      if (fresh) { fed = true; feed(fresh); }
      if (event === 'restart') reject(new Error('the site restarts'));
      if (event === 'done') { feed(' '); status === 'completed' ? resolve() : reject(new Error(`ended as ${status}`)); }
    };
    res.setEncoding('utf8');
    res.on('data', (chunk) => { const frames = (pending + chunk).split('\n\n'); pending = frames.pop(); frames.forEach(take); });
    res.on('end', () => reject(new Error('cut')));
    res.on('error', reject);
  });
}

export default {
  async setup(ctx) {
    if (sessions.length >= ctx.n) return;
    const printed = execFileSync(python, ['manage.py', 'make_sessions', String(ctx.n)], { cwd: root, encoding: 'utf8' });
    sessions = printed.trim().split('\n');
  },

  async open(ctx, i) {
    const res = await request(ctx.base, '/', { headers: { cookie: sessions[i] } });
    const page = await text(res);
    if (res.statusCode !== 200) throw new Error(`page: HTTP ${res.statusCode}`);
    const csrf = (res.headers['set-cookie'] || []).map((line) => line.split(';')[0]);
    return { cookie: [sessions[i], ...csrf].join('; '), composer: composer(page) };
  },

  async send(session, { model, prompt, feed, signal }, ctx) {
    const { action, token, parent, models } = session.composer;
    const fields = { csrfmiddlewaretoken: token, parent_id: parent, key: uuid(), content: prompt };
    const label = [...models.keys()].find((name) => name === model || name.startsWith(model));
    if (label) fields.model = models.get(label);
    const body = new URLSearchParams(fields).toString();
    const headers = { ...FETCH, ...FORM, 'content-length': Buffer.byteLength(body), cookie: session.cookie, origin: ctx.base };
    const res = await request(ctx.base, action, { method: 'POST', headers, body, signal });
    const html = await text(res);
    if (res.statusCode !== 200) throw new Error(`send: HTTP ${res.statusCode}`);
    session.composer = { ...composer(html), models };
    const url = [...html.matchAll(/\sdata-follow="([^"]+)"/g)].pop()?.[1];
    if (!url) throw new Error('send: no reply to follow');
    await follow(url, session, { feed, signal }, ctx);
  },
};
