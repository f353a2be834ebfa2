/* The start page: signing out. */
(function (window) {
  'use strict';

  var dom = window.posNotif.dom;
  var button = dom.byId('logout');
  var error = dom.byId('logout-error');

  button.onclick = function () {
    var xhr = new window.XMLHttpRequest();
    button.disabled = true;
    error.hidden = true;
    xhr.open('POST', '/api/auth/logout', true);
    xhr.setRequestHeader('Content-Type', 'application/json');
    xhr.onreadystatechange = function () {
      if (xhr.readyState !== 4) { return; }
      if (xhr.status === 204 || xhr.status === 200 || xhr.status === 401) {
        window.location.replace('/login');
        return;
      }
      button.disabled = false;
      error.hidden = false;
    };
    xhr.send('{}');
  };
}(window));
