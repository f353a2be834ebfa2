/* This is how the pages ask the service: JSON there and JSON back, and every
   request has an end. An answer is {status, body, retryAfter}: `status` is 0
   where none came in time, `body` the JSON that came, or {}, and `retryAfter`
   the seconds that the service asks for, or 0. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var PATIENCE_MS = 12000;

  function parse(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  // A success that is no JSON comes from somebody else on the way: the page of a hotspot, or of a proxy.
  function answerOf(xhr) {
    var body = parse(xhr.responseText);
    var foreign = xhr.status >= 200 && xhr.status < 300 && xhr.status !== 204 && !body;
    return { status: foreign ? 0 : xhr.status, body: body || {}, retryAfter: Number(xhr.getResponseHeader('Retry-After')) || 0 };
  }

  // content: an object, or null. onAnswer(answer) is called once, unless the request that this gives back is dropped.
  function send(method, path, content, onAnswer, patienceMs) {
    var xhr = new window.XMLHttpRequest(), timer;

    function drop() {
      window.clearTimeout(timer);
      xhr.onreadystatechange = null;
      xhr.abort();
    }

    xhr.open(method, path, true);
    xhr.setRequestHeader('Accept', 'application/json');
    if (content) { xhr.setRequestHeader('Content-Type', 'application/json'); }
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      window.clearTimeout(timer);
      onAnswer(answerOf(xhr));
    };
    timer = window.setTimeout(function () {   // not every browser of 2013 knows xhr.timeout
      drop();
      onAnswer({ status: 0, body: {}, retryAfter: 0 });
    }, patienceMs || PATIENCE_MS);
    xhr.send(content ? JSON.stringify(content) : null);
    return { drop: drop };
  }

  function get(path, onAnswer, patienceMs) {
    return send('GET', path, null, onAnswer, patienceMs);
  }

  pages.http = { get: get, send: send };
}(window));
