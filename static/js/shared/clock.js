/* This is the restaurant's time. Ages and clocks come from the server's time
   and zone: a tablet may be hours wrong, and in another zone. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var DAYS = ['Domingo', 'Lunes', 'Martes', 'Miércoles', 'Jueves', 'Viernes', 'Sábado'];
  var MONTHS = ['enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto',
    'septiembre', 'octubre', 'noviembre', 'diciembre'];
  var DAY_CUT_MS = 4 * 3600000;
  var offsetMs = 0;
  var zoneMinutes = -new Date().getTimezoneOffset();

  // iso: the server's time now, with its offset.
  function set(iso, differenceMs) {
    var zone = /([+-])(\d\d):?(\d\d)$/.exec(iso);
    offsetMs = differenceMs;
    if (zone) {
      zoneMinutes = (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
    } else if (/Z$/.test(iso)) {
      zoneMinutes = 0;
    }
  }

  // From the page itself, until the service has told: as old as the page's way here.
  function setFromPage() {
    var iso = window.document.body.getAttribute('data-server-time');
    if (parse(iso) !== null) { set(iso, parse(iso) - new Date().getTime()); }
  }

  function now() {
    return new Date().getTime() + offsetMs;
  }

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  // The restaurant's wall clock, now or then, to be read with the getUTC… methods.
  function wall(ms) {
    return new Date((ms === undefined ? now() : ms) + zoneMinutes * 60000);
  }

  function time() {
    var date = wall();
    return two(date.getUTCHours()) + ':' + two(date.getUTCMinutes());
  }

  function nameOf(date) {
    return DAYS[date.getUTCDay()] + ' ' + date.getUTCDate() + ' de ' + MONTHS[date.getUTCMonth()];
  }

  function day() {
    return nameOf(wall());
  }

  // 2026-11-24: who closes after midnight still belongs to the evening before.
  function businessDay(ms) {
    return new Date(wall(ms).getTime() - DAY_CUT_MS).toISOString().slice(0, 10);
  }

  // "Martes 24 de noviembre" of a date on the wire.
  function dayName(date) {
    return nameOf(new Date(Date.parse(date + 'T00:00:00Z')));
  }

  // 09:12, and from 100 minutes on 1 h 40.
  function age(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000)), minutes = Math.floor(seconds / 60);
    if (minutes < 100) { return two(minutes) + ':' + two(seconds % 60); }
    return Math.floor(minutes / 60) + ' h ' + two(minutes % 60);
  }

  // 2:41, and from 100 minutes on 1 h 40.
  function minutes(ms) {
    return age(ms).replace(/^0(?=\d:)/, '');
  }

  // "hace 20 s", "hace 3 min"
  function ago(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) { return 'hace ' + seconds + ' s'; }
    if (seconds < 6000) { return 'hace ' + Math.floor(seconds / 60) + ' min'; }
    return 'hace ' + Math.floor(seconds / 3600) + ' h';
  }

  // 19:05:12 of a time on the wire, which carries the restaurant's offset.
  function timeOf(iso) {
    return String(iso || '').slice(11, 19);
  }

  // An ISO time in ms, or null.
  function parse(iso) {
    var ms = iso ? Date.parse(iso) : NaN;
    return isNaN(ms) ? null : ms;
  }

  pages.clock = {
    set: set, setFromPage: setFromPage, now: now, time: time, day: day, businessDay: businessDay, dayName: dayName,
    age: age, minutes: minutes, ago: ago, timeOf: timeOf, parse: parse
  };
}(window));
