/* Sign-in: posts JSON, shows what the server says, goes on. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
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
    dom.setText(submit, busy ? 'Entrando…' : 'Entrar');
  }

  // Counts down a 429; the server refuses until then, with the right PIN too.
  function waitFor(seconds) {
    window.clearTimeout(waitTimer);
    if (seconds <= 0) { return setBusy(false); }
    submit.disabled = true;
    dom.setText(submit, 'Espere ' + pages.clock.age(seconds * 1000));
    waitTimer = window.setTimeout(function () { waitFor(seconds - 1); }, 1000);
  }

  function messageOf(xhr) {
    try { return JSON.parse(xhr.responseText).error.mensaje; } catch (failure) { return ''; }
  }

  function onAnswer(xhr) {
    if (xhr.status === 200) {
      window.location.replace(target());
      return;
    }
    setBusy(false);
    if (xhr.status === 0) {
      showError('No hay conexión con el servidor. Intente de nuevo.');
    } else {
      showError(messageOf(xhr) || 'No se pudo entrar (' + xhr.status + ').');
    }
    if (xhr.status === 429) { waitFor(Number(xhr.getResponseHeader('Retry-After')) || 60); }
    password.focus();
    password.select();
  }

  form.onsubmit = function () {
    var xhr;
    if (submit.disabled) { return false; }
    if (!username.value || !password.value) {
      showError('Escriba su usuario y su PIN.');
      return false;
    }
    showError('');
    setBusy(true);
    xhr = new window.XMLHttpRequest();
    xhr.open('POST', '/api/auth/login', true);
    xhr.setRequestHeader('Content-Type', 'application/json');
    xhr.setRequestHeader('Accept', 'application/json');
    xhr.onreadystatechange = function () {
      if (xhr.readyState === 4) { onAnswer(xhr); }
    };
    xhr.send(JSON.stringify({ username: username.value, password: password.value }));
    return false;
  };

  reveal.onclick = function () {
    var shown = password.type === 'text';
    password.type = shown ? 'password' : 'text';
    reveal.setAttribute('aria-pressed', shown ? 'false' : 'true');
    reveal.setAttribute('aria-label', shown ? 'Mostrar' : 'Ocultar');
    password.focus();
  };

  pages.clock.setFromPage();
  showClock();
  window.setInterval(showClock, 1000);
  (username.value ? password : username).focus();
}(window));
