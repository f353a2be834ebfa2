/* By this script one signs out on the start page. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var button = dom.byId('logout');
  var error = dom.byId('logout-error');

  // The first page of the list that has something to send, or undefined: it is that page which sends it.
  function unsent() {
    return Array.prototype.filter.call(document.querySelectorAll('.start__link'), function (link) {
      return pages.leave.isUnsent(link.getAttribute('href'));
    })[0];
  }

  function say(text) {
    dom.setText(error, text);
    error.hidden = false;
  }

  button.onclick = function () {
    var link = unsent();
    if (link) {
      say(pages.fill(pages.words.unsentAt, { page: link.querySelector('.start__name').textContent }));
      return;
    }
    button.disabled = true;
    error.hidden = true;
    pages.leave.signOut(function () {
      button.disabled = false;
      say(pages.words.notSignedOut);
    });
  };
}(window));
