/* By this script one signs out on the start page. */
(function (window) {
  'use strict';

  var pages = window.posNotif;
  var dom = pages.dom;
  var button = dom.byId('logout');
  var error = dom.byId('logout-error');

  button.onclick = function () {
    button.disabled = true;
    error.hidden = true;
    pages.http.send('POST', '/api/auth/logout', {}, null, function (answer) {
      if (answer.status === 204 || answer.status === 401) {
        window.location.replace('/login');
        return;
      }
      button.disabled = false;
      error.hidden = false;
    });
  };
}(window));
