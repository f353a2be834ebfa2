/* This is what a page keeps in the browser, as JSON: `storage.tab` until the tab
   is closed, `storage.browser` for longer. Where the browser forbids that, as in
   private mode, or has no room left, nothing is kept and nothing fails. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

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

  pages.storage = { tab: new Storage('sessionStorage'), browser: new Storage('localStorage') };
}(window));
