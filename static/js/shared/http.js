/* This is how the pages ask the service: JSON there and JSON back, and every
   request has an end. An answer is {status, body, retryAfter}: `status` is 0
   where none of the service's came in time, `body` the JSON that came, or {},
   and `retryAfter` the seconds that the service asks for, or 0.

   Proxies, hotspots and other services answer too, with any status. Of errors,
   those are the service's that say so in its words, {error: {codigo, …}}; of
   successes, those that hold what was asked for: `wanted` gives it by name,
   {eventos: 'list', cursor: 'string'}, is 'list' where the answer is one itself,
   or null for an answer without a body. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var PATIENCE_MS = 12000;
  var GIVEN_UP_MS = 15000;       // what is sent again is so within less

  function parse(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  // kind: 'list' (of objects), 'array' (of anything), 'object', 'string', 'number' or 'boolean'.
  function isA(kind, value) {
    var isArray = Object.prototype.toString.call(value) === '[object Array]';
    if (kind === 'list') { return isArray && value.every(function (one) { return isA('object', one); }); }
    return kind === 'array' ? isArray : value !== null && !isArray && typeof value === kind;
  }

  function holds(body, wanted) {
    return isA('object', body) && Object.keys(wanted).every(function (name) { return isA(wanted[name], body[name]); });
  }

  function isOurs(status, body, wanted) {
    if (status < 200 || status > 299) { return holds(body, { error: 'object' }) && holds(body.error, { codigo: 'string' }); }
    if (wanted === 'list') { return isA('list', body); }
    return wanted ? holds(body, wanted) : status === 204 || status === 202;
  }

  function answerOf(xhr, wanted) {
    var body = parse(xhr.responseText);
    if (!isOurs(xhr.status, body, wanted)) { return { status: 0, body: {}, retryAfter: 0 }; }
    return { status: xhr.status, body: body || {}, retryAfter: Number(xhr.getResponseHeader('Retry-After')) || 0 };
  }

  // What changes something and waits for its answer: a browser that has no free connection sends nothing, for as
  // long as it takes. One that is sent again goes on waiting.
  var asking = 0;
  var askingSince = null;
  var endedAt = 0;

  function now() {
    return window.performance && window.performance.now ? window.performance.now() : new Date().getTime();
  }

  function counted(onAnswer) {
    asking++;
    if (askingSince === null || (asking === 1 && now() - endedAt > GIVEN_UP_MS)) { askingSince = now(); }
    return function (answer) {
      asking--;
      endedAt = now();
      if (answer.status) { askingSince = asking ? endedAt : null; }
      onAnswer(answer);
    };
  }

  // For how many milliseconds nothing of that kind has been answered; 0 where nothing waits.
  function unanswered() {
    return askingSince === null || (!asking && now() - endedAt > GIVEN_UP_MS) ? 0 : now() - askingSince;
  }

  // type: of the body, or null where there is none.
  function request(method, path, type, body, wanted, onAnswer, patienceMs) {
    var xhr = new window.XMLHttpRequest(), timer;
    if (method !== 'GET') { onAnswer = counted(onAnswer); }

    function drop() {
      window.clearTimeout(timer);
      xhr.onreadystatechange = null;
      xhr.abort();
    }

    xhr.open(method, path, true);
    xhr.setRequestHeader('Accept', 'application/json');
    if (type) { xhr.setRequestHeader('Content-Type', type); }
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      window.clearTimeout(timer);
      onAnswer(answerOf(xhr, wanted));
    };
    timer = window.setTimeout(function () {   // not every browser of 2013 knows xhr.timeout
      drop();
      onAnswer({ status: 0, body: {}, retryAfter: 0 });
    }, patienceMs || PATIENCE_MS);
    xhr.send(body);
    return { drop: drop };
  }

  // content: an object, or null. onAnswer(answer) is called once, unless the request that this gives back is dropped.
  function send(method, path, content, wanted, onAnswer, patienceMs) {
    return request(method, path, content ? 'application/json' : null, content ? JSON.stringify(content) : null, wanted, onAnswer, patienceMs);
  }

  // bytes: a CSV file's, as an ArrayBuffer.
  function sendFile(path, bytes, wanted, onAnswer, patienceMs) {
    return request('POST', path, 'text/csv', bytes, wanted, onAnswer, patienceMs);
  }

  function get(path, wanted, onAnswer, patienceMs) {
    return send('GET', path, null, wanted, onAnswer, patienceMs);
  }

  pages.http = { get: get, send: send, sendFile: sendFile, unanswered: unanswered };
}(window));
