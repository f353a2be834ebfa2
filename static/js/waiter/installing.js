/* Where the browser can put the page on the phone's home screen, the page says
   how; it offers nothing itself. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.waiterWords;
  var offered = false;           // by the browser, perhaps before the page was ready
  var node = null;

  function show() {
    var inTabOfIPhone = window.navigator.standalone === false;
    if (!node) { return; }
    pages.dom.setText(node, inTabOfIPhone ? WORDS.installOnIPhone : WORDS.install);
    node.hidden = !offered && !inTabOfIPhone;
  }

  window.addEventListener('beforeinstallprompt', function () {
    offered = true;
    show();
  }, false);
  window.addEventListener('appinstalled', function () {
    offered = false;
    show();
  }, false);

  pages.installing = function (shownIn) {
    node = shownIn;
    show();
  };
}(window));
