/* This is the restaurant's time. Ages and clocks come from the server's time
   and zone: a tablet may be hours wrong, and in another zone. The server's
   clock may be set while the page is open, by hours, forward or back: the page
   goes on by the time that it had, and moments of either side of that are
   measured by it. Only what is shown is the server's clock as it stands. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.words;
  var HOUR_MS = 3600000;
  var SET_MS = 60000;          // less is an answer that was long on its way
  var MOST_SHIFTS = 20;
  var offsetMs = 0;
  var zoneMinutes = -new Date().getTimezoneOffset();
  var heard = null;            // what all clocks said when the service last told the time
  var shifts = [];             // by how much its clock had been set in all, and from when on by the page's time

  function shift() { return shifts.length ? shifts[shifts.length - 1].ms : 0; }

  function nearer(a, b) { return Math.abs(a) < Math.abs(b) ? a : b; }

  // iso: the service's time now, with its offset.
  function set(iso, differenceMs) {
    var said = { device: new Date().getTime(), steady: steady() }, went, by;
    said.service = said.device + differenceMs;
    if (heard) {
      went = said.service - heard.service;
      // This device's own clock may have been set too, and the other one stands still while the device sleeps.
      by = nearer(went - (said.device - heard.device), went - (said.steady - heard.steady));
      if (Math.abs(by) >= SET_MS) {
        shifts.push({ ms: shift() + by, from: heard.service - shift() });
        if (shifts.length > MOST_SHIFTS) { shifts.shift(); }
      }
    }
    heard = said;
    take(iso, differenceMs);
  }

  function take(iso, differenceMs) {
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
    if (inMs(iso) !== null) { take(iso, inMs(iso) - new Date().getTime()); }
  }

  // For measuring. To show it, there are the functions below.
  function now() {
    return new Date().getTime() + offsetMs - shift();
  }

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  // The restaurant's wall clock, now or then, to be read with the getUTC… methods.
  function wall(ms) {
    return new Date((ms === undefined ? now() : ms) + shift() + zoneMinutes * 60000);
  }

  // 19:21: the kitchen reads 24 hours.
  function time24() {
    return wall().toISOString().slice(11, 16);
  }

  // "7:21 p. m." of 19:21, "7 p. m." of 19, as people say it.
  function twelve(text) {
    var hour = Number(text.slice(0, 2));
    return pages.fill(hour < 12 ? WORDS.morning : WORDS.afternoon, { time: (hour % 12 || 12) + text.slice(2) });
  }

  // "7:21 p. m."
  function time() {
    return twelve(time24());
  }

  function nameOf(date) {
    return pages.fill(WORDS.date, {
      day: WORDS.days[date.getUTCDay()], n: date.getUTCDate(), month: WORDS.months[date.getUTCMonth()]
    });
  }

  function day() {
    return nameOf(wall());
  }

  // The hour at which the service's business day begins.
  function dayCut() {
    return Number(window.document.body.getAttribute('data-day-cut-hours'));
  }

  // "4:00 a. m."
  function dayCutTime() {
    return twelve(two(dayCut()) + ':00');
  }

  // 2026-11-24: who closes after midnight still belongs to the evening before.
  function businessDay(ms) {
    return new Date(wall(ms).getTime() - dayCut() * HOUR_MS).toISOString().slice(0, 10);
  }

  // "Martes 24 de noviembre" of a date on the wire.
  function dayName(date) {
    return nameOf(new Date(Date.parse(date + 'T00:00:00Z')));
  }

  // 09:12, and from 100 minutes on 1 h 40.
  function age(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000)), minutes = Math.floor(seconds / 60);
    if (minutes < 100) { return two(minutes) + ':' + two(seconds % 60); }
    return pages.fill(WORDS.hours, { hours: Math.floor(minutes / 60), minutes: two(minutes % 60) });
  }

  // 2:41, and from 100 minutes on 1 h 40.
  function minutes(ms) {
    return age(ms).replace(/^0(?=\d:)/, '');
  }

  // "ahora", "hace 20 s", "hace 3 min"
  function ago(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 1) { return WORDS.now; }
    if (seconds < 60) { return pages.fill(WORDS.secondsAgo, { n: seconds }); }
    if (seconds < 6000) { return pages.fill(WORDS.minutesAgo, { n: Math.floor(seconds / 60) }); }
    return pages.fill(WORDS.hoursAgo, { n: Math.floor(seconds / 3600) });
  }

  // "7:05 p. m." of a time on the wire, which carries the restaurant's offset; '' of none.
  function timeOf(iso) {
    return iso ? twelve(String(iso).slice(11, 16)) : '';
  }

  // "7:05 p. m." of a time in ms.
  function at(ms) {
    return twelve(wall(ms).toISOString().slice(11, 16));
  }

  // "7:05:12 p. m."
  function secondOf(iso) {
    return iso ? twelve(String(iso).slice(11, 19)) : '';
  }

  // "7:05:12.345 p. m."
  function wholeOf(iso) {
    return iso ? twelve(String(iso).slice(11, 23)) : '';
  }

  // "7 p. m."
  function hourOf(iso) {
    return twelve(String(iso).slice(11, 13));
  }

  function inMs(iso) {
    var ms = iso ? Date.parse(iso) : NaN;
    return isNaN(ms) ? null : ms;
  }

  // When something happened, an ISO time, in ms by the page's time; or null. It was written by the clock as that was
  // set then: of those times that it may mean, the newest that lies where the clock was set so.
  function parse(iso) {
    var ms = inMs(iso), latest = now() + SET_MS / 2, i, at;
    for (i = ms === null ? -1 : shifts.length - 1; i >= 0; i--) {
      at = ms - shifts[i].ms;
      if (at >= shifts[i].from - SET_MS / 2 && at <= latest) { return at; }
    }
    return ms;
  }

  // The same of what the service has told by its clock as it stands: the end of what lasts, or since when it does.
  function parseTold(iso) {
    var ms = inMs(iso);
    return ms === null ? null : ms - shift();
  }

  // For a page that cannot ask: how this device's clock and zone differ from the service's.
  function told() { return { offset: offsetMs, zone: zoneMinutes, shifts: shifts }; }

  function restore(kept) {
    offsetMs = kept.offset;
    zoneMinutes = kept.zone;
    shifts = kept.shifts || [];
  }

  // Milliseconds that only go forward, whoever sets a clock: for how long something lasts on the page.
  function steady() {
    return window.performance && window.performance.now ? window.performance.now() : new Date().getTime();
  }

  // Calls call() when so long has passed.
  function after(ms, call) {
    var until = steady() + ms;
    function look() {
      var left = until - steady();
      if (left > 0) { window.setTimeout(look, Math.max(20, left)); } else { call(); }
    }
    window.setTimeout(look, ms);
  }

  pages.clock = {
    set: set, setFromPage: setFromPage, now: now, time: time, time24: time24, day: day, dayCutTime: dayCutTime, businessDay: businessDay,
    dayName: dayName, age: age, minutes: minutes, ago: ago, at: at, timeOf: timeOf, secondOf: secondOf, wholeOf: wholeOf, hourOf: hourOf, parse: parse,
    parseTold: parseTold, told: told, restore: restore, steady: steady, after: after
  };
}(window));
