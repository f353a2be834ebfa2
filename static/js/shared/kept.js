/* This keeps the kitchen's last board in the browser, for the page that is shown
   without a connection. It is one person's: a page of somebody else, the
   sign-in page and a session's end delete it. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var NAME = 'pos_notif';
  var STORE = 'tablero';
  var MOST_LETTERS = 1024 * 1024;   // of two bytes each
  var MOST_AGE_MS = 12 * 3600000;
  var PATIENCE_MS = 1000;
  var leaving = false;

  // onOpen(database), or of null: this browser keeps nothing.
  function open(onOpen) {
    var request;
    try { request = window.indexedDB.open(NAME, 1); } catch (error) { request = null; }
    if (!request) {
      onOpen(null);
      return;
    }
    request.onupgradeneeded = function () { request.result.createObjectStore(STORE); };
    request.onerror = function () { onOpen(null); };
    request.onsuccess = function () { onOpen(request.result); };
  }

  // work(store) within one transaction; onDone(whether it is over), always.
  function within(mode, work, onDone) {
    open(function (database) {
      var transaction;
      function end(done) {
        if (database) { database.close(); }
        if (onDone) { onDone(done); }
      }
      try { transaction = database.transaction(STORE, mode); } catch (error) { transaction = null; }
      if (!transaction) {
        end(false);
        return;
      }
      transaction.oncomplete = function () { end(true); };
      transaction.onabort = transaction.onerror = function () { end(false); };
      work(transaction.objectStore(STORE));
    });
  }

  function clear(store) { store.clear(); }

  function forget(onDone) { within('readwrite', clear, onDone); }

  // board: anything, or null where it is as before. at: this device's clock when it was last known to be so.
  function put(board, at) {
    var text = board && JSON.stringify(board);
    if (leaving) { return; }
    if (text && text.length > MOST_LETTERS) {
      forget();
      return;
    }
    within('readwrite', function (store) {
      if (text) { store.put(text, 'pedidos'); }
      store.put(at, 'hora');
    });
  }

  function parse(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  // onBoard(board, how old it is in ms), or of null. What is too old is deleted, or of a time that is yet to come.
  function get(onBoard) {
    var text = null, at = null;
    within('readonly', function (store) {
      store.get('pedidos').onsuccess = function (event) { text = event.target.result; };
      store.get('hora').onsuccess = function (event) { at = event.target.result; };
    }, function () {
      var age = new Date().getTime() - at, board = typeof text === 'string' && typeof at === 'number' ? parse(text) : null;
      if (board && age >= 0 && age <= MOST_AGE_MS) {
        onBoard(board, age);
        return;
      }
      if (board) { forget(); }
      onBoard(null, 0);
    });
  }

  // Nothing is kept by this page any more. onLeft() is called once, soon, whatever the browser does.
  function leave(onLeft) {
    var timer, left = false;
    function end() {
      window.clearTimeout(timer);
      if (!left) { onLeft(); }
      left = true;
    }
    leaving = true;
    timer = window.setTimeout(end, PATIENCE_MS);
    forget(end);
  }

  // A page that somebody else is signed in to.
  (function () {
    var userId = Number(window.document.body.getAttribute('data-usuario-id'));
    if (userId) {
      get(function (board) {
        if (board && board.usuario_id !== userId) { forget(); }
      });
    }
  }());

  pages.kept = { put: put, get: get, forget: forget, leave: leave };
}(window));
