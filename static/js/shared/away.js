/* This says since when the service's engine is away: what is seen is new, and
   nothing can be sent until it is back. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.words;

  // What a banner has in it, by the class of its block.
  pages.away = function (block, since) {
    var time = pages.clock.timeOf(since).replace(/ /g, '\u00a0');
    return [dom.icon('offline', 'icon--l'), dom.create('span', block + '__title', pages.fill(WORDS.away, { time: time }))];
  };
}(window));
