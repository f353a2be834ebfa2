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
    pages.leave.signOut(function () {
      button.disabled = false;
      error.hidden = false;
    });
  };
}(window));
