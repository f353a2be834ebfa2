/* The sign-in page begins with the names (names.js). Who writes the own name
   sends a form here: it posts JSON, shows what the service says, and goes on to
   the page that was asked for. */
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
  var names = new pages.Names({
    list: dom.byId('names'), panel: dom.byId('panel'), pad: dom.byId('pad'), letters: dom.byId('letters'),
    back: dom.byId('pin-back'), form: dom.byId('form-back')
  }, goOn, function (name) {
    if (name) { username.value = name; }
    (username.value ? password : username).focus();
  });

  // Whose the pages are: somebody else than who was here before goes to the own one.
  var OWNERS = { cocina: 'cocinero', pos: 'mesero', caja: 'cajero', manager: 'manager' };

  function showClock() {
    dom.setText(dom.byId('clock'), pages.clock.time());
    dom.setText(dom.byId('names-clock'), pages.clock.time());
    dom.setText(dom.byId('day'), pages.clock.day());
  }

  // Only a path of this site: never //elsewhere, nor a scheme. Without one, the
  // sign-in page itself sends who is signed in to the first page of the role.
  function target(rol) {
    var next = body.getAttribute('data-next') || '', owner = OWNERS[next.split(/[\/?]/)[1]];
    if (!/^\/(?![\/\\])/.test(next) || (owner && owner !== rol && rol !== 'manager')) { return '/login'; }
    return next;
  }

  function goOn(person) { window.location.replace(target(person.rol)); }

  function showError(text) {
    dom.setText(error, text);
    error.hidden = !text;
    password.className = text ? 'input is-wrong' : 'input';
    password.setAttribute('aria-invalid', text ? 'true' : 'false');
  }

  function setBusy(busy) {
    submit.disabled = busy;
    dom.setText(submit, busy ? pages.words.entering : pages.words.enter);
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
      pages.people.remember(answer.body);
      goOn(answer.body);
      return;
    }
    setBusy(false);
    if (answer.status === 0) {
      showError(WORDS.noConnection);
    } else {
      showError(answer.body.error.mensaje + pages.PinPad.triesLeft(answer.body.error.intentos_restantes));
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

  pages.kept.forget();           // what was somebody's
  pages.clock.setFromPage();
  showClock();
  window.setInterval(showClock, 1000);
  names.begin();
}(window));
