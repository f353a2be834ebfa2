/* These are the people who have signed in on this device, so that they need
   not write their names again. Whoever opens the sign-in page here reads them:
   it keeps twelve at most, and none who has not come for long. Of each it keeps
   the name and the role, and when he came last. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var KEY = 'notif:personas';
  var MOST = 12;
  var KEPT_MS = 60 * 24 * 3600000;
  var ROLES = ['cocinero', 'mesero', 'cajero', 'manager'];

  function isPerson(value) {
    return value !== null && typeof value === 'object' && typeof value.username === 'string' && value.username !== '' &&
      ROLES.indexOf(value.rol) >= 0;
  }

  function kept() {
    var list = pages.storage.browser.get(KEY), now = new Date().getTime();
    return (Array.isArray(list) ? list : []).filter(function (person) {
      return isPerson(person) && Math.abs(now - person.at) < KEPT_MS;
    });
  }

  // Each name has its place, whoever came last.
  function sorted(list) {
    return list.filter(isPerson).sort(function (a, b) {
      return ROLES.indexOf(a.rol) - ROLES.indexOf(b.rol) || a.username.localeCompare(b.username);
    });
  }

  // person: {username, rol}, as the service names who has just signed in.
  function remember(person) {
    var others = kept().filter(function (other) { return other.username !== person.username; });
    others.unshift({ username: person.username, rol: person.rol, at: new Date().getTime() });
    pages.storage.browser.set(KEY, others.slice(0, MOST));
  }

  pages.people = {
    KEY: KEY,
    known: function () { return sorted(kept()); },
    sorted: sorted,
    remember: remember,
    place: function (rol) { return pages.words.places[rol] || ''; }
  };
}(window));
