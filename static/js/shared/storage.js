/* This is what a page keeps in the browser, as JSON: `storage.tab` until the tab
   is closed, `storage.browser` for longer. Where the browser forbids that, as in
   private mode, or has no room left, nothing is kept and nothing fails. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  var leaving = false;

  // name: of the window's own storage. To name it may fail already.
  function Storage(name) {
    this.name = name;
  }

  Storage.prototype._with = function (use, otherwise) {
    try { return use(window[this.name]); } catch (error) { return otherwise; }
  };

  Storage.prototype.has = function (key) {
    return this._with(function (store) { return store.getItem(key) !== null; }, false);
  };

  // Null where nothing is kept, or nothing that can be read.
  Storage.prototype.get = function (key) {
    return this._with(function (store) { return JSON.parse(store.getItem(key)); }, null);
  };

  Storage.prototype.set = function (key, value) {
    if (leaving) { return; }
    this._with(function (store) { store.setItem(key, JSON.stringify(value)); });
  };

  Storage.prototype.remove = function (key) {
    this._with(function (store) { store.removeItem(key); });
  };

  // The keys that begin with `prefix`.
  Storage.prototype.keys = function (prefix) {
    return this._with(function (store) {
      var found = [], i;
      for (i = 0; i < store.length; i++) {
        if (store.key(i).indexOf(prefix) === 0) { found.push(store.key(i)); }
      }
      return found;
    }, []);
  };

  var tab = new Storage('sessionStorage');
  var browser = new Storage('localStorage');

  // Of who leaves only the keys stay that `stays` matches, and this page keeps nothing more.
  function leave(stays) {
    leaving = true;
    [tab, browser].forEach(function (storage) {
      storage.keys('notif:').forEach(function (key) {
        if (!stays.test(key)) { storage.remove(key); }
      });
    });
  }

  // How the keys begin of what somebody has asked for on a page, and the service has not answered (operations.js).
  function asked(path, userId) { return 'notif:operacion:' + path + ':' + userId + ':'; }

  pages.storage = { tab: tab, browser: browser, leave: leave, asked: asked };
}(window));
