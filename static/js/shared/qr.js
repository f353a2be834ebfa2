/* This draws a text as a QR code. The encoder is a library of its own, which is
   loaded where a code is asked for. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var QUIET = 4;                 // modules of white around it, which readers need
  var waiting = null;            // who is to be told when the library is there

  function load(onLoaded) {
    var script;
    if (window.qrcode) {
      onLoaded();
      return;
    }
    if (waiting) {
      waiting.push(onLoaded);
      return;
    }
    waiting = [onLoaded];
    script = document.createElement('script');
    script.src = '/static/vendor/qrcode.js?v=' + document.body.getAttribute('data-version');
    script.onload = function () {
      waiting.forEach(function (call) { call(); });
      waiting = null;
    };
    script.onerror = function () {
      waiting = null;
      document.body.removeChild(script);
    };
    document.body.appendChild(script);
  }

  function path(code) {
    var size = code.getModuleCount(), parts = [], row, column;
    for (row = 0; row < size; row++) {
      for (column = 0; column < size; column++) {
        if (code.isDark(row, column)) { parts.push('M' + (column + QUIET) + ' ' + (row + QUIET) + 'h1v1h-1z'); }
      }
    }
    return parts.join('');
  }

  // onDrawn(node): an <svg>.
  function draw(text, label, onDrawn) {
    load(function () {
      var code = window.qrcode(0, 'M'), side, node;
      code.addData(text);
      code.make();
      side = code.getModuleCount() + 2 * QUIET;
      node = pages.dom.svg('svg', { viewBox: '0 0 ' + side + ' ' + side, 'class': 'qr', role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' });
      node.appendChild(pages.dom.svg('rect', { width: side, height: side, fill: '#FFFFFF' }));
      node.appendChild(pages.dom.svg('path', { d: path(code), fill: '#000000' }));
      onDrawn(node);
    });
  }

  pages.qr = { draw: draw };
}(window));
