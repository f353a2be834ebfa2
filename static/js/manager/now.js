/* This is the manager's minute on a phone: one sentence of what is open, and
   one of how the day goes. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.managerWords;
  var fill = pages.fill;

  // nodes: {line, sub}
  function Now(nodes) {
    this.nodes = nodes;
    this.drawn = '';
  }

  // counts: {cooking, late, ready}. figures: today's, or null.
  Now.prototype.show = function (loaded, counts, figures) {
    var parts = [], key = JSON.stringify([loaded, counts]), all = figures && figures.en_total.mediana;
    dom.setText(this.nodes.sub, !figures ? pages.words.noData : [
      fill(WORDS.ordersToday, { n: figures.pedidos }),
      typeof figures.ventas === 'number' ? pages.wording.money(figures.ventas) : '',
      typeof all === 'number' ? fill(WORDS.usually, { time: pages.clock.minutes(all * 1000) }) : ''
    ].filter(Boolean).join(' · '));
    if (key === this.drawn) { return; }
    this.drawn = key;
    dom.empty(this.nodes.line);
    if (!loaded) {
      this.nodes.line.appendChild(dom.text(pages.words.noData));
      return;
    }
    parts.push(dom.text(counts.cooking ? fill(WORDS.inKitchen, { n: counts.cooking }) : WORDS.nothingInKitchen));
    if (counts.late) {
      parts.push(dom.create('span', 'is-late', [dom.icon('warning'), dom.text(fill(WORDS.late, { n: counts.late }))]));
    }
    if (counts.ready) { parts.push(dom.text(fill(WORDS.readyNow, { n: counts.ready }))); }
    parts.forEach(function (part, index) {
      if (index) { this.appendChild(dom.text(' · ')); }
      this.appendChild(part);
    }, this.nodes.line);
  };

  pages.Now = Now;
}(window));
