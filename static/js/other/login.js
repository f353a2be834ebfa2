/* The sign-in page posts JSON, shows what the service says, and goes on to the
   page that was asked for. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var WORDS = pages.loginWords;
  var body = window.document.body;
  var form = dom.byId('login');
  var username = dom.byId('username');
  var password = dom.byId('password');
  var error = dom.byId('login-error');
  var submit = dom.byId('login-submit');
  var reveal = dom.byId('reveal');
  var waitTimer = null;

  function showClock() {
    dom.setText(dom.byId('clock'), pages.clock.time());
    dom.setText(dom.byId('day'), pages.clock.day());
  }

  // Only a path of this site: never //elsewhere, nor a scheme. Without one, the
  // sign-in page itself sends who is signed in to the first page of the role.
  function target() {
    var next = body.getAttribute('data-next') || '';
    return /^\/(?![\/\\])/.test(next) ? next : '/login';
  }

  function showError(text) {
    dom.setText(error, text);
    error.hidden = !text;
    password.className = text ? 'input is-wrong' : 'input';
    password.setAttribute('aria-invalid', text ? 'true' : 'false');
  }

  function setBusy(busy) {
    submit.disabled = busy;
    dom.setText(submit, busy ? WORDS.entering : WORDS.enter);
  }

  // Counts down a 429; the server refuses until then, with the right PIN too.
  function waitFor(seconds) {
    window.clearTimeout(waitTimer);
    if (seconds <= 0) { return setBusy(false); }
    submit.disabled = true;
    dom.setText(submit, pages.fill(WORDS.wait, { time: pages.clock.minutes(seconds * 1000) }));
    waitTimer = window.setTimeout(function () { waitFor(seconds - 1); }, 1000);
  }

  function onAnswer(answer) {
    if (answer.status === 200) {
      window.location.replace(target());
      return;
    }
    setBusy(false);
    if (answer.status === 0) {
      showError(WORDS.noConnection);
    } else {
      showError(answer.body.error.mensaje);
    }
    if (answer.status === 429) { waitFor(answer.retryAfter || 60); }
    password.focus();
    password.select();
  }

  form.onsubmit = function () {
    if (submit.disabled) { return false; }
    if (!username.value || !password.value) {
      showError(WORDS.nothingWritten);
      return false;
    }
    showError('');
    setBusy(true);
    pages.http.send('POST', '/api/auth/login', { username: username.value, password: password.value }, { rol: 'string' }, onAnswer);
    return false;
  };

  reveal.onclick = function () {
    var shown = password.type === 'text';
    password.type = shown ? 'password' : 'text';
    reveal.setAttribute('aria-pressed', shown ? 'false' : 'true');
    reveal.setAttribute('aria-label', shown ? WORDS.show : WORDS.hide);
    password.focus();
  };

  pages.clock.setFromPage();
  showClock();
  window.setInterval(showClock, 1000);
  (username.value ? password : username).focus();
}(window));
